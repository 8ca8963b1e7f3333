/**
 * Builds everything that is installed: one self-contained executable per script, and the C wrappers in front of them.
 * `--help` shows the options. With `deb`, also a Debian package of it all.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { type CommandEntry, commands, cronName, tools } from "./lib/base/commands.ts"
import { UsageError } from "./lib/base/errors.ts"
import { quoted } from "./lib/base/text.ts"
import { type Arguments, type ArgumentTable, readArguments } from "./lib/terminal/arguments.ts"
import packageJson from "./package.json" with { type: "json" }
import { compileExecutable } from "./packaging/executable.ts"

const argumentTable = {
  what: { type: "positional", required: false, description: "deb: a Debian package, too" },
  prefix: { type: "string", default: "/opt/ec2-wrappers" },
  config: { type: "string", default: "/etc/ec2-wrappers/config.toml" },
  outdir: { type: "string", default: "dist" },
  account: { type: "string", default: "cs61c" },
  "login-prefix": { type: "string", default: "cs61c" },
  slots: {
    type: "string",
    default: "/var/lib/ec2-wrappers/slots",
    description: "Where the wrappers count the runs of each caller",
  },
  only: {
    type: "string",
    multiple: true,
    description: "Only this tool and what calls it, or only this command; the rest stays as it is",
  },
} as const satisfies ArgumentTable

const hardening = [
  ...["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"],
  ...["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", "-fPIE", "-pie"],
  "-Wl,-z,relro,-z,now,-z,noexecstack",
  ...(process.arch === "x64" ? ["-fcf-protection"] : []),
]

const usage = `bun build.ts [--prefix DIR] [--config FILE] [--outdir DIR] [--account LOGIN] [--login-prefix P]
             [--slots DIR] [--only TOOL] [deb]`

const options = optionsOf(process.argv.slice(2))
const outdir = resolve(options.outdir)
const root = import.meta.dir
process.chdir(root)
const wanted = (name: string) => options.only.length === 0 || options.only.includes(name)
for (const directory of ["libexec", "bin"]) {
  if (options.only.length === 0) rmSync(join(outdir, directory), { recursive: true, force: true })
  mkdirSync(join(outdir, directory), { recursive: true })
}
const rows: { what: string; bytes: number }[] = []
for (const tool of tools) if (wanted(tool)) rows.push(await compileScript(tool))
for (const command of commands) {
  if (wanted(command.tool) || wanted(command.name)) rows.push(compileCommand(command))
}
rows.push(writeInstaller())
if (options.what === "deb") rows.push(packDeb())
printSizes(rows)

/** All is checked before the first file of an earlier build goes. */
function optionsOf(argv: string[]): Arguments<typeof argumentTable> {
  if (argv.includes("--help")) {
    console.log(usage)
    process.exit(0)
  }
  try {
    const given = readArguments(argumentTable, argv)
    const { what, prefix, config, account, slots, "login-prefix": loginPrefix } = given
    if (what !== undefined && what !== "deb")
      throw new UsageError("arguments", `${quoted(what)} cannot be built, wanted deb or nothing`)
    plainPath("prefix", prefix)
    plainPath("config", config)
    plainPath("slots", slots)
    plainLogin("account", account)
    if (loginPrefix !== "") plainLogin("login-prefix", loginPrefix)
    return given
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`build.ts: ${error.message}`)
    process.exit(1)
  }
}

async function compileScript(tool: string): Promise<{ what: string; bytes: number }> {
  const outfile = join(outdir, "libexec", tool)
  await compileExecutable(join("scripts", `${tool}.ts`), outfile, {
    BUILD_CONFIG_PATH: JSON.stringify(options.config),
    BUILD_PREFIX: JSON.stringify(options.prefix),
  })
  return { what: `libexec/${tool}`, bytes: statSync(outfile).size }
}

