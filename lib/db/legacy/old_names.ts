/**
 * Names in the old tables. SQLite never held anybody to text: they may be NULL, bytes, or text of which no string can be made. A
 * name and the same bytes are one. PostgreSQL's tables hold nothing but text.
 */
import type { Db } from "../db.ts"

/** A name to ask by; bytes where it has to be told from others that look alike. */
export type NameKey = string | Uint8Array

/** A column's text, "" for none. */
export function textIn(column: string): string {
  return `coalesce(CAST(${column} AS TEXT), '')`
}

/** SQL that differs by engine because SQLite's old tables hold names of any type. */
export function oldNames({ engine }: Pick<Db, "engine">) {
  const isText = engine === "postgres"
  return {
    /** A condition that an index can serve. */
    isNamed: (column: string, parameter: number): string =>
      isText
        ? `${column} = CAST(?${parameter} AS TEXT)`
        : `${column} IN (CAST(?${parameter} AS TEXT), CAST(?${parameter} AS BLOB))`,
    /** A column as a NameKey. */
    keyIn: (column: string): string => (isText ? column : `CAST(${column} AS BLOB)`),
    /** Whether a time is text: somebody mended the row by hand. */
    isTextual: (column: string): string => (isText ? "FALSE" : `typeof(${column}) = 'text'`),
  }
}
