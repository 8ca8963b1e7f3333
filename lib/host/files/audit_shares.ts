/**
 * What each login has written into the audit log: a login that asks for refusals in a loop must not fill the disk. One file of fixed
 * size for each login, written in place, so that counting takes no room.
 */
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { loginPattern } from "../../base/login.ts"
import { type Clock, msPerDay, msPerHour, type UtcMs, utcMsOf } from "../../base/time.ts"

/** Of each login in an hour; more are counted. */
const mostRefusals = 40
/**
 * Of each login in a day (UTC), refusals not counted. The ledger keeps each line once more, and rows of what it is about: all of it
 * together stays below 10 MB a day.
 */
export const dailyShareBytes = 1_000_000

interface Share {
  hour: number
  refusals: number
  day: number
  bytes: number
}

export interface AuditShares {
  /** Whether the login may still do what adds lines. */
  hasRoom(login: string): boolean
  spend(login: string, bytes: number): void
  /** Null where this refusal is only to be counted; else how many of an earlier hour were. */
  countRefusal(login: string): { dropped: number; sinceUtcMs: UtcMs } | null
  /** Tells of each login's past hour with refusals that were only counted, once. */
  settle(tell: (login: string, dropped: number, sinceUtcMs: UtcMs) => void): void
}

export function auditShares(directory: string, clock: Clock): AuditShares {
  const hourNow = () => Math.floor(clock.now() / msPerHour)
  const dayNow = () => Math.floor(clock.now() / msPerDay)

  function change<T>(login: string, work: (share: Share) => T): T {
    const path = join(directory, loginPattern.test(login) ? login : "_others")
    const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    try {
      const share = shareOf(readFileSync(fd, "utf8"))
      if (share.day !== dayNow()) Object.assign(share, { day: dayNow(), bytes: 0 })
      const result = work(share)
      writeSync(fd, textOf(share), 0)
      return result
    } finally {
      closeSync(fd)
    }
  }

  /** Takes what an hour that is over has left. */
  function takeDropped(share: Share): { dropped: number; sinceUtcMs: UtcMs } {
    const sinceUtcMs = utcMsOf(share.hour * msPerHour)
    if (share.hour === hourNow()) return { dropped: 0, sinceUtcMs }
    const dropped = Math.max(0, share.refusals - mostRefusals)
    Object.assign(share, { hour: hourNow(), refusals: 0 })
    return { dropped, sinceUtcMs }
  }

  return {
    hasRoom: (login) => change(login, ({ bytes }) => bytes < dailyShareBytes),
    spend(login, bytes) {
      try {
        change(login, (share) => {
          share.bytes += bytes
        })
      } catch {
        // The line is written. A disk that takes no count takes no further line either.
      }
    },
    countRefusal: (login) =>
      change(login, (share) => {
        const before = takeDropped(share)
        share.refusals += 1
        return share.refusals > mostRefusals ? null : before
      }),
    settle(tell) {
      for (const login of namesIn(directory)) {
        const { dropped, sinceUtcMs } = change(login, takeDropped)
        if (dropped > 0) tell(login, dropped, sinceUtcMs)
      }
    },
  }
}

/** Two runs of one login may count at once: a count that is lost by that is no harm. */
function shareOf(text: string): Share {
  const [hour = 0, refusals = 0, day = 0, bytes = 0] = text.trim().split(/ +/).map(Number)
  return { hour, refusals, day, bytes }
}

function textOf({ hour, refusals, day, bytes }: Share): string {
  return `${[hour, refusals, day, bytes].map((count) => String(count).padStart(15)).join(" ")}\n`
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
