/** Waiting for a lock that another process holds. */
import { Failed } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { endFrozenHolders, suspiciousWaitMs } from "./frozen_holders.ts"
import { tryLock } from "./libc.ts"

const retryMs = 5

/** Takes an exclusive lock, waiting at most `deadlineMs`; throws Failed when somebody holds it longer. */
export function lock(fd: number, path: string, clock: Clock, deadlineMs = 10_000): void {
  const deadline = clock.now() + deadlineMs
  for (let waitedMs = retryMs; !tryLock(fd, path); waitedMs += retryMs) {
    if (clock.now() > deadline)
      throw new Failed(`lock ${path}`, `held by another process for ${deadlineMs} ms`)
    if (waitedMs % suspiciousWaitMs === 0) endFrozenHolders([path])
    Bun.sleepSync(retryMs)
  }
}
