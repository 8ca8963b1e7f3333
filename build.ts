/**
 * Builds everything that is installed: one self-contained executable per script, and the C wrappers in front of them.
 * `--help` shows the options. With `deb`, also a Debian package of it all.
 */
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, join, resolve } from "node:path"
import { commands, cronName, tools } from "./lib/base/commands.ts"
import { version } from "./lib/base/version.ts"
import { compileAddon } from "./packaging/addon.ts"
import { builtCommit } from "./packaging/commit.ts"
import { compileExecutable } from "./packaging/executable.ts"
import { readBuildOptions } from "./packaging/options.ts"
import { writeShare } from "./packaging/reading/share.ts"
import { compileCommand, spareSlots } from "./packaging/wrappers.ts"

const options = readBuildOptions(process.argv.slice(2))
const outdir = resolve(options.outdir)
const root = import.meta.dir
process.chdir(root)
const wanted = (name: string) => options.only.length === 0 || options.only.includes(name)
for (const directory of ["libexec", "bin"]) {
  if (options.only.length === 0) rmSync(join(outdir, directory), { recursive: true, force: true })
  mkdirSync(join(outdir, directory), { recursive: true })
}
const rows: { what: string; bytes: number }[] = []
if (options.compact) rows.push(...(await compileAllTools()))
else for (const tool of tools) if (wanted(tool)) rows.push(await compileScript(tool))
for (const command of commands) {
  if (!wanted(command.tool) && !wanted(command.name)) continue
  const outfile = join(outdir, "bin", command.name)
  compileCommand(command, outfile, options)
  rows.push({ what: `bin/${command.name}`, bytes: statSync(outfile).size })
}
if (wanted("postgres.node")) rows.push(buildAddon())
rows.push(writeInstaller())
if (options.only.length === 0) await writeShare(join(outdir, "share"), options.config)
if (options.what === "deb") rows.push(packDeb())
printSizes(rows)

async function compileScript(tool: string): Promise<{ what: string; bytes: number }> {
  const outfile = join(outdir, "libexec", tool)
  await compileTool(join("scripts", `${tool}.ts`), outfile)
  return { what: `libexec/${tool}`, bytes: statSync(outfile).size }
}

/** One executable, which is each tool by its name: packaging/all_tools.ts. The links take no room. */
async function compileAllTools(): Promise<{ what: string; bytes: number }[]> {
  const [first = "", ...others] = tools.map((tool) => join(outdir, "libexec", tool))
  for (const link of [first, ...others]) rmSync(link, { force: true })
  await compileTool(join("packaging", "all_tools.ts"), first)
  for (const link of others) linkSync(first, link)
  return [{ what: `libexec: ${tools.length} tools in one`, bytes: statSync(first).size }]
}

function compileTool(script: string, outfile: string): Promise<void> {
  return compileExecutable(script, outfile, {
    BUILD_COMMIT: JSON.stringify(builtCommit(root)),
    BUILD_CONFIG_PATH: JSON.stringify(options.config),
    BUILD_PREFIX: JSON.stringify(options.prefix),
    BUILD_SLOT_DIRECTORIES: JSON.stringify([options.slots, spareSlots(options.account)]),
  })
}

/** The tools' way to PostgreSQL, which they load only where the config names one. */
function buildAddon(): { what: string; bytes: number } {
  const outfile = join(outdir, "libexec", "postgres.node")
  compileAddon(outfile)
  return { what: "libexec/postgres.node", bytes: statSync(outfile).size }
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
  copyFile(join(outdir, "libexec", "postgres.node"), join(place, "libexec", "postgres.node"), 0o644)
  const kibibytes = Math.ceil(
    tools.reduce((sum, tool) => sum + statSync(join(outdir, "libexec", tool)).size, 0) / 1024,
  )
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch
  const control = { VERSION: version, ARCHITECTURE: architecture, KIBIBYTES: String(kibibytes) }
  mkdirSync(join(staging, "DEBIAN"), { mode: 0o755 })
  for (const [name, mode] of [
    ["control", 0o644],
    ["postinst", 0o755],
    ["prerm", 0o755],
    ["postrm", 0o755],
  ] as const) {
    writeFilled(join("packaging", "deb", name), join(staging, "DEBIAN", name), mode, control)
  }
  const outfile = join(outdir, `ec2-wrappers_${version}_${architecture}.deb`)
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

function printSizes(rows: { what: string; bytes: number }[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length))
  for (const { what, bytes } of rows) {
    console.log(
      `${what.padEnd(width)}  ${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 1).padStart(7)} MiB`,
    )
  }
}
