/** Standard input with a bound on its size and on how long it may take: behind the wrapper its writer is not trusted. */
import { read } from "node:fs"
import { promisify } from "node:util"
import { UsageError } from "../base/errors.ts"
import type { Clock } from "../base/time.ts"

const readFrom = promisify(read)
const chunkBytes = 64 * 1024

/** All of stdin; throws UsageError when there is more than `mostBytes` of it, or no end within `deadlineMs`. */
export async function readStdin(
  clock: Clock,
  { mostBytes, deadlineMs = 60_000 }: { mostBytes: number; deadlineMs?: number },
): Promise<Uint8Array> {
  const stop = new AbortController()
  const tooLate = clock.sleep(deadlineMs, stop.signal).then(
    () => Promise.reject(new UsageError("stdin", `no end within ${deadlineMs / 1000} s`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([readAll(mostBytes), tooLate])
  } finally {
    stop.abort()
  }
}

async function readAll(mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for (;;) {
    const chunk = new Uint8Array(chunkBytes)
    const { bytesRead } = await readFrom(0, chunk, 0, chunk.length, null)
    if (bytesRead === 0) return Buffer.concat(chunks)
    total += bytesRead
    if (total > mostBytes) throw new UsageError("stdin", `is longer than ${mostBytes} bytes`)
    chunks.push(chunk.subarray(0, bytesRead))
  }
}
