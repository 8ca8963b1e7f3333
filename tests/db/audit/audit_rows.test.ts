import { describe, expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import { type AuditEntry, chained, chainStart } from "../../../lib/decisions/audit/chain.ts"
import { newLedger } from "../../support/ledger.ts"

const at = (minute: number) => utcMsOf(Date.UTC(2026, 8, 1, 0, minute))
const entry = (minute: number, message = `line ${minute}`): AuditEntry => ({
  atUtcMs: at(minute),
  host: "login1",
  login: "cs61c-aa",
  message,
})

describe("the audit log's rows", () => {
  test("follow each other, and read back as they were hashed", () => {
    const { auditRows: rows } = newLedger()
    expect(rows.head()).toEqual(chainStart)
    const odd = 'é \ud800 😀 \' \\ {"a": 1}'
    rows.add(entry(1, odd))
    rows.add(entry(2))
    const first = chained(chainStart, entry(1, odd))
    const second = chained(first, entry(2))
    // A half of a surrogate pair is U+FFFD in UTF-8, for the hash and for the engine.
    expect(rows.after(0, 10)).toEqual([{ ...first, message: odd.replace("\ud800", "\ufffd") }, second])
    expect(rows.after(1, 10)).toEqual([second])
    expect(rows.head()).toEqual({ rowNo: 2, hash: second.hash })
    expect(chained(chainStart, rows.after(0, 1)[0] as AuditEntry).hash).toBe(first.hash)
  })

  test("that waited are brought in once, before the new one", () => {
    const { auditRows: rows } = newLedger()
    rows.add(null, [entry(1)])
    rows.add(entry(3), [entry(1), entry(2)])
    rows.add(null, [entry(2), entry(2)])
    expect(rows.after(0, 10).map(({ message }) => message)).toEqual(["line 1", "line 2", "line 3"])
  })

  test("belong to the transaction that they are appended in", () => {
    const ledger = newLedger()
    const failing = () => {
      ledger.auditRows.append(entry(1))
      throw new Error("of the work")
    }
    expect(() => ledger.transaction(failing)).toThrow("of the work")
    expect(ledger.auditRows.head()).toEqual(chainStart)
    ledger.transaction(() => ledger.auditRows.append(entry(1)))
    expect(ledger.auditRows.head().rowNo).toBe(1)
  })

  test("go on after the rows that were pruned", () => {
    const ledger = newLedger()
    const { auditRows: rows } = ledger
    for (const minute of [1, 2, 3]) rows.add(entry(minute))
    expect([at(0), at(2), at(9)].map(rows.lastBefore)).toEqual([0, 1, 3])
    const [, second] = rows.after(0, 2)
    const upTo = { rowNo: 2, hash: second?.hash ?? "" }
    const count = ledger.transaction(() => rows.prune({ ...upTo, prunedAtUtcMs: at(9), prunedBy: "cs61c" }))
    expect(count).toBe(2)
    expect(rows.start()).toMatchObject(upTo)
    expect(rows.after(0, 10).map(({ rowNo }) => rowNo)).toEqual([3])
    const all = rows.head()
    ledger.transaction(() => rows.prune({ ...all, prunedAtUtcMs: at(10), prunedBy: "cs61c" }))
    rows.add(entry(11))
    expect(rows.after(0, 10)).toEqual([chained(all, entry(11))])
  })
})
