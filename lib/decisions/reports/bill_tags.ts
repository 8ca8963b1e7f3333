/** The owner and the course of a row of AWS's bill, from its tags: exports write these in half a dozen ways. */
import { tagOf } from "../../base/instance.ts"

export interface BilledTags {
  /** "" where the bill has no such tag, or the tag is not activated for billing. */
  owner: string
  course: string
}

/** `user:ec2-wrappers:owner`, `user_ec2_wrappers_owner`, `resourceTags/user_ec2_wrappers_owner` are one name. */
function plainName(key: string): string {
  return key
    .toLowerCase()
    .replace(/^resource_?tags[/_]/, "")
    .replace(/^user[:_]/, "")
    .replace(/\W/g, "_")
}

const ownerName = plainName(tagOf.owner)
const courseName = plainName(tagOf.course)

/**
 * Which columns hold the two tags, each by itself, and which hold all tags as a map. The names are lower case:
 * `resourcetags/user:ec2-wrappers:owner` (CUR 1), `resource_tags_user_ec2_wrappers_owner` (Athena), `resource_tags` and `tags`
 * (CUR 2.0), `tags` (FOCUS).
 */
export function tagColumns(columns: readonly string[]): (row: Record<string, string>) => BilledTags {
  const own = (name: string) => columns.filter((column) => plainName(column) === name)
  const [ownerColumns, courseColumns] = [own(ownerName), own(courseName)]
  const maps = columns.filter((column) => column === "tags" || column === "resource_tags")
  return (row) => {
    const tags = maps.flatMap((column) => pairsIn(row[column] ?? ""))
    const find = (name: string, named: string[]) =>
      named.map((column) => row[column]).find((value) => value) ??
      tags.find(([key, value]) => value !== "" && plainName(key) === name)?.[1] ??
      ""
    return { owner: find(ownerName, ownerColumns), course: find(courseName, courseColumns) }
  }
}

/** `{"key": "value"}`, JSON's list of key and value, or Athena's `{key=value, key2=value2}`. */
function pairsIn(text: string): [key: string, value: string][] {
  const trimmed = text.trim()
  if (trimmed === "" || trimmed === "{}") return []
  try {
    const parsed: unknown = JSON.parse(trimmed)
    if (Array.isArray(parsed))
      return parsed.flatMap((pair: Record<string, unknown>) => {
        const [key, value] = [pair?.key ?? pair?.Key, pair?.value ?? pair?.Value]
        return typeof key === "string" && typeof value === "string" ? [[key, value] as [string, string]] : []
      })
    return Object.entries(parsed ?? {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === "string",
    )
  } catch {
    return mapForm(trimmed)
  }
}

/** A value may hold a comma; a new pair begins only where a comma and a blank come before a name and `=`. */
function mapForm(text: string): [key: string, value: string][] {
  if (!text.startsWith("{") || !text.endsWith("}")) return []
  return text
    .slice(1, -1)
    .split(/, (?=[^\s=,]+=)/)
    .flatMap((pair) => {
      const at = pair.indexOf("=")
      return at < 1 ? [] : [[pair.slice(0, at), pair.slice(at + 1)] as [string, string]]
    })
}
