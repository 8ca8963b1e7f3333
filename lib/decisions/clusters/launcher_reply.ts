/** What ec2-run answered, read as strictly as what comes from anywhere else: what it launched must not be lost in a misreading. */
import * as v from "valibot"
import type { LaunchProtocolReply } from "../../base/launch_protocol.ts"

const text = v.nullish(v.string(), "")

const launched = v.object({
  ids: v.array(v.string()),
  instances: v.optional(
    v.array(v.object({ id: v.string(), private_ip: text, private_dns: text, zone: text })),
  ),
  hourly_cost: v.optional(v.number(), 0),
  lease_end: v.nullish(v.string(), null),
  worst_case: v.optional(v.number()),
  left: v.optional(
    v.object({
      hourly_cost: v.number(),
      instances: v.number(),
      budget: v.nullable(v.number()),
      course_budget: v.nullable(v.number()),
    }),
  ),
  notes: v.optional(v.array(v.string())),
})
const failed = v.object({ error: v.object({ code: v.string(), message: v.string() }) })
const old = v.array(v.string())

/** The reply; the ids alone where ec2-run is one that knows no protocol 2; null where it is neither. */
export function readLauncherReply(stdout: string): LaunchProtocolReply | string[] | null {
  let value: unknown
  try {
    value = JSON.parse(stdout)
  } catch {
    return null
  }
  const read = v.safeParse(v.union([failed, launched, old]), value)
  return read.success ? (read.output as LaunchProtocolReply | string[]) : null
}
