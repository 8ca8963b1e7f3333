/** One run at a time for each login: two `--init` at once must not make three access keys. */
import { closeSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { tryLock } from "./libc.ts"
import { openLockFile } from "./lock_file.ts"

const retryMs = 50
const deadlineMs = 120_000

/**
 * Does `work` while no other process does any for this login. A killed process lets go of it; a stopped one holds up nobody
 * but its own login, and staff for two minutes.
 */
export async function withLoginLock<T>(
  dataDir: string,
  login: string,
  { clock, interrupt }: { clock: Clock; interrupt: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const directory = join(dataDir, "locks")
  const path = join(directory, login)
  const fd = openLock(directory, path)
  try {
    const deadline = clock.now() + deadlineMs
    while (!tryLock(fd, path)) {
      if (clock.now() > deadline) {
        throw new Failed(
          `lock ${login}`,
          `another command for ${login} has been running for ${deadlineMs / 1000} s; wait for it, or end it`,
        )
      }
      await clock.sleep(retryMs, interrupt)
    }
    return await work()
  } finally {
    closeSync(fd)
  }
}

function openLock(directory: string, path: string): number {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return openLockFile(path)
  } catch (error) {
    if (error instanceof Failed) throw error
    throw new Failed(`lock ${path}`, messageOf(error), { cause: error })
  }
}
