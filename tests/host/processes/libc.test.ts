import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { noteSkipped } from "../../support/skips.ts"

const strace = Bun.which("strace")
if (!strace) noteSkipped("file systems without locks: strace is not installed")
const lockFile = join(import.meta.dir, "../../../lib/host/processes/lock_file.ts")

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe.skipIf(!strace)("a file system", () => {
  test.each(["ENOLCK", "EOPNOTSUPP"])(
    "without locks (%s) is said to have none, not that another process holds it",
    (reason) => {
      const path = join(directory, "lock")
      const program = `
      import { tryExclusiveLock } from ${JSON.stringify(lockFile)}
      try { console.log(tryExclusiveLock(${JSON.stringify(path)})) } catch (error) { console.log(error.message) }`
      const inject = `inject=flock:error=${reason}`
      const { stdout } = Bun.spawnSync([
        ...[strace ?? "", "-f", "-o", "/dev/null", "-e", inject],
        ...[process.execPath, "-e", program],
      ])
      expect(stdout.toString()).toBe(`lock ${path}: its file system cannot lock files (${reason})\n`)
    },
  )
})
