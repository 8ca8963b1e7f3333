/**
 * Ending a student's run that keeps others waiting. A caller controls how a run is scheduled (its cgroup, other work on the same
 * processor) whatever uid the run has taken, so the time that it holds a lock has no bound. A run may be killed anywhere: the next
 * one settles it.
 *
 * Which process a run is, the kernel proves: the wrapper locks a slot file, named after the caller's uid in a directory of the
 * account's, and keeps it locked for the run's life.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { closePidfd, killPidfd, openPidfd, passwdEntry, useAllProcessors } from "./libc.ts"
import { blockingProcesses, type HeldLock, heldLocks } from "./lock_table.ts"
import { startTicks } from "./process_identity.ts"

export interface StudentRuns {
  /** Where wrappers lock slots; directories that do not exist are skipped. */
  slotDirectories: readonly string[]
  /** Whether a login's runs are never ended. */
  isStaff(login: string): boolean
}

/**
 * Kills the process `pid` if it is a student's run behind the wrapper and still holds a lock that blocks on one of these files.
 * Returns whether it was killed. Everything else is left alone: staff, cron, other programs, another process with that pid.
 */
export function endStudentRun(pid: number, paths: readonly string[], runs: StudentRuns): boolean {
  if (studentSlot(pid, paths, runs) === null) return false
  // From here on the descriptor means this process, whatever becomes of its pid.
  const pidfd = openPidfd(pid)
  if (pidfd === null) return false
  try {
    const slot = studentSlot(pid, paths, runs)
    if (slot === null || !startedWhenSlotWasTaken(pid, slot)) return false
    // A process that gets no processor cannot even die: see docs/security.md.
    useAllProcessors(pid)
    return killPidfd(pidfd)
  } finally {
    closePidfd(pidfd)
  }
}

/** The slot file that the process has locked, if it blocks one of these files and its caller is a student; else null. */
function studentSlot(pid: number, paths: readonly string[], runs: StudentRuns): string | null {
  const locks = heldLocks()
  if (!blockingProcesses(paths, locks).has(pid)) return null
  const inodes = new Set(locks.filter((lock) => isSlotLock(lock, pid)).map(({ inode }) => inode))
  for (const directory of runs.slotDirectories) {
    for (const name of namesIn(directory)) {
      const uid = /^(\d+)\.\d+$/.exec(name)?.[1]
      if (uid === undefined) continue
      const path = join(directory, name)
      const inode = statSync(path, { throwIfNoEntry: false })?.ino
      if (inode === undefined || !inodes.has(inode)) continue
      const entry = passwdEntry(Number(uid))
      return entry && !runs.isStaff(entry.login) ? path : null
    }
  }
  return null
}

function isSlotLock(lock: HeldLock, pid: number): boolean {
  return lock.kind === "FLOCK" && lock.exclusive && lock.pid === pid
}

/** The wrapper writes its start into its slot. Under hidepid (proc(5)) or on a full disk it is not known, and the locks decide. */
function startedWhenSlotWasTaken(pid: number, slot: string): boolean {
  const [recorded, found] = [textOf(slot).trim(), startTicks(pid)]
  return recorded === "" || found === "hidden" || recorded === found
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
