/**
 * The seam between the stores and the database engine: SQLite (sqlite.ts) or PostgreSQL. Stores write each statement once, in
 * the subset that both engines read alike. The rules, which tests/db/sql_subset.test.ts holds the stores to:
 *
 * 1. Parameters are `?`, `?1` (never both in one statement) or `$name` with one object. A parameter that stands alone, such as
 *    `?1 IS NULL`, has no type: write CAST(?1 AS TEXT).
 * 2. An alias with a capital letter is quoted: `created_at_utc_ms AS "createdAtUtcMs"`.
 * 3. Name the columns of an INSERT, leave out the number that the engine gives, and ask for it with RETURNING.
 * 4. `ON CONFLICT (…) DO UPDATE SET a = excluded.a` or `ON CONFLICT DO NOTHING`; never INSERT OR REPLACE or OR IGNORE. In the
 *    update, name the table of an old value: `count = usage_days.count + 1`. After a SELECT, write WHERE true before ON CONFLICT.
 * 5. `CASE` instead of iif(); least() and greatest() below instead of min() and max() of two values.
 * 6. `a IS NOT DISTINCT FROM b` instead of `a IS b`. A flag is an INTEGER 0 or 1: write `is_spot <> 0`, not `is_spot`.
 * 7. A SELECT in FROM has a name. A SELECT with GROUP BY names only grouped columns and aggregates.
 * 8. An order that matters has its own ORDER BY, ending in a unique column.
 * 9. No pragma, rowid, INDEXED BY, typeof, date function or LIKE. The legacy stores may use julianday() and old_names.ts.
 * 10. Inside a transaction a failing statement ends the whole transaction: check first, never catch and go on.
 *
 * Schema steps: see Step in migrate.ts.
 */

/** What a parameter may be. A boolean counts as 0 or 1. */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array

/** One statement. `Params` lists its values; an object fills `$name` parameters. */
export interface Query<Row, Params extends unknown[]> {
  get(...params: Params): Row | null
  all(...params: Params): Row[]
  /** `changes`: how many rows were inserted, updated or deleted. */
  run(...params: Params): { changes: number }
  /** Row by row, for results that may be large. */
  iterate(...params: Params): IterableIterator<Row>
}

/** Locks of a server that last as long as the connection. */
export interface SessionLocks {
  /** False where another connection, or this one, has it. */
  tryTake(name: string): boolean
  /** Takes it with the COMMIT of the transaction that runs. */
  takeAtCommit(name: string): void
  /** False once the connection that it was taken on was lost. */
  isMine(name: string): boolean
  release(name: string): void
  /** Of these, the ones that some connection has. */
  held(names: readonly string[]): Set<string>
}

export interface Db {
  readonly engine: "sqlite" | "postgres"
  /** For errors: the file's path, or where the server is. */
  readonly name: string
  query<Row = unknown, Params extends unknown[] | object = (SqlValue | Record<string, SqlValue>)[]>(
    sql: string,
  ): Query<Row, Params extends unknown[] ? Params : [Params]>
  /** Runs statements without parameters and without results, separated by semicolons. */
  exec(sql: string): void
  hasTable(name: string): boolean
  /**
   * Runs `work` in one transaction that no other writer of the database runs beside. `work` is synchronous. Throws what `work`
   * throws, after everything was taken back, and Failed where the engine fails.
   *
   * `expected` calls the reads that `work` will probably make. A server is asked for all of them at once, while it takes the lock:
   * there each round trip holds up the course. They return no rows while they are collected, so `expected` must not write, and must
   * take no rows for an answer.
   */
  transaction<T>(work: () => T, expected?: () => void): T
  /** Like `transaction`, but locks nobody out: for reads of one moment, and for this connection's temporary tables. */
  withoutLock<T>(work: () => T): T
  /** Absent on SQLite, which one host uses: there files are locked. */
  readonly locks?: SessionLocks
  close(): void
}

/** The smaller of two SQL expressions; NULL where the first one is NULL, the first one where the second one is. */
export function least(first: string, second: string): string {
  return `(CASE WHEN ${first} > ${second} THEN ${second} ELSE ${first} END)`
}

/** The larger of two SQL expressions; NULL where the first one is NULL, the first one where the second one is. */
export function greatest(first: string, second: string): string {
  return `(CASE WHEN ${first} < ${second} THEN ${second} ELSE ${first} END)`
}
