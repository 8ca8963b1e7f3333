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

async function readUntil(mostBytes: number, isEnough: (chunk: Uint8Array) => boolean): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for (;;) {
    const buffer = new Uint8Array(chunkBytes)
    const { bytesRead } = await readFrom(0, buffer, 0, buffer.length, null)
    total += bytesRead
    if (total > mostBytes) throw new UsageError("stdin", `is longer than ${mostBytes} bytes`)
    const chunk = buffer.subarray(0, bytesRead)
    chunks.push(chunk)
    if (bytesRead === 0 || isEnough(chunk)) return Buffer.concat(chunks)
  }
}
