import { describe, expect, test } from "bun:test"
import { later, msPerMinute, msPerSecond, utcMsOf } from "../../../lib/base/time.ts"
import { type Settlement, settlementOf } from "../../../lib/decisions/launches/settlement.ts"

const created = utcMsOf(Date.UTC(2026, 8, 1))
const min = msPerMinute

interface Case {
  what: string
  found: number
  /** Of 3 by default. */
  count?: number
  alive?: boolean
  /** On another host, whose lock is gone. */
  uncertain?: boolean
  /** When the request was sent, after it was admitted; null: it may never have been. */
  sentAfterMs?: number | null
  listedAfterMs: number
  becomes: Settlement
}

const cases: Case[] = [
  { what: "everything is there", found: 3, listedAfterMs: msPerSecond, becomes: "settle" },
  { what: "more is there than was asked for", found: 4, listedAfterMs: msPerSecond, becomes: "settle" },
  {
    what: "everything is there and the process lives, which settles it",
    found: 3,
    alive: true,
    listedAfterMs: 0,
    becomes: "wait",
  },
  {
    what: "the process lives, however old it is",
    found: 0,
    alive: true,
    listedAfterMs: 24 * 60 * min,
    becomes: "wait",
  },
  { what: "nothing is there yet", found: 0, listedAfterMs: 2 * min - 1, becomes: "wait" },
  { what: "nothing is there after two minutes", found: 0, listedAfterMs: 2 * min, becomes: "release" },
  {
    what: "nothing is there, and the request was sent late",
    found: 0,
    sentAfterMs: 5 * min,
    listedAfterMs: 7 * min - 1,
    becomes: "wait",
  },
  {
    what: "nothing is there two minutes after a late request",
    found: 0,
    sentAfterMs: 5 * min,
    listedAfterMs: 7 * min,
    becomes: "release",
  },
  { what: "some are there", found: 1, listedAfterMs: 10 * min - 1, becomes: "wait" },
  {
    what: "some are there after ten minutes: the others have come and gone",
    found: 1,
    listedAfterMs: 10 * min,
    becomes: "settle",
  },
  {
    what: "some are there, and the request was sent late",
    found: 2,
    sentAfterMs: 5 * min,
    listedAfterMs: 15 * min - 1,
    becomes: "wait",
  },
  { what: "one was asked for and is there", found: 1, count: 1, listedAfterMs: 0, becomes: "settle" },
  {
    what: "the listing is older than the request",
    found: 0,
    sentAfterMs: 5 * min,
    listedAfterMs: 4 * min,
    becomes: "wait",
  },
  {
    what: "another host's lock is gone, and what it signed may still arrive",
    found: 0,
    uncertain: true,
    sentAfterMs: 0,
    listedAfterMs: 17 * min,
    becomes: "wait",
  },
  {
    what: "another host's lock is gone, and AWS refuses by now what it signed",
    found: 0,
    uncertain: true,
    sentAfterMs: 0,
    listedAfterMs: 18 * min,
    becomes: "release",
  },
  {
    what: "another host's lock is gone, and it may not mark it as sent any more",
    found: 0,
    uncertain: true,
    listedAfterMs: 2 * min,
    becomes: "release",
  },
]

describe("a reservation of 3", () => {
  test.each(cases)(
    "$becomes: $what",
    ({ found, count = 3, alive = false, uncertain = false, sentAfterMs = null, listedAfterMs, becomes }) => {
      const sentAtUtcMs = sentAfterMs === null ? null : later(created, sentAfterMs)
      const facts = {
        found,
        count,
        isAlive: alive,
        isCertain: !uncertain,
        createdAtUtcMs: created,
        sentAtUtcMs,
      }
      expect(settlementOf({ ...facts, listedAtUtcMs: later(created, listedAfterMs) })).toBe(becomes)
    },
  )
})
