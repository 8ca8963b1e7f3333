/**
 * Builds everything that is installed: one self-contained executable per script, and the C wrappers in front of them.
 * `--help` shows the options. With `deb` or `rpm`, also a package of it all.
 */
import { linkSync, mkdirSync, rmSync, statSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { commands, tools } from "./lib/base/commands.ts"
import { compileAddon } from "./packaging/addon.ts"
import { builtCommit } from "./packaging/commit.ts"
import { packDeb } from "./packaging/deb.ts"
import { compileExecutable } from "./packaging/executable.ts"
import { readBuildOptions } from "./packaging/options.ts"
import { writeShare } from "./packaging/reading/share.ts"
import { releaseSeconds } from "./packaging/release_date.ts"
import { packRpm } from "./packaging/rpm.ts"
import { valuesOf, writeInstaller } from "./packaging/texts.ts"
import { writeUnits } from "./packaging/tree.ts"
import { compileCommand, spareSlots } from "./packaging/wrappers.ts"

const options = readBuildOptions(process.argv.slice(2))
const outdir = resolve(options.outdir)
const root = import.meta.dir
process.chdir(root)
process.umask(0o022)
const wanted = (name: string) => options.only.length === 0 || options.only.includes(name)
for (const directory of ["libexec", "bin"]) {
  if (options.only.length === 0) rmSync(join(outdir, directory), { recursive: true, force: true })
  mkdirSync(join(outdir, directory), { recursive: true })
}
const values = valuesOf(options)
const rows: { what: string; bytes: number }[] = []
if (options.compact) rows.push(...(await compileAllTools()))
else for (const tool of tools) if (wanted(tool)) rows.push(await compileScript(tool))
for (const command of commands) {
  if (!wanted(command.tool) && !wanted(command.name)) continue
  const outfile = join(outdir, "bin", command.name)
  compileCommand(command, outfile, options)
  rows.push(row(outfile, `bin/${command.name}`))
}
const addon = join(outdir, "libexec", "postgres.node")
if (wanted("postgres.node")) {
  compileAddon(addon, options.target)
  rows.push(row(addon, "libexec/postgres.node"))
}
writeInstaller(join(outdir, "install"), values)
rows.push(row(join(outdir, "install")))
writeUnits(join(outdir, "systemd"), options.prefix, values)
if (options.only.length === 0) await writeShare(join(outdir, "share"), options.config)
if (options.what === "deb") rows.push(row(packDeb(outdir, options, values, releaseSeconds(root))))
if (options.what === "rpm") rows.push(row(packRpm(outdir, options, values, releaseSeconds(root))))
printSizes(rows)

async function compileScript(tool: string): Promise<{ what: string; bytes: number }> {
  const outfile = join(outdir, "libexec", tool)
  await compileTool(join("scripts", `${tool}.ts`), outfile)
  return row(outfile, `libexec/${tool}`)
}

/** One executable, which is each tool by its name: packaging/all_tools.ts. The links take no room. */
async function compileAllTools(): Promise<{ what: string; bytes: number }[]> {
  const [first = "", ...others] = tools.map((tool) => join(outdir, "libexec", tool))
  for (const link of [first, ...others]) rmSync(link, { force: true })
  await compileTool(join("packaging", "all_tools.ts"), first)
  for (const link of others) linkSync(first, link)
  return [row(first, `libexec: ${tools.length} tools in one`)]
}

function compileTool(script: string, outfile: string): Promise<void> {
  const define = {
    BUILD_COMMIT: JSON.stringify(builtCommit(root)),
    BUILD_CONFIG_PATH: JSON.stringify(options.config),
    BUILD_PREFIX: JSON.stringify(options.prefix),
    BUILD_LOGIN_PREFIX: JSON.stringify(options["login-prefix"]),
    BUILD_SLOT_DIRECTORIES: JSON.stringify([options.slots, spareSlots(options.account)]),
  }
  return compileExecutable(script, outfile, define, options.target)
}

function row(path: string, what = basename(path)): { what: string; bytes: number } {
  return { what, bytes: statSync(path).size }
}

function printSizes(rows: { what: string; bytes: number }[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length))
  for (const { what, bytes } of rows) {
    console.log(
      `${what.padEnd(width)}  ${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 1).padStart(7)} MiB`,
    )
  }
}
