/**
 * Keeps memory small: left to itself the collector lets garbage grow to twice what this whole process needs before it looks.
 * A full collection takes some ten milliseconds, so it is done only where memory has grown, once in about a thousand requests.
 */
const residentAtMost = 84 * 2 ** 20
/** With many connections more than that is in use: then what counts is how much came since the last collection. */
const grownAtMost = 6 * 2 ** 20

/** So much garbage after the last look, the next one. */
const lookedAfter = 32 * 2 ** 20

/** What a request leaves behind besides its body, and how often a rewritten body is copied. */
const requestBytes = 12 * 1024
const copies = 3

let garbage = 0
let kept = 0

/** An exchange is over, of which this many bytes of body were rewritten. */
export function noteGarbage(bodyBytes: number): void {
  garbage += requestBytes + copies * bodyBytes
  if (garbage < lookedAfter) return
  garbage = 0
  if (process.memoryUsage.rss() <= Math.max(residentAtMost, kept + grownAtMost)) return
  Bun.gc(true)
  kept = process.memoryUsage.rss()
}
