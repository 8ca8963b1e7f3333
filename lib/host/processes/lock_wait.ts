/** Waiting for a lock, with bounds that hold whatever a student's run does that has it. */
import { closeSync } from "node:fs"
import { Failed } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { tryLock, trySharedLock } from "./libc.ts"
import { openLockFile } from "./lock_file.ts"
import { blockingProcesses } from "./lock_table.ts"
import { endStudentRun, type StudentRuns } from "./student_runs.ts"

export interface LockWaiting {
  runs: StudentRuns
  /** Staff and enforcement: they wait a shorter time, and students' runs let them go first. */
  first: boolean
  /** The file by which they say that they wait. */
  turnPath: string
}

/** How long one run may make others wait, and then how long each further one may. */
const patience = { first: { onceMs: 500, laterMs: 200 }, others: { onceMs: 2000, laterMs: 500 } }
const lookEveryMs = 25
/** A waiter of the first kind that is stopped itself must not keep students out. */
const longestGivingWayMs = 3000
const retryMs = 1

/** Ends runs that hold a lock on `paths` too long while somebody waits for it: call it at each try. */
export function lockWatch(
  paths: readonly string[],
  waiting: LockWaiting | undefined,
): (waitedMs: number) => void {
  const heldSince = new Map<number, number>()
  let lookedAtMs = 0
  return (waitedMs) => {
    if (!waiting || waitedMs - lookedAtMs < lookEveryMs) return
    lookedAtMs = waitedMs
    const { onceMs, laterMs } = waiting.first ? patience.first : patience.others
    const allowedMs = waitedMs < onceMs ? onceMs : laterMs
    const holders = blockingProcesses(paths)
    for (const pid of heldSince.keys()) if (!holders.has(pid)) heldSince.delete(pid)
    for (const pid of holders) {
      const since = heldSince.get(pid) ?? waitedMs
      heldSince.set(pid, since)
      if (pid !== process.pid && waitedMs - since >= allowedMs) endStudentRun(pid, paths, waiting.runs)
    }
  }
}

/**
 * Calls `attempt` until it does not throw what `isBusy` recognizes, for at most `timeoutMs`, and returns its result. Throws what
 * `attempt` threw last.
 */
export function retryWhileLocked<T>(
  {
    paths,
    waiting,
    timeoutMs,
  }: { paths: readonly string[]; waiting: LockWaiting | undefined; timeoutMs: number },
  isBusy: (error: unknown) => boolean,
  attempt: () => T,
): T {
  const begunMs = performance.now()
  const watch = lockWatch(paths, waiting)
  let turn: (() => void) | null = null
  try {
    for (;;) {
      const waitedMs = performance.now() - begunMs
      if (waiting && !waiting.first && waitedMs < longestGivingWayMs && othersGoFirst(waiting.turnPath)) {
        Bun.sleepSync(retryMs)
        continue
      }
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error) || waitedMs >= timeoutMs) throw error
      }
      if (waiting?.first) turn ??= takeTurn(waiting.turnPath)
      watch(waitedMs)
      Bun.sleepSync(retryMs)
    }
  } finally {
    turn?.()
  }
}

/** Locks an open file, waiting at most `deadlineMs`; throws Failed where another process holds it longer. */
export function waitForLock(
  fd: number,
  path: string,
  {
    clock,
    waiting,
    deadlineMs = 10_000,
  }: { clock: Clock; waiting: LockWaiting | undefined; deadlineMs?: number },
): void {
  const begun = clock.now()
  const watch = lockWatch([path], waiting)
  while (!tryLock(fd, path)) {
    const waitedMs = clock.now() - begun
    if (waitedMs > deadlineMs)
      throw new Failed(`lock ${path}`, `held by another process for ${deadlineMs} ms`)
    watch(waitedMs)
    Bun.sleepSync(5)
  }
}

/** Holds the lock that makes students' runs wait; null where another one of the first kind holds it already. */
function takeTurn(path: string): (() => void) | null {
  const fd = openLockFile(path)
  if (tryLock(fd, path)) return () => closeSync(fd)
  closeSync(fd)
  return null
}

function othersGoFirst(path: string): boolean {
  const fd = openLockFile(path)
  try {
    return !trySharedLock(fd, path)
  } finally {
    closeSync(fd)
  }
}
