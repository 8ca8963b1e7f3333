/** The RPM, by rpmbuild, for the same reasons as dpkg-deb: packaging/deb.ts. Debian has it, too. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { version } from "../lib/base/version.ts"
import { releaseOf, rpmChangelog } from "./changes.ts"
import type { BuildOptions } from "./options.ts"
import { filled } from "./texts.ts"
import { filesOf, put, writeTree } from "./tree.ts"

const architectures = { x64: "x86_64", arm64: "aarch64" }

/** Packs `built`, a directory like `dist` in its compact form; returns the package's path. `seconds`: its date. */
export function packRpm(
  built: string,
  options: BuildOptions,
  values: Record<string, string>,
  seconds: number,
): string {
  if (!Bun.which("rpmbuild")) throw new Error("rpm: there is no rpmbuild here (Debian: apt install rpm)")
  const place = join(built, ".rpm")
  const tree = join(place, "tree")
  rmSync(place, { recursive: true, force: true })
  writeTree(built, tree, options, values, { zsh: "site-functions", links: "relative" })
  put("LICENSE", join(tree, "usr", "share", "licenses", "ec2-wrappers", "LICENSE"), 0o644)
  put(
    join("packaging", "copyright"),
    join(tree, "usr", "share", "licenses", "ec2-wrappers", "copyright"),
    0o644,
  )
  const release = releaseOf(readFileSync("CHANGELOG.md", "utf8"), version)
  const spec = filled(readFileSync(join("packaging", "rpm", "ec2-wrappers.spec"), "utf8"), {
    ...values,
    TREE: tree,
    FILES: listed(tree, options.prefix),
    CHANGES: rpmChangelog(release, values.MAINTAINER ?? "", seconds),
  })
  writeFileSync(join(place, "ec2-wrappers.spec"), spec)
  const architecture = architectures[options.target]
  mkdirSync(join(place, "made"))
  const packed = Bun.spawnSync(
    [
      "rpmbuild",
      "-bb",
      "--quiet",
      `--target=${architecture}-linux`,
      `--define=_topdir ${place}`,
      `--define=_rpmdir ${join(place, "made")}`,
      "--define=_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      join(place, "ec2-wrappers.spec"),
    ],
    { env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) }, stdout: "pipe", stderr: "pipe" },
  )
  if (!packed.success) throw new Error(`rpmbuild: ${packed.stderr}`)
  const name = `ec2-wrappers-${version}-1.${architecture}.rpm`
  renameSync(join(place, "made", name), join(built, basename(name)))
  rmSync(place, { recursive: true })
  return join(built, name)
}

/** The lines of %files: every file by name, and the directories that are the package's own. */
function listed(tree: string, prefix: string): string {
  const files = filesOf(tree).map((path) => {
    if (path.startsWith(join(prefix.slice(1), "dist", "libexec")) && !path.endsWith(".node"))
      return `%attr(0111,root,root) /${path}`
    if (path.startsWith("usr/share/licenses/")) return `%license /${path}`
    return path.startsWith("usr/share/doc/") || path.startsWith("usr/share/man/")
      ? `%doc /${path}`
      : `/${path}`
  })
  const directories = [prefix, `${prefix}/dist`, `${prefix}/dist/bin`, `${prefix}/dist/libexec`]
  return [...directories.map((path) => `%dir ${path}`), ...files].join("\n")
}
