/**
 * What a listing was asked for, held against its answer. An endpoint that does not know a filter, or leaves it out, must not make
 * somebody else's things those of the caller: whoever owns what is judged by what AWS shows, never by the question.
 */
import type { Beginning } from "../interfaces.ts"

/** Values that were asked for, absent where they do not restrict, and what the item has. */
type Asked = [wanted: readonly (string | Beginning)[] | undefined, found: string]

export function isAskedFor(
  asked: readonly Asked[],
  tags: Record<string, string> | undefined,
  found: Record<string, string>,
): boolean {
  return (
    asked.every(([wanted, value]) => wanted === undefined || wanted.some((one) => isOne(one, value))) &&
    Object.entries(tags ?? {}).every(([key, value]) => found[key] === value)
  )
}

function isOne(wanted: string | Beginning, value: string): boolean {
  return typeof wanted === "string" ? wanted === value : value.startsWith(wanted.beginning)
}
