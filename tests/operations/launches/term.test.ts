/** A small term of the compiled tools under faketime; `npm run soak` simulates the whole one. */

import { afterAll, describe, expect, test } from "bun:test"
import { tagOf } from "../../../lib/base/instance.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import type { BillLine } from "../../emulator/bill.ts"
import { startEmulator } from "../../support/emulator.ts"
import { faketimeLibrary } from "../../support/faketime.ts"
import { noteSkipped } from "../../support/skips.ts"
import { boundOf, simulateTerm, type TermOptions } from "../../support/term.ts"
import { compare, type LedgerCharge } from "../../support/term_accounts.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())
if (!faketimeLibrary) noteSkipped("a term on virtual time: faketime is not installed")

const small: TermOptions = {
  ...{ students: 4, days: 1, budget: 3, maxHourlyCost: 0.6, seed: 7, diligence: 0.2, trouble: 0.1 },
  ...{ withSwitches: true, outages: { hours: 6, every: 8 } },
}

describe.skipIf(!faketimeLibrary)("in a small term", () => {
  for (const withSwitches of [true, false]) {
    const most = withSwitches ? "their budget" : "their budget and an outage at the hourly limit"
    test(`nobody is billed more than ${most}, and the ledger says what AWS bills`, async () => {
      const options = { ...small, withSwitches }
      const result = await simulateTerm(emulator, options)
      expect(result.wrong).toEqual([])
      expect(result.launches).toBeGreaterThan(3)
      expect(result.outageHours).toBeGreaterThan(0)
      const billed = result.accounts.map((account) => account.billed)
      expect(Math.max(...billed)).toBeLessThanOrEqual(boundOf(options, result))
      const sum = (of: "endedByCalls" | "exactOfThose") =>
        result.accounts.reduce((total, account) => total + account[of], 0)
      // Calls leave a date and an event. Only what ends by itself, or is taken back, does so unseen.
      expect(sum("endedByCalls")).toBeGreaterThan(3)
      expect(sum("exactOfThose")).toBe(sum("endedByCalls"))
    })
  }
})

describe("the comparison of the ledger with the bill", () => {
  const line: BillLine = {
    ...{ what: "instance", id: "i-1", tags: { [tagOf.owner]: "cs61c-aa" }, type: "m1.small" },
    ...{ market: "on-demand", zone: "us-east-1a", gib: 0 },
    ...{ startUtcMs: utcMsOf(0), endUtcMs: utcMsOf(3_600_000), seconds: 3600, microUsd: microUsdOf(44_000) },
  }
  const charge: LedgerCharge = {
    ...{ user: "cs61c-aa", kind: "instance", id: "i-1" },
    ...{ lowest: microUsdOf(44_000), highest: microUsdOf(44_000) },
  }
  const wrongOf = (bill: BillLine[], charges: LedgerCharge[]) =>
    compare(bill, charges, ["cs61c-aa"], { instanceOfVolume: new Map(), endedByCalls: new Set() }).wrong

  test("finds nothing where they agree, nor where the bill is within the ledger's bounds", () => {
    expect(wrongOf([line], [charge])).toEqual([])
    expect(wrongOf([line], [{ ...charge, lowest: microUsdOf(0), highest: microUsdOf(50_000) }])).toEqual([])
  })

  test("finds a second that one of them has more", () => {
    const second = Math.round(44_000 / 3600)
    const wrong = [`instance i-1 of cs61c-aa: $0.044012 billed, the ledger says $0.044`]
    expect(wrongOf([{ ...line, microUsd: microUsdOf(44_000 + second) }], [charge])).toEqual(wrong)
    expect(wrongOf([{ ...line, microUsd: microUsdOf(44_000 - second) }], [charge])).toHaveLength(1)
  })

  test("finds what only one of them has", () => {
    expect(wrongOf([line], [])).toHaveLength(1)
    expect(wrongOf([], [charge])).toHaveLength(1)
  })

  test("takes what may have run to cover what did", () => {
    const id = "8585315a-67a4-4563-819a-72fc9a7860fe"
    const mayHave = { ...charge, kind: "volume", id, lowest: microUsdOf(0), highest: microUsdOf(60_000) }
    const tags = { ...line.tags, [tagOf.reservation]: id }
    expect(wrongOf([{ ...line, tags }], [mayHave])).toEqual([])
    expect(wrongOf([{ ...line, tags, microUsd: microUsdOf(60_001) }], [mayHave])).toHaveLength(1)
  })
})
