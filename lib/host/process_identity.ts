/** Which process holds a reservation, so that others can tell whether it is still at it. */
import { readFileSync } from "node:fs"

/** This process: `BOOT-ID:PID:START`, which no other process ever is. */
export function ownProcess(): string {
  return `${bootId()}:${process.pid}:${startTicks(process.pid) ?? ""}`
}

/** Whether the process of that name still lives. A recycled pid has another start, a restarted machine another boot id. */
export function isAlive(identity: string): boolean {
  const [boot, pid, start] = identity.split(":")
  if (boot !== bootId()) return false
  const ticks = startTicks(Number(pid))
  return ticks !== null && ticks === start
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)), counted after the name, which may hold anything; null for no process. */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const isDead = fields[0] === "Z" || fields[0] === "X"
    return isDead ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
