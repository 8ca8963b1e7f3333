/**
 * The Debian package, by Debian's own dpkg-deb: it is where such a package is built, and needs nothing from elsewhere. debhelper would add
 * a source package to what is one tree and four short scripts.
 */
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { tools } from "../lib/base/commands.ts"
import { version } from "../lib/base/version.ts"
import { debianChangelog, releaseOf } from "./changes.ts"
import type { BuildOptions } from "./options.ts"
import { filled, writeFilled } from "./texts.ts"
import { filesOf, glibcOf, put, putCompressed, writeTree } from "./tree.ts"

const architectures = { x64: "amd64", arm64: "arm64" }

/** Packs `built`, a directory like `dist` in its compact form; returns the package's path. `seconds`: its date. */
export function packDeb(
  built: string,
  options: BuildOptions,
  values: Record<string, string>,
  seconds: number,
): string {
  if (!Bun.which("dpkg-deb")) throw new Error("deb: there is no dpkg-deb here (Debian: apt install dpkg-dev)")
  const tree = join(built, ".deb")
  writeTree(built, tree, options, values, { zsh: "vendor-completions", links: "absolute" })
  const documents = join(tree, "usr", "share", "doc", "ec2-wrappers")
  put(join("packaging", "copyright"), join(documents, "copyright"), 0o644)
  const release = releaseOf(readFileSync("CHANGELOG.md", "utf8"), version)
  putCompressed(debianChangelog(release, values.MAINTAINER ?? "", seconds), join(documents, "changelog.gz"))
  const overrides = join(tree, "usr", "share", "lintian", "overrides")
  mkdirSync(overrides, { recursive: true })
  writeFilled(join("packaging", "deb", "lintian-overrides"), join(overrides, "ec2-wrappers"), 0o644, {
    ...values,
    PREFIX_INSIDE: options.prefix.slice(1),
  })
  const more = {
    ARCHITECTURE: architectures[options.target],
    KIBIBYTES: String(kibibytes(tree)),
    GLIBC: glibcOf([join(built, "libexec", tools[0] ?? ""), join(built, "bin", "ec2-util")]),
  }
  mkdirSync(join(tree, "DEBIAN"))
  for (const [name, mode] of [
    ["control", 0o644],
    ["postinst", 0o755],
    ["prerm", 0o755],
    ["postrm", 0o755],
  ] as const) {
    writeFilled(join("packaging", "deb", name), join(tree, "DEBIAN", name), mode, { ...values, ...more })
  }
  const outfile = join(built, filled("ec2-wrappers_@VERSION@_@ARCHITECTURE@.deb", { ...values, ...more }))
  const packed = Bun.spawnSync(
    ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z3", "--no-uniform-compression", "--build", tree, outfile],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) },
      stderr: "pipe",
    },
  )
  rmSync(tree, { recursive: true })
  if (!packed.success) throw new Error(`${basename(outfile)}: ${packed.stderr}`)
  return outfile
}

/** Each file once, however many names it has. */
function kibibytes(tree: string): number {
  const sizes = new Map(
    filesOf(tree).map((path) => {
      const { ino, size } = statSync(join(tree, path), { throwIfNoEntry: false }) ?? { ino: path, size: 0 }
      return [ino, Math.ceil(size / 1024)]
    }),
  )
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
