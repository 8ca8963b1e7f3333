/** Locks that last as long as the connection: PostgreSQL's advisory locks, by a name. */
import { createHash } from "node:crypto"
import type { SessionLocks } from "../db.ts"
import { isDisconnected } from "./errors.ts"
import type { Session } from "./session.ts"

export interface LocksAtCommit extends SessionLocks {
  /** The SQL that takes what the transaction asked for, to be run with its COMMIT; "" for nothing. */
  takingSql(): string
  /** After the COMMIT, or, where nothing is to be taken, after the ROLLBACK. */
  finished(isCommitted: boolean): void
}

export function sessionLocks(session: Session): LocksAtCommit {
  /** By name, the connection that it was taken on. */
  const mine = new Map<string, number>()
  let asked = new Map<string, number>()
  const isMine = (name: string) => mine.get(name) === session.generation()
  const ask = (sql: string, name: string) => session.query(sql, [keyOf(name)]).values[0]
  return {
    tryTake(name) {
      if (isMine(name)) return false
      if (ask("SELECT pg_try_advisory_lock($1::bigint)", name) !== 1) return false
      mine.set(name, session.generation())
      return true
    },
    takeAtCommit: (name) => void asked.set(name, session.generation()),
    takingSql: () => [...asked.keys()].map((name) => `SELECT pg_advisory_lock(${keyOf(name)}); `).join(""),
    finished(isCommitted) {
      if (isCommitted) for (const [name, generation] of asked) mine.set(name, generation)
      asked = new Map()
    },
    isMine,
    release(name) {
      const wasMine = isMine(name)
      mine.delete(name)
      try {
        if (wasMine) ask("SELECT pg_advisory_unlock($1::bigint)", name)
      } catch (error) {
        if (!isDisconnected(error)) throw error // the lock went with the connection
      }
    },
    held(names) {
      const byKey = new Map(names.map((name) => [keyOf(name), name]))
      const { values } = session.query(
        `SELECT CAST((classid::bigint << 32) | objid::bigint AS text) FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [],
      )
      return new Set(values.flatMap((key) => byKey.get(String(key)) ?? []))
    },
  }
}

/** 64 bits of the name's hash, as a signed number. */
function keyOf(name: string): string {
  return createHash("sha256").update(name).digest().readBigInt64BE().toString()
}
