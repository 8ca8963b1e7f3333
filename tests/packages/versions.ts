/** Packages of this tree, and of later versions of it: with another number, and with one more step in the databases. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { root, sourceHash } from "../support/build.ts"

export const laterStep = "2099: a table of a later version"

export const versions = {
  /** This tree. */
  current: { version: packageJson.version, step: false },
  /** A release that changes no database. */
  patch: { version: "1.0.99", step: false },
  /** A release with a step more. */
  feature: { version: "1.99.0", step: true },
} as const

/** The path of a package of that version, built where a source has changed since. */
export function packageOf(which: keyof typeof versions, kind: "deb" | "rpm"): string {
  const { version, step } = versions[which]
  const place = join(root, ".cache", "versions", which)
  const tree = join(place, "tree")
  const stamp = join(place, `${kind}.stamp`)
  const name =
    kind === "deb" ? `ec2-wrappers_${version}_${debianName}.deb` : `ec2-wrappers-${version}-1.${rpmName}.rpm`
  const made = join(place, "dist", name)
  if (existsSync(made) && existsSync(stamp) && readFileSync(stamp, "utf8") === sourceHash()) return made
  copySources(tree)
  writeFileSync(join(tree, "package.json"), JSON.stringify({ ...packageJson, version }))
  if (which !== "current") {
    // Another wrapper, too: one that is the same as before is not replaced.
    const wrapper = join(tree, "native/setuid_wrap.c")
    writeFileSync(
      wrapper,
      readFileSync(wrapper, "utf8").replaceAll("is not for root", `${version} is not for root`),
    )
  }
  if (step) {
    const schema = join(tree, "lib/db/usage_schema.ts")
    const text = readFileSync(schema, "utf8")
    const more = `  { name: ${JSON.stringify(laterStep)}, up: "CREATE TABLE later_version(x INTEGER) STRICT" },\n]\n`
    const changed = text.replace(/\n\]\n(?![\s\S]*\n\]\n)/, `\n${more}`)
    if (changed === text) throw new Error("no place for a later step was found in usage_schema.ts")
    writeFileSync(schema, changed)
  }
  const built = Bun.spawnSync([process.execPath, "build.ts", "--outdir", join(place, "dist"), kind], {
    cwd: tree,
    stdout: "pipe",
    stderr: "pipe",
  })
  if (!built.success) throw new Error(`${name}: ${built.stdout}${built.stderr}`)
  writeFileSync(stamp, sourceHash())
  return made
}

/** What a build needs of this tree, in a directory of its own. */
export function copySources(tree: string): void {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  for (const entry of readdirSync(root)) {
    if (["node_modules", "dist", ".git", ".cache", ".venv", "tests"].includes(entry)) continue
    cpSync(join(root, entry), join(tree, entry), { recursive: true })
  }
  // Hard links, not one link to the directory: Bun names chunks by where packages are, seen from the tree.
  const copied = Bun.spawnSync(["cp", "-al", join(root, "node_modules"), join(tree, "node_modules")])
  if (!copied.success) throw new Error(`cp: ${copied.stderr}`)
}

const debianName = process.arch === "arm64" ? "arm64" : "amd64"
const rpmName = process.arch === "arm64" ? "aarch64" : "x86_64"
