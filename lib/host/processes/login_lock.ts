/** One run at a time for each login: two `--init` at once must not make three access keys. */
import { closeSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import type { SessionLocks } from "../../db/db.ts"
import { tryLock } from "./libc.ts"
import { openLockFile } from "./lock_file.ts"
import { type LockWaiting, lockWatch } from "./lock_wait.ts"

const retryMs = 50
const deadlineMs = 120_000

export interface LoginLockDeps {
  clock: Clock
  interrupt: AbortSignal
  waiting?: LockWaiting
  usersDb?: { readonly locks?: SessionLocks | undefined }
}

/**
 * Does `work` while no other process does any for this login. A killed process releases the lock; a stopped one keeps out only its own
 * login's runs. Staff end a student's run that keeps them waiting.
 */
export async function withLoginLock<T>(
  dataDir: string,
  login: string,
  { clock, interrupt, waiting, usersDb }: LoginLockDeps,
  work: () => Promise<T>,
): Promise<T> {
  const directory = join(dataDir, "locks")
  const path = join(directory, login)
  const name = `login ${login}`
  const fd = openLock(directory, path)
  try {
    const begun = clock.now()
    // A student waits for its own other run as long as that takes.
    const watch = lockWatch([path], waiting?.first ? waiting : undefined)
    let isLockedHere = false
    const tryBoth = () => {
      isLockedHere = isLockedHere || tryLock(fd, path)
      // On a ledger of several hosts the other run may be on another one.
      return isLockedHere && usersDb?.locks?.tryTake(name) !== false
    }
    while (!tryBoth()) {
      const waitedMs = clock.now() - begun
      watch(waitedMs)
      if (waitedMs > deadlineMs) {
        throw new Failed(
          `lock ${login}`,
          `another command for ${login} has been running for ${deadlineMs / 1000} s; wait for it, or end it`,
        )
      }
      await clock.sleep(retryMs, interrupt)
    }
    return await work()
  } finally {
    usersDb?.locks?.release(name)
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
