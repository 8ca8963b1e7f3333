/** The tree that a package unpacks: `dist` as it was built, which its installer puts into place, and what is the package's own. */
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join, relative } from "node:path"
import { gzipSync } from "node:zlib"
import { commands, cronName, tools } from "../lib/base/commands.ts"
import type { BuildOptions } from "./options.ts"
import { writeFilled } from "./texts.ts"

const timers = ["usage", "prices", "backup", "sweep"] as const

/** Writes systemd's units of this installation into `directory`. */
export function writeUnits(directory: string, prefix: string, values: Record<string, string>): void {
  mkdirSync(directory, { recursive: true })
  for (const timer of timers) {
    for (const kind of ["service", "timer"]) {
      const to = join(directory, `${cronName(prefix)}-${timer}.${kind}`)
      writeFilled(join("packaging", "systemd", `${timer}.${kind}`), to, 0o644, values)
    }
  }
}

/** In what the distributions differ. */
export interface PackageLayout {
  zsh: "vendor-completions" | "site-functions"
  /** Debian wants links between top-level directories to be absolute, RPM's checkers want them relative. */
  links: "absolute" | "relative"
}

/**
 * Writes the tree of `built`, a directory like `dist`, into `tree`. The programs come as files of the package's under PREFIX/dist; its
 * installer links and copies them to their places, so that an upgrade never takes away what callers run.
 */
export function writeTree(
  built: string,
  tree: string,
  options: BuildOptions,
  values: Record<string, string>,
  layout: PackageLayout,
): void {
  const { prefix } = options
  rmSync(tree, { recursive: true, force: true })
  const dist = join(tree, prefix, "dist")
  const [first = "", ...others] = tools
  put(join(built, "libexec", first), join(dist, "libexec", first), 0o111)
  for (const tool of others) linkSync(join(dist, "libexec", first), join(dist, "libexec", tool))
  mkdirSync(join(tree, "usr", "bin"), { recursive: true })
  for (const { name } of commands) {
    put(join(built, "bin", name), join(dist, "bin", name), 0o755)
    const program = join(prefix, "bin", name)
    symlinkSync(
      layout.links === "absolute" ? program : relative("/usr/bin", program),
      join(tree, "usr", "bin", name),
    )
  }
  put(join(built, "libexec", "postgres.node"), join(dist, "libexec", "postgres.node"), 0o644)
  put(join(built, "install"), join(dist, "install"), 0o755)
  writeUnits(join(tree, "usr", "lib", "systemd", "system"), prefix, values)
  const sysusers = join(tree, "usr", "lib", "sysusers.d", `${cronName(prefix)}.conf`)
  mkdirSync(dirname(sysusers), { recursive: true })
  writeFilled(join("packaging", "sysusers.conf"), sysusers, 0o644, values)
  putShare(join(built, "share"), join(tree, "usr", "share"), layout)
}

function putShare(share: string, to: string, { zsh }: PackageLayout): void {
  const documents = "doc/ec2-wrappers"
  for (const path of filesOf(share)) {
    if (path === `${documents}/LICENSE` || path === `${documents}/CHANGELOG.md`) continue // copyright, changelog.gz
    const target = join(to, path.replace("zsh/site-functions/", `zsh/${zsh}/`))
    if (path.startsWith("man/")) putCompressed(readFileSync(join(share, path)), `${target}.gz`)
    else put(join(share, path), target, 0o644)
  }
}

/** Compressed, as both distributions want manual pages and changelogs; without a time, so that equal texts give equal bytes. */
export function putCompressed(text: string | Buffer, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, gzipSync(text, { level: 9 }), { mode: 0o644 })
}

export function put(from: string, to: string, mode: number): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
  chmodSync(to, mode)
}

/** The paths of all files and links below a directory, relative to it, in an order that is always the same. */
export function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => !statSync(join(directory, path), { throwIfNoEntry: false })?.isDirectory())
    .sort()
}

/** The newest glibc whose symbols these programs ask for: `2.34`. */
export function glibcOf(programs: string[]): string {
  const shown = Bun.spawnSync(["readelf", "--version-info", "--wide", ...programs], { stdout: "pipe" })
  const versions = [...String(shown.stdout).matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor),
  ])
  const [newest] = versions.sort(([a = 0, b = 0], [c = 0, d = 0]) => c - a || d - b)
  if (newest === undefined) throw new Error(`readelf names no glibc in ${programs.join(" ")}`)
  return newest.join(".")
}
