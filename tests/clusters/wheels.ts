/** JupyterLab's packages as PyPI has them, fetched once into .cache: the lab's machines have no network and install from there. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "../support/build.ts"

const wanted = ["jupyterlab>=4,<5", "ipykernel>=6"]

/** Their directory, or null where they cannot be had: no registry, or no Python whose version they could be for. */
export async function jupyterWheels(): Promise<string | null> {
  const asked = Bun.spawnSync([
    "/usr/bin/python3",
    "-c",
    "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])",
  ])
  if (!asked.success || !Bun.which("python3")) return null
  const version = asked.stdout.toString().trim()
  const at = join(root, ".cache", `jupyter-wheels-${version}`)
  if (existsSync(at)) return at
  const work = join(root, ".cache", `jupyter-wheels-${process.pid}`)
  mkdirSync(work, { recursive: true })
  try {
    const pip = ["python3", "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    const fetched = Bun.spawnSync([...pip, "--python-version", version, "-d", work, ...wanted], {
      stderr: "ignore",
    })
    if (!fetched.success) return null
    renameSync(work, at)
    return at
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
