import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { duration, fromJulianDay, parseDuration, toJulianDay, utcMsOf } from "../../lib/base/time.ts"

describe("durations", () => {
  test.each([
    ["3h", 10_800_000],
    ["90m", 5_400_000],
    ["1.5h", 5_400_000],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
    ["2", 7_200_000],
    ["2 hours", 7_200_000],
    ["45min", 2_700_000],
  ])("%s is read", (text, ms) => expect(parseDuration(text)).toBe(ms))

  test.each(["", "0", "0h", "-1h", "h", "3x", "3h;", "1e9h", "Infinity", "3hh", "h3", "3 h 4 x"])(
    "%p is refused",
    (text) => expect(parseDuration(text)).toBeNull(),
  )

  test.each([
    [0, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [11_100_000, "3 h 05 min"],
    [86_400_000 * 3, "3 d 0 h"],
  ])("%d ms reads %s", (ms, text) => expect(duration(ms)).toBe(text))
})

test("Julian days keep the millisecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (utcMs) => {
      expect(fromJulianDay(toJulianDay(utcMsOf(utcMs)))).toBe(utcMsOf(utcMs))
    }),
  )
})

test("Julian days agree with SQLite's", () => {
  // SELECT julianday('2010-09-01 12:00:00')
  expect(toJulianDay(utcMsOf(Date.UTC(2010, 8, 1, 12)))).toBe(2_455_441)
})