function compileCommand(command: CommandEntry): { what: string; bytes: number } {
  const outfile = join(outdir, "bin", command.name)
  const definitions: Record<string, string> = command.setuid
    ? {
        COMMAND: command.name,
        REAL_EXECUTABLE: join(options.prefix, "libexec", command.tool),
        ACCOUNT: options.account,
        LOGIN_PREFIX: options["login-prefix"],
        SLOT_DIRECTORY: options.slots,
        SPARE_SLOT_DIRECTORY: `/var/tmp/ec2-wrappers-${options.account}`,
      }
    : { COMMAND: command.name, TOOL: command.tool }
  const sources = command.setuid
    ? ["setuid_wrap.c", "home_writer.c", "slots.c", "trusted_path.c", "refuse.c"]
    : ["plain_wrap.c"]
  const compiled = Bun.spawnSync([
    ...["cc", ...hardening, "-o", outfile],
    ...Object.entries(definitions).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`),
    ...sources.map((source) => join("native", source)),
  ])
  if (!compiled.success) throw new Error(`${command.name} does not compile:\n${compiled.stderr}`)
  return { what: `bin/${command.name}`, bytes: statSync(outfile).size }
}

/** The installer, which knows what was built and for where. */
function writeInstaller(): { what: string; bytes: number } {
  const outfile = join(outdir, "install")
  writeFilled(join("packaging", "install.sh"), outfile, 0o755)
  return { what: "install", bytes: statSync(outfile).size }
}

/** The tree as it is installed, and maintainer scripts that call the same installer. */
function packDeb(): { what: string; bytes: number } {
  if (!Bun.which("dpkg-deb")) throw new Error("deb: there is no dpkg-deb here (Debian: apt install dpkg-dev)")
  const staging = join(outdir, ".deb")
  const place = join(staging, options.prefix)
  rmSync(staging, { recursive: true, force: true })
  for (const [folder, names, mode] of [
    ["libexec", tools, 0o111],
    ["bin", commands.map(({ name }) => name), 0o755],
  ] as const) {
    mkdirSync(join(place, folder), { recursive: true, mode: 0o755 })
    for (const name of names) copyFile(join(outdir, folder, name), join(place, folder, name), mode)
  }
  copyFile(join(outdir, "install"), join(place, "libexec", "install"), 0o755)
  const kibibytes = Math.ceil(
    tools.reduce((sum, tool) => sum + statSync(join(outdir, "libexec", tool)).size, 0) / 1024,
  )
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch
  const control = { VERSION: packageJson.version, ARCHITECTURE: architecture, KIBIBYTES: String(kibibytes) }
  mkdirSync(join(staging, "DEBIAN"), { mode: 0o755 })
  for (const [name, mode] of [
    ["control", 0o644],
    ["postinst", 0o755],
    ["prerm", 0o755],
    ["postrm", 0o755],
  ] as const) {
    writeFilled(join("packaging", "deb", name), join(staging, "DEBIAN", name), mode, control)
  }
  const outfile = join(outdir, `ec2-wrappers_${packageJson.version}_${architecture}.deb`)
  // gzip at its fastest: a gigabyte of executables takes minutes otherwise.
  const packed = Bun.spawnSync([
    "dpkg-deb",
    "--root-owner-group",
    "-Zgzip",
    "-z1",
    "--build",
    staging,
    outfile,
  ])
  rmSync(staging, { recursive: true })
  if (!packed.success) throw new Error(`dpkg-deb: ${packed.stderr}`)
  return { what: basename(outfile), bytes: statSync(outfile).size }
}

function copyFile(from: string, to: string, mode: number): void {
  copyFileSync(from, to)
  chmodSync(to, mode)
}

/** Copies a text with each `@NAME@` filled in. */
function writeFilled(from: string, to: string, mode: number, more: Record<string, string> = {}): void {
  const named = (setuid: boolean) => commands.filter((command) => command.setuid === setuid)
  const values: Record<string, string> = {
    PREFIX: options.prefix,
    NAME: cronName(options.prefix),
    CONFIG: options.config,
    ACCOUNT: options.account,
    LOGIN_PREFIX: options["login-prefix"],
    SLOTS: options.slots,
    SETUID_COMMANDS: namesOf(named(true)),
    PLAIN_COMMANDS: namesOf(named(false)),
    TOOLS: tools.join(" "),
    ...more,
  }
  writeFileSync(
    to,
    readFileSync(from, "utf8").replace(/@([A-Z_]+)@/g, (whole, name) => values[name] ?? whole),
  )
  chmodSync(to, mode)
}

function namesOf(list: readonly { name: string }[]): string {
  return list.map(({ name }) => name).join(" ")
}

/** What is compiled into a setuid program is no place for surprises. */
function plainPath(option: string, path: string): void {
  if (/^(\/[\w.+-]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path)) return
  throw new UsageError("options", `--${option} leads to ${quoted(path)}, wanted a plain absolute path`)
}

function plainLogin(option: string, login: string): void {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(login)) return
  throw new UsageError(
    "options",
    `--${option} is ${quoted(login)}, wanted lower case letters, digits, - and _`,
  )
}

function printSizes(rows: { what: string; bytes: number }[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length))
  for (const { what, bytes } of rows) {
    console.log(
      `${what.padEnd(width)}  ${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 1).padStart(7)} MiB`,
    )
  }
}
