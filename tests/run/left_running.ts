/** Processes that a killed test left behind carry the run's mark in their environment. */
import { readdirSync, readFileSync } from "node:fs"

export interface LeftProcess {
  pid: number
  command: string
}

/** The processes that have this TEST_RUN_MARK, of those that may be looked at. */
export function processesWith(mark: string): LeftProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => contentOf(pid, "environ").includes(`TEST_RUN_MARK=${mark}`))
    .map((pid) => ({ pid: Number(pid), command: contentOf(pid, "cmdline").join(" ") }))
}

/** Kills them; returns what was killed. */
export function endProcessesWith(mark: string): LeftProcess[] {
  return processesWith(mark).filter(({ pid }) => {
    try {
      return process.kill(pid, "SIGKILL")
    } catch {
      return false // it ended by itself
    }
  })
}

/** The NUL-terminated strings of one of a process's files; none where it has ended or is another user's. */
function contentOf(pid: string, file: "environ" | "cmdline"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1").split("\0").slice(0, -1)
  } catch {
    return []
  }
}
