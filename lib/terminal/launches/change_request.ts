/** ec2_active's options as the change that they ask for, judged before AWS is asked anything. */
import { UsageError } from "../../base/errors.ts"
import { didYouMean } from "../../base/nearest.ts"
import { quoted } from "../../base/text.ts"
import { parseDuration } from "../../base/time.ts"
import type { Change } from "../../operations/launches/change.ts"

/** The options that change something. */
export interface ChangeOptions {
  ids: string[]
  terminate: boolean
  "terminate-all": boolean
  "cancel-spot-requests": boolean
  stop: boolean
  start: boolean
  together: boolean
  extend: boolean
  delete: boolean
}

const changing = [
  "terminate-all",
  "cancel-spot-requests",
  "terminate",
  "stop",
  "start",
  "extend",
  "delete",
] as const

/** Null where the options change nothing. Throws UsageError for two changes at once, and for malformed ids or durations. */
export function changeAsked(options: ChangeOptions): Change | null {
  const { ids } = options
  const asked = changing.filter((name) => options[name])
  // the old tool took both of these at once, and the first does the second's work
  const [first, second] = asked.filter((name) => name !== "cancel-spot-requests" || asked.length === 1)
  if (second !== undefined) throw new UsageError("options", `--${first} and --${second} exclude each other`)
  if (options.together && first !== "start") throw new UsageError("options", "--together needs --start")
  switch (first) {
    case "terminate":
    case "stop":
      return { kind: first, ids: instanceIds(ids) }
    case "start":
      return { kind: "start", ids: instanceIds(ids), together: options.together }
    case "extend":
      return { kind: "extend", byMs: durationOf(ids.at(-1) ?? ""), ids: instanceIds(ids.slice(0, -1)) }
    case "delete":
      return { kind: "delete", ids: storageIds(ids) }
    default:
      if (ids[0] !== undefined)
        throw new UsageError(
          "arguments",
          `unexpected argument ${quoted(ids[0])}${didYouMean(ids[0], changing, "--")}`,
        )
      if (first === undefined) return null
      return { kind: first === "terminate-all" ? "terminate all" : "cancel spot requests" }
  }
}

function instanceIds(ids: readonly string[]): readonly string[] {
  if (ids.length === 0) throw new UsageError("arguments", "no instance is named (i-...)")
  const wrong = ids.find((id) => !/^i-[0-9a-f]{1,32}$/.test(id))
  if (wrong !== undefined) throw new UsageError("arguments", `${quoted(wrong)} is no instance id`)
  return ids
}

function storageIds(ids: readonly string[]): readonly string[] {
  if (ids.length === 0) throw new UsageError("arguments", "nothing is named (vol-... snap-...)")
  const wrong = ids.find((id) => !/^(vol|snap)-[0-9a-f]{8,32}$/.test(id))
  if (wrong !== undefined)
    throw new UsageError("arguments", `${quoted(wrong)} is not the id of a volume or snapshot`)
  return ids
}

function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms !== null) return ms
  throw new UsageError(
    "arguments",
    `--extend ID... DURATION: ${quoted(text)} is no duration such as 2h or 90m`,
  )
}
