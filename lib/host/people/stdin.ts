/** Standard input with a bound on its size and on how long it may take: behind the wrapper its writer is not trusted. */
import { read } from "node:fs"
import { promisify } from "node:util"
import { UsageError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"

const readFrom = promisify(read)
const chunkBytes = 64 * 1024

interface Bounds {
  mostBytes: number
  deadlineMs?: number
}

/** All of stdin; throws UsageError when there is more than `mostBytes` of it, or no end within `deadlineMs`. */
export function readStdin(clock: Clock, { mostBytes, deadlineMs = 60_000 }: Bounds): Promise<Uint8Array> {
  return inTime(
    clock,
    deadlineMs,
    readUntil(mostBytes, () => false),
  )
}

/** The first line of stdin, typed by a person or piped; what follows it may be lost. */
export async function readLine(clock: Clock): Promise<string> {
  const bytes = await inTime(
    clock,
    10 * 60_000,
    readUntil(4096, (chunk) => chunk.includes(0x0a)),
  )
  return new TextDecoder().decode(bytes).split("\n", 1)[0] ?? ""
}

async function inTime<T>(clock: Clock, deadlineMs: number, reading: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const tooLate = clock.sleep(deadlineMs, stop.signal).then(
    () => Promise.reject(new UsageError("stdin", `no end within ${deadlineMs / 1000} s`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([reading, tooLate])
  } finally {
    stop.abort()
  }
}

/** One buffer for all reads: a caller who writes byte by byte must not cost one each. */
async function readUntil(mostBytes: number, isEnough: (chunk: Uint8Array) => boolean): Promise<Uint8Array> {
  const chunk = new Uint8Array(chunkBytes)
  let bytes = new Uint8Array(chunkBytes)
  let total = 0
  for (;;) {
    const { bytesRead } = await readFrom(0, chunk, 0, chunk.length, null)
    if (total + bytesRead > mostBytes) throw new UsageError("stdin", `is longer than ${mostBytes} bytes`)
    if (total + bytesRead > bytes.length) bytes = enlarged(bytes, total + bytesRead)
    bytes.set(chunk.subarray(0, bytesRead), total)
    total += bytesRead
    if (bytesRead === 0 || isEnough(chunk.subarray(0, bytesRead))) return bytes.slice(0, total)
  }
}

function enlarged(bytes: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, 2 * bytes.length))
  larger.set(bytes)
  return larger
}
