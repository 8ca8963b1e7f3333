/** What is wrong with a value of the config, in words. */
import { TomlDate } from "smol-toml"
import type * as v from "valibot"

export function reasonOf(issue: v.BaseIssue<unknown>): string {
  const { kind, type, message, input, expected } = issue
  if (kind === "schema" && issue.received === "undefined") return "is missing"
  if (type === "check" || type === "non_empty") return message
  if (type === "custom") return `is ${shown(issue)}, ${message}`
  if (!message.startsWith("Invalid")) return `${issue.received} ${message}`
  const wanted = expected === "Array" ? "a list" : expected === "Object" ? "a table" : expected
  return `is ${shown({ input, received: issue.received })}, wanted ${wanted ?? message}`
}

function shown({ input, received }: Pick<v.BaseIssue<unknown>, "input" | "received">): string {
  if (Array.isArray(input)) return "a list"
  if (input instanceof TomlDate) return input.isTime() ? "a time" : "a date"
  return typeof input === "object" ? "a table" : received
}
