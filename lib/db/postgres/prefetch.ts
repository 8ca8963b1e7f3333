/**
 * Reads that a transaction will make, asked for in one round trip. First they are collected: every read returns no rows and is noted. Then
 * they are answered from what came back, until the transaction writes.
 */
import type { Rows } from "./addon.ts"

export interface Statement {
  sql: string
  params: (string | null)[]
}

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
    if (!isRead) this.#answers.clear()
    return this.#answers.get(keyOf(statement)) ?? null
  }

  /** What was read may be otherwise from now on. */
  forget(): void {
    this.#answers.clear()
  }
}

function keyOf({ sql, params }: Statement): string {
  return JSON.stringify([sql, params])
}
