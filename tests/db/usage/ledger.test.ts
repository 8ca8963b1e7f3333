import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { msPerHour } from "../../../lib/base/time.ts"
import { instanceWith, newLedger, plainRules } from "../../support/ledger.ts"

// Whether it has a public address is not known before it was seen running: US$0.005 an hour in the highest sums.
const start = Date.UTC(2026, 8, 1)
const launch = { login: "cs61c-ab", reservationId: "r-1" }

function launched(ids = ["i-1"]) {
  const db = newLedger()
  db.transaction(() =>
    db.ledger.recordLaunch({
      ...launch,
      instances: ids.map((id) => instanceWith({ id, state: "pending", launchedAtUtcMs: start })),
    }),
  )
  const tariff = db.prices.tariff(plainRules)
  const spent = (login: string | null, nowUtcMs: number, since: number | null = null) =>
    db.transaction(() => db.ledger.spent(tariff, login, since, nowUtcMs))
  return { db, spent }
}

describe("the ledger", () => {
  test("a launch runs on its owner's account from its LaunchTime", () => {
    const { db, spent } = launched(["i-1", "i-2"])
    expect(db.ledger.openInstances("cs61c-ab").map(({ instanceId, state }) => [instanceId, state])).toEqual([
      ["i-1", "pending"],
      ["i-2", "pending"],
    ])
    expect(spent("cs61c-ab", start + 2 * msPerHour).highest).toBe(microUsd(0.34 + 0.02))
    expect(spent(null, start + 2 * msPerHour).highest).toBe(microUsd(0.34 + 0.02))
    expect(spent("cs61c-ac", start + 2 * msPerHour)).toEqual({ lowest: 0, highest: 0 })
  })

  test("recording one launch twice counts it once", () => {
    const { db, spent } = launched()
    db.transaction(() =>
      db.ledger.recordLaunch({ ...launch, instances: [instanceWith({ id: "i-1", launchedAtUtcMs: start })] }),
    )
    expect(spent("cs61c-ab", start + msPerHour).highest).toBe(microUsd(0.09))
  })

  test("what is stopped costs nothing until it is started again", () => {
    const { db, spent } = launched()
    db.transaction(() => db.ledger.recordStopped("i-1", start + msPerHour))
    expect(spent("cs61c-ab", start + 9 * msPerHour)).toEqual({ lowest: 85_000, highest: 90_000 })
    db.transaction(() => db.ledger.recordStarted("i-1", "m1.small", start + 9 * msPerHour))
    db.transaction(() =>
      db.ledger.recordEnded("i-1", {
        earliestUtcMs: start + 10 * msPerHour,
        latestUtcMs: start + 10 * msPerHour,
        evidence: "observed",
      }),
    )
    expect(spent("cs61c-ab", start + 99 * msPerHour)).toEqual({ lowest: 170_000, highest: 180_000 })
    expect(db.ledger.openInstances(null)).toEqual([])
  })

  test("an uncertain end gives two sums", () => {
    const { db, spent } = launched()
    db.transaction(() =>
      db.ledger.recordEnded("i-1", {
        earliestUtcMs: start + msPerHour,
        latestUtcMs: start + 2 * msPerHour,
        evidence: "vanished",
      }),
    )
    expect(spent("cs61c-ab", start + 9 * msPerHour)).toEqual({ lowest: 85_000, highest: 180_000 })
  })

  test("sums count from the day they are asked from, and days sum up exactly", () => {
    const { db, spent } = launched()
    const end = start + 60 * msPerHour + 1234
    db.transaction(() =>
      db.ledger.recordEnded("i-1", { earliestUtcMs: end, latestUtcMs: end, evidence: "observed" }),
    )
    const second = start + 24 * msPerHour
    const whole = spent("cs61c-ab", end).highest
    expect(spent("cs61c-ab", end, second).highest).toBe(whole - microUsd(24 * 0.09))
  })
})
