/** All rows of one ledger into another, on whichever engines, and the proof that they arrived. */
import { Failed } from "../base/errors.ts"
import { type Column, columnsOf, continueNumbers, tablesOf } from "./catalog.ts"
import type { Db, SqlValue } from "./db.ts"

type Row = Record<string, SqlValue>

/** What belongs to one database and not to the ledger. */
const own = new Set(["schema_migrations", "ledger_lock", "recent_commits"])
/** SQLite's counter of rows, which PostgreSQL's access_keys has as a column: their order. */
const rowOrder = "rowid"
const rowsAtOnce = 100

/** Where SQLite's old tables may hold what people wrote by hand, PostgreSQL's hold numbers. */
const numbers: Record<string, Record<string, string>> = {
  instances: {
    start_time: "julianday(start_time)",
    end_time: "julianday(end_time)",
    is_spot: "CAST(is_spot AS INTEGER)",
  },
  pending_spot_requests: { request_time: "julianday(request_time)" },
}

/**
 * Copies every table but the rows of `without`, which are left empty; inside a transaction of `to`, whose rows it replaces. Parents come before what refers to them, as the schema's steps
 * made them. Throws Failed where a row cannot be kept by the other engine, or the sums of a table differ afterwards.
 */
export function copyRows(
  from: Db,
  to: Db,
  without: readonly string[] = [],
): { table: string; rows: number }[] {
  const tables = tablesOf(from).filter((table) => !own.has(table))
  const missing = tables.filter((table) => !to.hasTable(table))
  if (missing.length > 0) throw new Failed(`database ${to.name}`, `lacks the tables ${missing.join(", ")}`)
  return tables.map((table) => {
    to.query(`DELETE FROM ${table}`).run()
    if (without.includes(table)) return { table, rows: 0 }
    const rows = copyTable(from, to, table)
    continueNumbers(to, table)
    compare(from, to, table)
    return { table, rows }
  })
}

function copyTable(from: Db, to: Db, table: string): number {
  const columns = columnsOf(to, table)
    .map(({ name }) => name)
    .filter((name) => name !== rowOrder)
  const shown = columns.map((column) =>
    from.engine === "sqlite" && numbers[table]?.[column]
      ? `${numbers[table][column]} AS ${quoted(column)}`
      : quoted(column),
  )
  const order = table === "access_keys" ? ` ORDER BY ${rowOrder}` : ""
  let batch: Row[] = []
  let count = 0
  const flush = () => {
    if (batch.length === 0) return
    const places = batch.map(() => `(${columns.map(() => "?").join(", ")})`).join(", ")
    const values = batch.flatMap((row) =>
      columns.map((column) => kept(to, table, column, row[column] ?? null)),
    )
    to.query(`INSERT INTO ${table}(${columns.map(quoted).join(", ")}) VALUES ${places}`).run(...values)
    count += batch.length
    batch = []
  }
  for (const row of from.query<Row, []>(`SELECT ${shown.join(", ")} FROM ${table}${order}`).iterate()) {
    batch.push(row)
    if (batch.length === rowsAtOnce) flush()
  }
  flush()
  return count
}

/** Bytes that somebody left in a column of text are text, if they are that. */
function kept(to: Db, table: string, column: string, value: SqlValue): SqlValue {
  if (to.engine === "sqlite") return value
  const refuse = (what: string) =>
    new Failed(
      `copy ${table}`,
      `a row's ${column} holds ${what}, which PostgreSQL cannot keep; correct it first`,
    )
  if (value instanceof Uint8Array) {
    try {
      return kept(to, table, column, new TextDecoder("utf-8", { fatal: true }).decode(value))
    } catch (error) {
      throw error instanceof Failed ? error : refuse("bytes that are no text")
    }
  }
  if (typeof value === "string" && value.includes("\0")) throw refuse("a NUL")
  return value
}

/** The number of rows, and for each column the sum of its numbers, or of the lengths of its texts. */
function compare(from: Db, to: Db, table: string): void {
  const columns = columnsOf(to, table).filter(({ name }) => name !== rowOrder)
  for (const column of [{ name: "*", isNumber: true }, ...columns]) {
    const [before, after] = [sumOf(from, table, column), sumOf(to, table, column)]
    if (Math.abs(before - after) > 1e-9 * Math.abs(before))
      throw new Failed(
        `copy ${table}`,
        `${column.name} came to ${before} before and to ${after} after; nothing was copied`,
      )
  }
}

function sumOf(db: Db, table: string, { name, isNumber }: Column): number {
  const sum =
    name === "*"
      ? "count(*)"
      : isNumber
        ? `sum(${numbers[table]?.[name] ?? quoted(name)})`
        : `sum(length(CAST(${quoted(name)} AS TEXT)))`
  return db.query<{ n: number | null }, []>(`SELECT ${sum} AS n FROM ${table}`).get()?.n ?? 0
}

const quoted = (column: string) => `"${column}"`

export function countRows(db: Db, table: string): number {
  return db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0
}

/** In a transaction that copies, which may take longer than any other. */
export function liftTimeouts(db: Db): void {
  if (db.engine === "postgres")
    db.exec("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0")
}
