/** The audit log as a chain: the hash of each row covers its content and the hash of the row before it. */
import type { UtcMs } from "../../base/time.ts"

/** What one line of the audit log says. */
export interface AuditEntry {
  atUtcMs: UtcMs
  /** The login host that wrote it. */
  host: string
  /** On whose account. */
  login: string
  message: string
}

/** A place in the chain. `hash`: SHA-256 in hexadecimal. */
export interface ChainPoint {
  rowNo: number
  hash: string
}

export interface AuditRow extends AuditEntry, ChainPoint {}

/** Before the first row. */
export const chainStart: ChainPoint = { rowNo: 0, hash: "0".repeat(64) }

/** The row that follows `before`. */
export function chained(before: ChainPoint, entry: AuditEntry): AuditRow {
  const rowNo = before.rowNo + 1
  return { rowNo, ...entry, hash: hashOfRow(before.hash, rowNo, entry) }
}

/**
 * SHA-256 over the fields in UTF-8, each after its length as 8 bytes, the highest first: no two rows have the same bytes, on whatever
 * engine they lie.
 */
export function hashOfRow(hashBefore: string, rowNo: number, entry: AuditEntry): string {
  const hasher = new Bun.CryptoHasher("sha256")
  const { atUtcMs, host, login, message } = entry
  for (const field of [
    "ec2-wrappers audit 1",
    hashBefore,
    String(rowNo),
    String(atUtcMs),
    host,
    login,
    message,
  ]) {
    const bytes = new TextEncoder().encode(field)
    const length = new DataView(new ArrayBuffer(8))
    length.setBigUint64(0, BigInt(bytes.length))
    hasher.update(new Uint8Array(length.buffer))
    hasher.update(bytes)
  }
  return hasher.digest("hex")
}
