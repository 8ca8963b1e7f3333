/** The name of the object that holds a head of the chain: it says all, so that no object has to be read, nor can be written anew. */
import type { ChainPoint } from "./chain.ts"

export function anchorPrefix(course: string): string {
  return `audit/${course}/`
}

export function anchorKey(course: string, { rowNo, hash }: ChainPoint): string {
  return `${anchorPrefix(course)}${String(rowNo).padStart(12, "0")}-${hash}`
}

/** Null for an object of another name. */
export function anchorOf(course: string, key: string): ChainPoint | null {
  const prefix = anchorPrefix(course)
  const [, rowNo, hash] =
    (key.startsWith(prefix) && /^(\d{12})-([0-9a-f]{64})$/.exec(key.slice(prefix.length))) || []
  return rowNo === undefined || hash === undefined ? null : { rowNo: Number(rowNo), hash }
}
