/** Spark as PyPI's pyspark has it: bin and jars, fetched once into .cache. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "../support/build.ts"

const version = "3.5.8"
const cache = join(root, ".cache")

/** Its directory, or null where it cannot be had: no Java, no registry. */
export async function sparkHome(): Promise<string | null> {
  if (!Bun.which("java") || !Bun.which("python3")) return null
  const home = join(cache, `spark-${version}`)
  if (existsSync(home)) return home
  const work = join(cache, `spark-${process.pid}`)
  mkdirSync(work, { recursive: true })
  try {
    const pip = "-m pip download --quiet --no-deps --no-binary :all: -d".split(" ")
    const fetched = Bun.spawnSync(["python3", ...pip, work, `pyspark==${version}`], { stderr: "ignore" })
    if (!fetched.success) return null
    const archive = join(work, `pyspark-${version}.tar.gz`)
    const unpacked = Bun.spawnSync(["tar", "-xzf", archive, "-C", work, "--strip-components=1"])
    if (!unpacked.success) return null
    // As in Apache's own archive.
    mkdirSync(join(work, "deps", "python"))
    renameSync(join(work, "lib"), join(work, "deps", "python", "lib"))
    renameSync(join(work, "pyspark"), join(work, "deps", "python", "pyspark"))
    renameSync(join(work, "deps"), home)
    return home
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
