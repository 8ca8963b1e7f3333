/** Compiled tools for tests, built only when a source has changed. As a program: builds everything. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

export const root = join(import.meta.dir, "..", "..")
const stamps = join(root, "dist", ".stamp")

/** The compiled tool's path, after compiling it where a source has changed since. */
export function compiledTool(tool: string): string {
  const path = join(root, "dist", "libexec", tool)
  buildWhereChanged(tool, path, ["--only", tool])
  return path
}

/** A directory like `dist` whose tools are one executable under their names; built where a source has changed. */
export function compactDist(): string {
  const outdir = join(root, ".cache", "compact")
  buildWhereChanged("compact", join(outdir, "install"), ["--compact", "--outdir", outdir])
  return outdir
}

/** `dist` with all tools and wrappers, built with the defaults. */
function buildAll(): void {
  buildWhereChanged("all", join(root, "dist", "bin", "ec2-util"), [])
}

function buildWhereChanged(what: string, product: string, options: string[]): void {
  const wanted = sourceHash()
  const isFresh = (stamp: string) =>
    existsSync(product) &&
    existsSync(join(stamps, stamp)) &&
    readFileSync(join(stamps, stamp), "utf8") === wanted
  if (isFresh(what) || (what !== "compact" && isFresh("all"))) return
  const built = Bun.spawnSync([process.execPath, "build.ts", ...options], {
    cwd: root,
    stderr: "pipe",
    stdout: "pipe",
  })
  if (!built.success) throw new Error(`build.ts failed:\n${built.stdout}${built.stderr}`)
  if (what === "all") console.log(built.stdout.toString().trimEnd())
  mkdirSync(dirname(join(stamps, what)), { recursive: true })
  writeFileSync(join(stamps, what), wanted)
}

let hash: string | undefined

/** Of everything that can change a compiled tool. */
export function sourceHash(): string {
  if (hash === undefined) {
    const hasher = new Bun.CryptoHasher("sha256")
    const files = ["lib", "scripts", "native", "packaging"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
        join(folder, name),
      ),
    )
    for (const file of ["build.ts", "package.json", "package-lock.json", ...files.sort()]) {
      if (!statSync(join(root, file)).isFile()) continue
      hasher.update(`${file}\0`)
      hasher.update(readFileSync(join(root, file)))
    }
    hash = hasher.digest("hex")
  }
  return hash
}

if (import.meta.main) buildAll()
