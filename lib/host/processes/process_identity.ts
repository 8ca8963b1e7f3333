/** Which process holds a reservation, so that others can tell whether it is still at it. */
import { readFileSync, readlinkSync } from "node:fs"

let own: string | undefined
let boot: string | undefined

export function ownProcess(): string {
  own ??= processIdentity(process.pid)
  return own
}

/** `BOOT-ID:PID:START:PID-NAMESPACE`, which no other process ever is. Rows of older versions lack the last part. */
export function processIdentity(pid: number): string {
  return `${bootId()}:${pid}:${startTicks(pid) ?? ""}:${pidNamespace()}`
}

/** Whether a process is, or was, where we would see it: under this kernel since its start, and not in another container. */
export function isOfThisKernel(identity: string): boolean {
  const [itsBoot, , , itsNamespace] = identity.split(":")
  return itsBoot === bootId() && itsNamespace === pidNamespace()
}

/**
 * Whether the process of that name still lives. A recycled pid has another start, a restarted machine another boot id. Of what is
 * hidden only our own count, unless `anybodys` says that another's is meant.
 */
export function isAlive(identity: string, { anybodys = false } = {}): boolean {
  if (identity === own) return true
  const [itsBoot, pid, start] = identity.split(":")
  if (itsBoot !== bootId()) return false
  const ticks = startTicks(Number(pid))
  return ticks === "hidden" ? isThere(Number(pid), anybodys) : ticks !== null && ticks === start
}

/** Whether there is a process that we may signal, as who holds reservations runs as the account, as we do; or any. */
function isThere(pid: number, anybodys: boolean): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return anybodys && (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

let namespace: string | undefined

function pidNamespace(): string {
  namespace ??= readlinkSync("/proc/self/ns/pid").replace(/\D/g, "")
  return namespace
}

function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  return boot
}

/**
 * Field 22 of /proc/PID/stat (proc_pid_stat(5)), counted after the name, which may hold anything; null for no process. Under
 * hidepid (proc(5)) the kernel hides every other run of a program that nobody may read, even from its own account: "hidden".
 */
export function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const isDead = fields[0] === "Z" || fields[0] === "X"
    return isDead ? null : (fields[19] ?? null)
  } catch {
    return "hidden"
  }
}
