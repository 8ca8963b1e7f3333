/**
 * Keeps memory small: left to itself the collector lets garbage grow to twice what this whole process needs before it looks.
 * A full collection takes some milliseconds, once in about a thousand requests.
 */
const garbageAtMost = 20 * 2 ** 20

/** What a request leaves behind besides its body, and how often a rewritten body is copied. */
const requestBytes = 20 * 1024
const copies = 3

let garbage = 0

/** An exchange is over, of which this many bytes of body were rewritten. */
export function noteGarbage(bodyBytes: number): void {
  garbage += requestBytes + copies * bodyBytes
  if (garbage < garbageAtMost) return
  garbage = 0
  Bun.gc(true)
}
