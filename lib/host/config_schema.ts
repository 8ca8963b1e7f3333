/** The form of config.toml. DESIGN.md fixes the keys; every table refuses keys it does not know. */
import * as v from "valibot"
import { loginPattern } from "../base/login.ts"

const text = v.pipe(v.string(), v.regex(/^[^\p{Cc}]*$/u, "contains control characters"))
const name = v.pipe(text, v.nonEmpty("is empty"))
const names = v.array(name)
const absolutePath = v.pipe(name, v.regex(/^\//, "is not an absolute path"))
const amount = v.pipe(
  v.number(),
  v.finite(),
  v.minValue(0, "is negative"),
  v.maxValue(1e9, "is larger than 1000000000"),
)
const positive = v.pipe(amount, v.gtValue(0, "is not more than 0"))
const count = v.pipe(
  v.number(),
  v.integer("is not a whole number"),
  v.minValue(0, "is negative"),
  v.maxValue(100_000),
)
const httpUrl = v.pipe(
  name,
  v.regex(/^https?:\/\/[^\s@]+$/, "is not an http:// or https:// address without credentials"),
)
/** A TOML date or date-time, or the same as a string; dates are UTC days. */
const instant = v.union([
  v.date(),
  v.pipe(v.string(), v.isoDate("is no date")),
  v.pipe(v.string(), v.isoTimestamp("is no date")),
])

/** IAM paths and S3 buckets take it, and so do tag values. */
const courseName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, "is not 1 to 63 letters, digits, dots and dashes"),
)

const limits = {
  max_hourly_cost: amount,
  max_instances: count,
  instance_types: names,
  images: names,
  budget: amount,
}

const optional = <T extends v.ObjectEntries>(entries: T) => v.partial(v.strictObject(entries))

const configSchema = v.strictObject({
  course: v.strictObject({
    name: courseName,
    accounts: v.optional(names, []),
    staff: v.optional(names, []),
    iam_group: v.optional(
      v.pipe(name, v.regex(/^[\w+=,.@-]{1,128}$/, "is not an IAM group name")),
      "students",
    ),
    bucket: v.optional(
      v.pipe(name, v.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is not an S3 bucket name")),
    ),
    term_start: v.optional(instant),
  }),
  paths: v.optional(
    optional({
      data_dir: absolutePath,
      audit_log: absolutePath,
      user_db: absolutePath,
      usage_db: absolutePath,
      root_access_key: absolutePath,
    }),
    {},
  ),
  aws: v.optional(
    optional({
      region: v.pipe(name, v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not a region such as us-east-1")),
      regions: v.array(v.pipe(name, v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not a region such as us-east-1"))),
      endpoint: httpUrl,
      credentials: v.picklist(["file", "default"]),
      proxy: httpUrl,
      ca_file: absolutePath,
    }),
    {},
  ),
  limits: v.optional(
    optional({
      ...limits,
      course_budget: amount,
      users: v.record(v.pipe(v.string(), v.regex(loginPattern, "is not a login")), optional(limits)),
    }),
    {},
  ),
  leases: v.optional(
    optional({
      default_hours: positive,
      max_hours: positive,
      warn_minutes: v.array(positive),
      action: v.picklist(["terminate", "stop"]),
      stopped_hours: amount,
      enforcement_minutes: amount,
      enforce: v.boolean(),
      scheduler_role: v.pipe(
        name,
        v.regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, "is not the ARN of a role"),
      ),
    }),
    {},
  ),
  billing: v.optional(
    optional({
      granularity: v.picklist(["second", "hour"]),
      minimum_seconds: amount,
      pending_seconds: amount,
    }),
    {},
  ),
  prices: v.optional(optional({ spot_factor: amount, on_demand: v.record(v.string(), amount) }), {}),
  launch: v.optional(
    optional({
      image: text,
      instance_type: text,
      subnet: text,
      security_groups: names,
      subnets: names,
      ssm_parameters: names,
      instance_profiles: names,
      placement_groups: names,
      max_root_gib: positive,
    }),
    {},
  ),
  /** Date ranges with a name, for `usage_report`. A date as `end` includes that day. */
  assignments: v.optional(v.record(name, v.strictObject({ start: instant, end: instant })), {}),
})

export type ConfigFile = v.InferOutput<typeof configSchema>

/** Why a value does not have the form, one line about the first thing that is wrong; or the value with its defaults. */
export function checkConfig(
  value: unknown,
): { config: ConfigFile } | { key: string; unknown: boolean; reason: string } {
  const result = v.safeParse(configSchema, value, { abortEarly: true })
  if (result.success) return { config: result.output }
  const [issue] = result.issues
  const key = (issue.path ?? []).map((item) => String(item.key)).join(".")
  const isUnknown = issue.type === "strict_object" && issue.expected === "never"
  return { key, unknown: isUnknown, reason: isUnknown ? "unknown key" : reasonOf(issue) }
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === "schema" && issue.received === "undefined") return "is missing"
  if (!issue.message.startsWith("Invalid")) return `${issue.received} ${issue.message}`
  return `is ${issue.received}, wanted ${issue.expected ?? issue.message}`
}

/** Every key that exists, dotted, for naming the nearest one. */
export function knownKeys(): string[] {
  const tables = Object.entries(configSchema.entries).map(
    ([table, schema]) => [table, entriesOf(schema)] as const,
  )
  return tables.flatMap(([table, entries]) => [table, ...entries.map((key) => `${table}.${key}`)])
}

function entriesOf(schema: unknown): string[] {
  const { wrapped, entries } = schema as { wrapped?: unknown; entries?: object }
  if (wrapped) return entriesOf(wrapped)
  return entries ? Object.keys(entries) : []
}
