import { expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import { termBegan } from "../../../lib/decisions/pricing/term.ts"

const at = (iso: string) => utcMsOf(Date.parse(iso))

test.each<[what: string, start: string | null, now: string, began: string | null]>([
  ["no term is set: everything counts", null, "2026-09-01T00:00:00Z", null],
  ["the term has begun", "2026-08-20T00:00:00Z", "2026-09-01T00:00:00Z", "2026-08-20T00:00:00Z"],
  ["it begins now", "2026-08-20T00:00:00Z", "2026-08-20T00:00:00Z", "2026-08-20T00:00:00Z"],
  ["a term to come: until then everything counts", "2026-08-20T00:00:00Z", "2026-08-19T23:59:59Z", null],
])("%s", (_, start, now, began) => {
  const termStartUtcMs = start === null ? null : at(start)
  const course = { termStartUtcMs } as Parameters<typeof termBegan>[0]
  expect(termBegan(course, at(now))).toBe(began === null ? null : at(began))
})
