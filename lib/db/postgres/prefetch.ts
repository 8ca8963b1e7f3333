/**
 * Reads that a transaction will make, asked for in one round trip. First they are collected: every read returns no rows and is noted. Then
 * they are answered from what came back, until the transaction writes.
 */
import type { Rows } from "./addon.ts"

export interface Statement {
  sql: string
  params: (string | null)[]
}

/** Tables that no trigger, view or cascade leads on from: an admission writes these before it has read all. */
const independent = new Set([
  ...["usage_days", "usage_sums", "old_usage_days", "old_usage_lines", "old_usage_sums"],
  ...["reservations", "client_tokens", "agreed_config", "audit_rows"],
])

const noRows: Rows = { columns: [], values: [], changes: 0 }

export class Prefetch {
  #collected: Map<string, Statement> | null = null
  readonly #answers = new Map<string, Rows>()

  /** The statements that `expected` makes; whatever it throws for want of rows is of no interest. */
  collect(expected: () => void): Statement[] {
    this.#collected = new Map()
    try {
      expected()
    } catch {
      // What it would have read after this is read when it is needed.
    }
    const statements = [...this.#collected.values()]
    this.#collected = null
    return statements
  }

  keep(statements: readonly Statement[], rows: readonly Rows[]): void {
    statements.forEach((statement, index) => {
      this.#answers.set(keyOf(statement), rows[index] ?? noRows)
    })
  }

  /** What is known of a read, or null where the server has to be asked. A write while reads are collected does nothing. */
  answer(statement: Statement, isRead: boolean): Rows | null {
    if (this.#collected) {
      if (isRead) this.#collected.set(keyOf(statement), statement)
      return noRows
    }
    if (!isRead) this.#written(statement.sql)
    return this.#answers.get(keyOf(statement)) ?? null
  }

  /** What was read may be otherwise from now on. */
  forget(): void {
    this.#answers.clear()
  }

  /** Of a table that nothing else follows from, only what names it is read anew. */
  #written(sql: string): void {
    const [, table = ""] = /^\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)/.exec(sql) ?? []
    const isIndependent = independent.has(table)
    const names = new RegExp(`\\b${table}\\b`)
    for (const key of this.#answers.keys()) if (!isIndependent || names.test(key)) this.#answers.delete(key)
  }
}

function keyOf({ sql, params }: Statement): string {
  return JSON.stringify([sql, params])
}
