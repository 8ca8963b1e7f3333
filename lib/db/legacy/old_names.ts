/**
 * Names in the old tables, where nothing ever held anybody to text: they may be NULL, bytes, or text of which no string can be
 * made. A name and the same bytes are one.
 */

/** A name to ask by; bytes where it has to be told from others that look alike. */
export type NameKey = string | Uint8Array

/** A condition that an index can serve. */
export function isNamed(column: string, parameter: number): string {
  return `${column} IN (CAST(?${parameter} AS TEXT), CAST(?${parameter} AS BLOB))`
}

/** A column's text, "" for none. */
export function textIn(column: string): string {
  return `coalesce(CAST(${column} AS TEXT), '')`
}
