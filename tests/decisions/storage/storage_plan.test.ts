import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { later, msPerDay, msPerHour, utcMsOf } from "../../../lib/base/time.ts"
import {
  type KeptStorage,
  planStorage,
  storageLine,
  storageWarning,
} from "../../../lib/decisions/storage/storage_plan.ts"

const now = utcMsOf(Date.UTC(2026, 8, 1))
const items = [{ id: "vol-1", description: "gp3 10 GiB", region: "us-east-1" }]
/** At $0.01/h: a day costs $0.24. */
const kept = (leftUsd: number, changes: Partial<KeptStorage> = {}): KeptStorage => ({
  login: "cs61c-aa",
  items,
  microUsdPerHour: microUsd(0.01),
  leftMicroUsd: microUsd(leftUsd),
  warnedAtUtcMs: null,
  ...changes,
})
const warnedBefore = (ms: number) => ({ warnedAtUtcMs: later(now, -ms) })

interface Case {
  what: string
  storage: KeptStorage
  lines: string[]
}

const deleted = (left: string, pays: string) => [
  `delete vol-1 of cs61c-aa (gp3 10 GiB): the budget has ${left} left, which pays $0.01/h for ${pays}, and 2 d 0 h are kept back`,
]
const warned = (until: string) => [`warn cs61c-aa: the budget pays for storage until ${until}`]

const cases: Case[] = [
  { what: "the budget pays for long", storage: kept(24), lines: [] },
  { what: "a week and the two days kept back begin tomorrow", storage: kept(0.24 * 10), lines: [] },
  {
    what: "a week and the two days kept back begin now",
    storage: kept(0.24 * 9),
    lines: warned("2026-09-08T00:00:00Z"),
  },
  { what: "two days and the two kept back", storage: kept(0.24 * 4), lines: warned("2026-09-03T00:00:00Z") },
  {
    what: "only what is kept back is left: nothing goes within a day of the first warning",
    storage: kept(0.24),
    lines: warned("2026-09-02T00:00:00Z"),
  },
  {
    what: "more than the budget is spent, and nobody was warned",
    storage: kept(-5),
    lines: warned("2026-09-02T00:00:00Z"),
  },
  {
    what: "a warning an hour ago does not end it",
    storage: kept(0, warnedBefore(msPerHour)),
    lines: warned("2026-09-01T23:00:00Z"),
  },
  {
    what: "a warning a day ago does",
    storage: kept(0.24, warnedBefore(msPerDay)),
    lines: deleted("$0.24", "24 h 00 min"),
  },
  {
    what: "what is overspent pays for nothing",
    storage: kept(-5, warnedBefore(9 * msPerDay)),
    lines: deleted("-$5.00", "0 s"),
  },
  {
    what: "warned, and then the budget was raised",
    storage: kept(24, warnedBefore(9 * msPerDay)),
    lines: [],
  },
  { what: "storage that costs nothing", storage: kept(-5, { microUsdPerHour: microUsd(0) }), lines: [] },
]

describe("storage", () => {
  test.each(cases)("$what", ({ storage, lines }) => {
    expect(planStorage([storage], now).map(storageLine)).toEqual(lines)
  })

  test("the warning of two days is another than that of a week", () => {
    const days = [4, 9].map((paid) => planStorage([kept(0.24 * paid)], now)[0])
    expect(days).toMatchObject([{ days: 2 }, { days: 7 }])
  })

  test("everything of a login goes together, and nothing of another's", () => {
    const both = [...items, { id: "snap-1", description: "snapshot", region: "us-east-1" }]
    const plan = planStorage(
      [kept(0, { items: both, ...warnedBefore(msPerDay) }), kept(24, { login: "cs61c-bb" })],
      now,
    )
    expect(plan.map((step) => step.kind === "delete" && [step.login, step.item.id])).toEqual([
      ["cs61c-aa", "vol-1"],
      ["cs61c-aa", "snap-1"],
    ])
  })

  test("the owner reads until when, what it costs and what to do", () => {
    expect(storageWarning(kept(1), now)).toBe(
      "Your budget pays for your 1 volume or snapshot ($0.01/h) until 2026-09-01T00:00:00Z; then they are deleted. Delete what you do not need: ec2-active --storage",
    )
  })
})
