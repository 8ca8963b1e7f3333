import { describe, expect, test } from "bun:test"
import { microUsd, microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, toJulianDay, utcMsOf } from "../../../lib/base/time.ts"
import { handAt } from "../../support/databases.ts"
import { instanceWith, newLedger, plainRules } from "../../support/ledger.ts"

const start = utcMsOf(Date.UTC(2010, 10, 1, 22))
const at = (hours: number) => toJulianDay(utcMsOf(start + hours * msPerHour))

/** One closed run of three hours of an old tool, counted once, and a hand at the database. */
function counted() {
  const db = newLedger()
  const hand = handAt(db.path)
  hand.run(`INSERT INTO instances VALUES ('i-1', 'm1.small', ${at(0)}, ${at(3)}, '', 0, 'cs61c-ab')`)
  const tariff = db.prices.tariff(plainRules)
  const spent = (login: string | null = "cs61c-ab") =>
    db.transaction(() => db.ledger.spent(tariff, login, null, utcMsOf(start + 100 * msPerHour))).highest
  expect(spent()).toBe(microUsd(0.255))
  return { db, hand, spent, tariff }
}

describe("sums of what only the old tools recorded", () => {
  test.each([
    ["another end", `UPDATE instances SET end_time = ${at(4)}`, 0.34],
    ["another type", "UPDATE instances SET instance_type = 'unheard.of'", 0],
    ["spot after all", "UPDATE instances SET is_spot = 1", 0.1785],
    ["another owner", "UPDATE instances SET username = 'cs61c-ac'", 0],
    [
      "one more",
      `INSERT INTO instances VALUES ('i-2', 'm1.small', ${at(0)}, ${at(1)}, '', 0, 'cs61c-ab')`,
      0.34,
    ],
    ["one less", "DELETE FROM instances", 0],
  ])("notice what is changed by hand: %s", (_what, sql, usd) => {
    const { hand, spent } = counted()
    hand.run(sql)
    expect(spent()).toBe(microUsd(usd))
    expect(spent(null)).toBe(sql.includes("cs61c-ac") ? microUsd(0.255) : microUsd(usd))
  })

  test("notice a stop that is recorded, and forgotten again", () => {
    const { db, hand, tariff } = counted()
    const lowest = () =>
      db.transaction(() => db.ledger.spent(tariff, "cs61c-ab", null, utcMsOf(start + 100 * msPerHour))).lowest
    hand.run(`INSERT INTO instance_stopped VALUES ('i-1', '2010-11-01 23:00:00', NULL)`)
    expect(lowest()).toBe(microUsd(0.085))
    hand.run("UPDATE instance_stopped SET stopped_time = '2010-11-02 00:00:00'")
    expect(lowest()).toBe(microUsd(0.17))
    hand.run("DELETE FROM instance_stopped")
    expect(lowest()).toBe(microUsd(0.255))
  })

  test("leave out what a stop took whose end somebody wrote down", () => {
    const { hand, spent } = counted()
    hand.run("INSERT INTO instance_stopped VALUES ('i-1', '2010-11-01 23:00:00', '2010-11-02 00:30:00')")
    expect(spent()).toBe(microUsd(0.085 * 1.5))
    hand.run("UPDATE instances SET end_time = NULL")
    expect(spent()).toBe(microUsd(0.085 * 98.5))
  })

  test("leave out what the ledger has taken over, so that nothing counts twice", () => {
    const { db, spent } = counted()
    db.transaction(() =>
      db.ledger.recordLaunch({
        ...{ login: "cs61c-ab", reservationId: "" },
        instances: [instanceWith({ id: "i-1", launchedAtUtcMs: start })],
      }),
    )
    expect(spent()).toBeGreaterThan(microUsd(0.085 * 99))
    expect([...db.oldRows.endedOf("cs61c-ab")]).toEqual([])
  })

  test("what runs counts until now, and is kept from when it has ended", () => {
    const { hand, spent } = counted()
    hand.run("UPDATE instances SET end_time = NULL")
    expect(spent()).toBe(microUsd(8.5))
    hand.run(`UPDATE instances SET end_time = ${at(2)}`)
    expect(spent()).toBe(microUsd(0.17))
  })

  test("rows without a name are nobody's, once", () => {
    const { db, hand, tariff } = counted()
    hand.run("UPDATE instances SET username = NULL")
    db.transaction(() => db.ledger.oldSums.refresh(tariff, null))
    expect(db.ledger.oldSums.byLogin(0, 1e6)).toEqual(
      new Map([["", { lowest: microUsdOf(255_000), highest: microUsdOf(255_000), unpriced: 0 }]]),
    )
  })
})
