/** PostgreSQL behind the stores' seam. A transaction locks the schema's one row first, so that all of a course's run one by one. */
import { randomUUID } from "node:crypto"
import { Failed } from "../../base/errors.ts"
import type { Db, Query, SqlValue } from "../db.ts"
import type { Rows } from "./addon.ts"
import { explained, isDisconnected } from "./errors.ts"
import { Prefetch } from "./prefetch.ts"
import type { Session } from "./session.ts"
import { sessionLocks } from "./session_locks.ts"
import { translated, translatedSchema } from "./translate.ts"

const beginning = "BEGIN ISOLATION LEVEL READ COMMITTED"
/** The moment is read once the lock is held: a subquery with FOR UPDATE is finished first. */
const locking = `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
  FROM (SELECT only_row FROM ledger_lock FOR UPDATE) AS locked`
const begin = `${beginning}; ${locking}`

/** How often what was committed is looked up after the connection died under a COMMIT, and how far apart. */
const lookUps = 20
const lookUpEveryMs = 500
/** A finished COMMIT is looked up within seconds; each host remembers its last one for longer (known_server.ts). */
const keptCommits = "30 days"

const reading = /^\s*(SELECT|WITH|FETCH)\b/i

export interface PostgresDb extends Db {
  readonly engine: "postgres"
  /** The database's clock in the transaction that runs, else null. UTC milliseconds. */
  transactionUtcMs(): number | null
  session: Session
}

export interface PostgresListeners {
  /** Hears the database's time once for each transaction. */
  heard?: ((utcMs: number) => void) | undefined
  /** Hears the mark of each commit. */
  committed?: ((mark: string) => void) | undefined
}

export function postgresDb(
  session: Session,
  name: string,
  { heard = () => {}, committed = () => {} }: PostgresListeners = {},
): PostgresDb {
  const cache = new Map<string, ReturnType<typeof translated>>()
  let utcMs: number | null = null
  let depth: "none" | "locked" | "plain" = "none"
  let hasWritten = false
  const prefetch = new Prefetch()
  const locks = sessionLocks(session)

  /** Outside a transaction a lost connection costs nothing but a new one. */
  const run = (sql: string, params: (string | null)[]): Rows => {
    const isRead = reading.test(sql)
    const known = prefetch.answer({ sql, params }, isRead)
    if (known) return known
    if (!isRead) hasWritten = true
    try {
      return session.query(sql, params)
    } catch (error) {
      if (depth !== "none" || !isDisconnected(error) || !isRead) throw explained(name, error)
    }
    return explaining(name, () => {
      session.reconnect()
      return session.query(sql, params)
    })
  }

  const query = <Row, Params extends unknown[]>(sql: string): Query<Row, Params> => {
    const known = cache.get(sql) ?? translated(sql)
    cache.set(sql, known)
    const rowsOf = (params: Params) => run(known.text, bound(known.names, params))
    return {
      get: (...params) => toRows<Row>(rowsOf(params)).next().value ?? null,
      all: (...params) => [...toRows<Row>(rowsOf(params))],
      run: (...params) => ({ changes: rowsOf(params).changes }),
      iterate: (...params) => toRows<Row>(rowsOf(params)),
    }
  }

  /** Nothing has been done yet where the connection turns out to be gone. */
  const beginWith = (start: () => Rows): Rows => {
    try {
      return start()
    } catch (error) {
      if (!isDisconnected(error)) {
        rollBack(session)
        throw error
      }
      session.reconnect()
      return start()
    }
  }

  /** The lock and what is expected to be read under it, in one round trip. */
  const lockAndRead = (expected: (() => void) | undefined) => (): Rows => {
    const statements = expected ? prefetch.collect(expected) : []
    if (statements.length === 0) return session.execute(begin)
    const asked = [{ sql: beginning, params: [] }, { sql: locking, params: [] }, ...statements]
    const [, moment, ...rows] = session.queryAll(asked)
    prefetch.keep(statements, rows)
    return moment as Rows
  }

  const transact = <T>(kind: "locked" | "plain", work: () => T, expected?: () => void): T => {
    if (depth !== "none") throw new TypeError("a transaction cannot begin inside another one")
    return explaining(name, () => {
      const { values } = beginWith(kind === "locked" ? lockAndRead(expected) : () => session.execute("BEGIN"))
      try {
        depth = kind
        hasWritten = false
        if (kind === "locked") {
          if (values.length !== 1)
            throw new Failed(`database ${name}`, "has lost the row that everybody locks")
          utcMs = Number(values[0])
          heard(utcMs)
        }
        const result = work()
        if (result instanceof Promise) throw new TypeError("a transaction cannot wait for a promise")
        if (hasWritten && kind === "locked") committed(commit(session, name, locks.takingSql()))
        else session.execute("COMMIT")
        locks.finished(true)
        return result
      } catch (error) {
        locks.finished(false)
        rollBack(session)
        throw error
      } finally {
        depth = "none"
        utcMs = null
        prefetch.forget()
      }
    })
  }

  return {
    engine: "postgres",
    name,
    session,
    locks,
    query: query as Db["query"],
    exec(sql) {
      hasWritten = true
      prefetch.forget()
      explaining(name, () => session.execute(translatedSchema(sql)))
    },
    hasTable: (table) =>
      query<{ n: number }, [string]>(
        "SELECT count(*) AS n FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
      ).get(table)?.n === 1,
    transaction: (work, expected) => transact("locked", work, expected),
    withoutLock: (work) => transact("plain", work),
    transactionUtcMs: () => utcMs,
    close: () => session.close(),
  }
}

