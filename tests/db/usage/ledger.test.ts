import { describe, expect, test } from "bun:test"
import { microUsd, microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { instanceWith, newLedger, plainRules } from "../../support/ledger.ts"

// Whether it has a public address is not known before it was seen running: US$0.005 an hour in the highest sums.
const start = utcMsOf(Date.UTC(2026, 8, 1))
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
  const spent = (login: string | null, nowUtcMs: UtcMs, since: UtcMs | null = null) =>
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
    expect(spent("cs61c-ab", utcMsOf(start + 2 * msPerHour)).highest).toBe(microUsd(0.34 + 0.02))
    expect(spent(null, utcMsOf(start + 2 * msPerHour)).highest).toBe(microUsd(0.34 + 0.02))
    expect(spent("cs61c-ac", utcMsOf(start + 2 * msPerHour))).toEqual({
      lowest: microUsdOf(0),
      highest: microUsdOf(0),
    })
  })

  test("recording one launch twice counts it once", () => {
    const { db, spent } = launched()
    db.transaction(() =>
      db.ledger.recordLaunch({ ...launch, instances: [instanceWith({ id: "i-1", launchedAtUtcMs: start })] }),
    )
    expect(spent("cs61c-ab", utcMsOf(start + msPerHour)).highest).toBe(microUsd(0.09))
  })

  test("what is stopped costs nothing until it is started again", () => {
    const { db, spent } = launched()
    db.transaction(() => db.ledger.recordStopped("i-1", utcMsOf(start + msPerHour)))
    expect(spent("cs61c-ab", utcMsOf(start + 9 * msPerHour))).toEqual({
      lowest: microUsdOf(85_000),
      highest: microUsdOf(90_000),
    })
    db.transaction(() => db.ledger.recordStarted("i-1", "m1.small", utcMsOf(start + 9 * msPerHour)))
    db.transaction(() =>
      db.ledger.recordEnded("i-1", {
        earliestUtcMs: utcMsOf(start + 10 * msPerHour),
        latestUtcMs: utcMsOf(start + 10 * msPerHour),
        evidence: "observed",
      }),
    )
    expect(spent("cs61c-ab", utcMsOf(start + 99 * msPerHour))).toEqual({
      lowest: microUsdOf(170_000),
      highest: microUsdOf(180_000),
    })
    expect(db.ledger.openInstances(null)).toEqual([])
  })

  test("an uncertain end gives two sums", () => {
    const { db, spent } = launched()
    db.transaction(() =>
      db.ledger.recordEnded("i-1", {
        earliestUtcMs: utcMsOf(start + msPerHour),
        latestUtcMs: utcMsOf(start + 2 * msPerHour),
        evidence: "vanished",
      }),
    )
    expect(spent("cs61c-ab", utcMsOf(start + 9 * msPerHour))).toEqual({
      lowest: microUsdOf(85_000),
      highest: microUsdOf(180_000),
    })
  })

  test("sums count from the day they are asked from, and days sum up exactly", () => {
    const { db, spent } = launched()
    const end = start + 60 * msPerHour + 1234
    db.transaction(() =>
      db.ledger.recordEnded("i-1", {
        earliestUtcMs: utcMsOf(end),
        latestUtcMs: utcMsOf(end),
        evidence: "observed",
      }),
    )
    const second = start + 24 * msPerHour
    const whole = spent("cs61c-ab", utcMsOf(end)).highest
    expect(spent("cs61c-ab", utcMsOf(end), utcMsOf(second)).highest).toBe(
      microUsdOf(whole - microUsd(24 * 0.09)),
    )
  })
})
