/** Lines typed or piped into standard input: bounded in size and time, and without echo where they are secret. */
import { read } from "node:fs"
import { promisify } from "node:util"
import { UsageError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { msPerMinute } from "../../base/time.ts"
import { setEcho } from "../processes/libc.ts"

const readFrom = promisify(read)

export interface LineInput {
  /**
   * The next line without its end; null at the end of input. Throws UsageError on a longer one, or where none comes. `secret`
   * asks for it, once the terminal has stopped showing what is typed.
   */
  next(options: { mostBytes: number; secret?: () => void }): Promise<string | null>
}

const deadlineMs = 10 * msPerMinute

/** Standard input by lines. What is read beyond one line is kept for the next. */
export function lineInput({ clock, interrupt }: { clock: Clock; interrupt: AbortSignal }): LineInput {
  let pending = Buffer.alloc(0)
  let ended = false

  // One buffer for all reads: a caller who writes byte by byte must not cost one each.
  let chunk = Buffer.alloc(0)

  async function fill(mostBytes: number): Promise<void> {
    if (chunk.length < mostBytes + 2) chunk = Buffer.alloc(mostBytes + 2)
    const { bytesRead } = await readFrom(0, chunk, 0, chunk.length, null)
    ended = bytesRead === 0
    pending = Buffer.concat([pending, chunk.subarray(0, bytesRead)])
  }

  async function line(mostBytes: number): Promise<string | null> {
    while (!ended && !pending.includes("\n") && pending.length <= mostBytes) await fill(mostBytes)
    const end = pending.indexOf("\n")
    const bytes = end < 0 ? pending : pending.subarray(0, end)
    if (bytes.length > mostBytes) throw new UsageError("stdin", `has a line of more than ${mostBytes} bytes`)
    pending = end < 0 ? Buffer.alloc(0) : pending.subarray(end + 1)
    return ended && end < 0 && bytes.length === 0 ? null : bytes.toString("utf8").replace(/\r$/, "")
  }

  return {
    async next({ mostBytes, secret }) {
      const hidden = secret !== undefined && setEcho(0, false)
      secret?.()
      const over = new AbortController()
      const tooLate = clock
        .sleep(deadlineMs, AbortSignal.any([over.signal, interrupt]))
        .then(() =>
          Promise.reject(new UsageError("stdin", `no line within ${deadlineMs / msPerMinute} minutes`)),
        )
      try {
        return await Promise.race([line(mostBytes), tooLate])
      } finally {
        over.abort()
        tooLate.catch(() => {})
        if (hidden) setEcho(0, true)
      }
    },
  }
}
