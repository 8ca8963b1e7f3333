import { expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { utcMsOf } from "../../../lib/base/time.ts"
import { type AuditEntry, chained, chainStart, hashOfRow } from "../../../lib/decisions/audit/chain.ts"

const entry = (parts: Partial<AuditEntry> = {}): AuditEntry => ({
  atUtcMs: utcMsOf(Date.UTC(2026, 8, 1)),
  host: "login1",
  login: "cs61c-aa",
  message: "launch é 😀",
  ...parts,
})

test("a row's hash is SHA-256 of its length-prefixed fields, as anybody can compute it", () => {
  const fields = [
    "ec2-wrappers audit 1",
    "0".repeat(64),
    "1",
    String(Date.UTC(2026, 8, 1)),
    "login1",
    "cs61c-aa",
    "launch é 😀",
  ]
  const hash = createHash("sha256")
  for (const field of fields) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(Buffer.byteLength(field)))
    hash.update(length).update(field, "utf8")
  }
  expect(chained(chainStart, entry())).toEqual({ ...entry(), rowNo: 1, hash: hash.digest("hex") })
})

test("no two rows have the same hash, wherever one field ends and the next begins", () => {
  const first = chained(chainStart, entry())
  const rows = [
    first,
    chained(first, entry()),
    chained(chainStart, entry({ login: "cs61c-a", message: "alaunch é 😀" })),
    chained(chainStart, entry({ host: "login1c", login: "s61c-aa" })),
    chained(chainStart, entry({ atUtcMs: utcMsOf(Date.UTC(2026, 8, 1) + 1) })),
    { hash: hashOfRow(chainStart.hash, 2, entry()) },
    { hash: hashOfRow("1".repeat(64), 1, entry()) },
  ]
  expect(new Set(rows.map(({ hash }) => hash)).size).toBe(rows.length)
})
