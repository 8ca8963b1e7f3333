/** What a database consists of, by each engine's own catalog. */
import type { Db } from "./db.ts"

export interface Column {
  name: string
  isNumber: boolean
}

/** In the order in which they were made: what is referred to comes first. */
export function tablesOf(db: Db): string[] {
  const sql =
    db.engine === "sqlite"
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY rowid"
      : `SELECT relname AS name FROM pg_class
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind = 'r' ORDER BY oid`
  return db
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name)
}

export function columnsOf(db: Db, table: string): Column[] {
  const sql =
    db.engine === "sqlite"
      ? "SELECT name, type FROM pragma_table_info(?)"
      : `SELECT column_name AS name, data_type AS type FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position`
  return db
    .query<{ name: string; type: string }, [string]>(sql)
    .all(table)
    .map(({ name, type }) => ({ name, isNumber: /int|real|double|bool|num/i.test(type) }))
}

/** After rows were inserted with numbers of their own, where the engine's next number comes from. SQLite looks for itself. */
export function continueNumbers(db: Db, table: string): void {
  if (db.engine === "sqlite") return
  const numbered = db
    .query<{ name: string }, [string]>(
      `SELECT column_name AS name FROM information_schema.columns
       WHERE table_schema = current_schema() AND table_name = ? AND is_identity = 'YES'`,
    )
    .all(table)
  for (const { name } of numbered)
    db.query(
      `SELECT setval(pg_get_serial_sequence(current_schema() || '.${table}', '${name}'), coalesce(max("${name}"), 0) + 1, false)
       FROM ${table}`,
    ).get()
}