/**
 * Commits with a mark. Where the connection dies under it, nobody knows whether the server committed: a new connection waits for the
 * lock, which an unfinished commit still holds, and looks for the mark. Returns it.
 */
function commit(session: Session, name: string, takeLocks: string): string {
  const id = randomUUID()
  const prune =
    Math.random() < 0.01
      ? `DELETE FROM recent_commits WHERE committed_at < clock_timestamp() - interval '${keptCommits}'; `
      : ""
  try {
    session.execute(`${takeLocks}${prune}INSERT INTO recent_commits(commit_id) VALUES ('${id}'); COMMIT`)
    return id
  } catch (error) {
    if (!isDisconnected(error)) throw error
  }
  for (let attempt = 1; attempt <= lookUps; attempt++) {
    try {
      session.reconnect()
      session.execute(begin)
      const { values } = session.execute(`SELECT count(*) FROM recent_commits WHERE commit_id = '${id}'`)
      session.execute("COMMIT")
      if (values[0] === 1) return id
      throw new Failed(`database ${name}`, "went away before this was recorded; try again")
    } catch (error) {
      if (error instanceof Failed || attempt === lookUps) throw error
      Bun.sleepSync(lookUpEveryMs)
    }
  }
  throw new Failed(`database ${name}`, "went away, and whether this was recorded is not known")
}

/** After a failure; a lost connection has rolled back by itself. */
function rollBack(session: Session): void {
  try {
    session.execute("ROLLBACK")
  } catch (error) {
    if (!isDisconnected(error) && !/connection/.test(String(error))) throw error
  }
}

function explaining<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explained(name, error)
  }
}

function* toRows<Row>({ columns, values }: Rows): Generator<Row> {
  const width = columns.length
  for (let at = 0; at < values.length; at += width) {
    const row: Record<string, string | number | null> = {}
    for (let column = 0; column < width; column++)
      row[columns[column] as string] = values[at + column] ?? null
    yield row as Row
  }
}

function bound(names: string[] | null, params: readonly unknown[]): (string | null)[] {
  if (names === null) return params.map((value) => textOf(value as SqlValue))
  const object = params[0] as Record<string, SqlValue>
  return names.map((name) => {
    if (!(name in object)) throw new TypeError(`parameter ${name} is missing`)
    return textOf(object[name] as SqlValue)
  })
}

function textOf(value: SqlValue | undefined): string | null {
  if (value === null) return null
  if (value === undefined) throw new TypeError("a parameter is undefined")
  if (typeof value === "boolean") return value ? "1" : "0"
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`
  return String(value)
}
