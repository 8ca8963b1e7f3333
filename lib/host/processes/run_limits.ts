/**
 * Bounds on what one run of a student's may use of the machine, set by the run itself: what its caller left of the limits does not
 * count. The kernel then kills the run, which may die anywhere.
 */
import { readFileSync } from "node:fs"
import { setHardLimit } from "./libc.ts"

/** Processor seconds. The longest runs of students take two. */
const mostCpuSeconds = 60
/** Bytes beyond those that the runtime reserves at its start. A run takes 70 to 120 MiB. */
const mostDataBytes = 512 * 1024 * 1024
/** Bytes of memory in use: the runtime's reservation, 6 GiB, lets objects grow without the kernel's limit. */
const mostResidentBytes = 1024 * 1024 * 1024
const lookEveryMs = 250

const RLIMIT_CPU = 0
const RLIMIT_DATA = 2

/** `exceeded` is told when memory in use passes its bound, and ends the process. */
export function limitThisRun(exceeded: (why: string) => void): void {
  setHardLimit(RLIMIT_CPU, Math.ceil(process.cpuUsage().user / 1e6) + mostCpuSeconds)
  setHardLimit(RLIMIT_DATA, dataBytes() + mostDataBytes)
  setInterval(() => {
    if (process.memoryUsage.rss() > mostResidentBytes)
      exceeded(`takes more than ${mostResidentBytes / 1024 ** 2} MiB of memory`)
  }, lookEveryMs).unref()
}

function dataBytes(): number {
  const kibibytes = /^VmData:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
  return Number(kibibytes) * 1024
}
