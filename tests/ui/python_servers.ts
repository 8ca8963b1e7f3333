/** Servers from PyPI, each pinned list in a virtual environment of its own under .cache, installed once. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../support/build.ts"

/** The folder of its programs, or why it cannot be had. `list` names a file of `requirements`. */
export function pythonEnvironment(list: string): { bin: string } | string {
  if (!Bun.which("python3")) return "no Python (Debian: apt install python3-venv)"
  const folder = join(root, ".cache", `python-${list}`)
  const wanted = readFileSync(join(import.meta.dir, "requirements", `${list}.txt`), "utf8")
  const mark = join(folder, "installed.txt")
  if (!existsSync(mark) || readFileSync(mark, "utf8") !== wanted) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(root, ".cache"), { recursive: true })
    const steps = [
      ["python3", "-m", "venv", folder],
      [join(folder, "bin/pip"), "install", "-q", "-r", join(import.meta.dir, "requirements", `${list}.txt`)],
    ]
    for (const step of steps) {
      const { success, stderr } = Bun.spawnSync(step, { stderr: "pipe" })
      if (!success) return `PyPI's packages cannot be had: ${stderr.toString().trim().split("\n").at(-1)}`
    }
    writeFileSync(mark, wanted)
  }
  return { bin: join(folder, "bin") }
}

export interface PythonServer {
  /** Its working folder, empty at first. */
  folder: string
  stop(): void
  /** What it wrote so far. */
  output(): string
}

/** Starts a server in an empty folder, and waits until it answers at `url`. */
export async function startServer(
  command: readonly string[],
  url: string,
  env: Record<string, string> = {},
): Promise<PythonServer> {
  const folder = mkdtempSync(join(tmpdir(), "ui-server-"))
  const log = join(folder, "server.log")
  const child = Bun.spawn([...command], {
    cwd: folder,
    // A group of its own: some of them start others.
    detached: true,
    env: { PATH: process.env.PATH ?? "", HOME: folder, LANG: "C.UTF-8", ...env },
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(join(folder, "server.err")),
  })
  const output = () =>
    [log, join(folder, "server.err")]
      .map((file) => (existsSync(file) ? readFileSync(file, "utf8") : ""))
      .join("")
  const stop = () => {
    try {
      process.kill(-child.pid, "SIGKILL")
    } catch {
      // It has ended by itself.
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + 180_000
  for (;;) {
    const answered = await fetch(url, { redirect: "manual" }).then(
      () => true,
      () => false,
    )
    if (answered) return { folder, stop, output }
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = output()
      stop()
      throw new Error(`${command.join(" ")} does not answer at ${url}: ${said.slice(-2000)}`)
    }
    await Bun.sleep(200)
  }
}
