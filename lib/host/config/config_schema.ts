/** The form of config.toml; every table refuses keys that it does not know. */
import { distance } from "fastest-levenshtein"
import { TomlDate } from "smol-toml"
import * as v from "valibot"
import { isReservedTagKey } from "../../base/instance.ts"
import { loginPattern, loginRule, sameButForCase } from "../../base/login.ts"
import { microUsdPerUsd } from "../../base/money.ts"
import { reasonOf } from "./config_reasons.ts"

const text = v.pipe(v.string(), v.regex(/^[^\p{Cc}]*$/u, "contains control characters"))
const name = v.pipe(text, v.nonEmpty("is empty"))
const names = v.array(name)
const absolutePath = v.pipe(name, v.regex(/^\//, "is not an absolute path"))
const amount = v.pipe(
  v.number(),
  v.finite("is not finite"),
  v.minValue(0, "is negative"),
  v.maxValue(1e9, "is larger than 1000000000"),
)
const positive = v.pipe(amount, v.gtValue(0, "is not more than 0"))
const count = v.pipe(
  v.number(),
  v.integer("is not a whole number"),
  v.minValue(0, "is negative"),
  v.maxValue(100_000, "is larger than 100000"),
)
/** Zero is a price that staff can mean; what is rounded to it is not. */
const price = v.pipe(
  amount,
  v.check((usd) => usd === 0 || usd * microUsdPerUsd >= 1, "is less than a micro-dollar"),
)
const priced = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9-]*\.[a-z0-9-]+(\/RunInstances(:\w+)?)?$/,
    "is not an instance type such as m5.large, or m5.large/RunInstances:0002",
  ),
)
// A check, whose message comes without the value: it may hold a password.
const httpUrl = v.pipe(
  name,
  v.check(
    (url) => /^https?:\/\/[^\s@]+$/.test(url) && URL.canParse(url),
    "is not an http:// or https:// address without credentials",
  ),
)
/** A TOML date or date-time, or the same as a string; dates are UTC days. */
const instant = v.pipe(
  v.custom<TomlDate | string>(isInstant, "wanted a date such as 2026-08-20 or 2026-08-20T09:00:00Z"),
  v.transform((value) => (typeof value === "string" ? new TomlDate(value) : value)),
)

function isInstant(value: unknown): boolean {
  const date = typeof value === "string" ? new TomlDate(value) : value
  if (!(date instanceof TomlDate) || !date.isValid() || date.isTime()) return false
  return typeof value !== "string" || date.toISOString().startsWith(value.slice(0, 10)) // 30 February is 2 March
}

/** What EC2 and IAM both take: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html */
const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const tagKey = v.pipe(
  name,
  v.maxLength(128, "is longer than 128 characters"),
  v.regex(tagCharacters, "is not a key of a tag"),
  v.check((key) => !isReservedTagKey(key), "is in a namespace that AWS or these tools use"),
)
const tagValue = v.pipe(
  text,
  v.maxLength(256, "is longer than 256 characters"),
  v.regex(tagCharacters, "is not a value of a tag"),
)

/** IAM paths and S3 buckets take it, and so do tag values. */
const courseName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, "is not 1 to 63 letters, digits, dots and dashes"),
)

const limits = {
  max_hourly_cost: amount,
  max_instances: count,
  max_storage_gib: count,
  instance_types: names,
  images: names,
  budget: amount,
}

const credentialMode = v.picklist(["keys", "sessions"])
const identityOfUser = { credentials: credentialMode }

const assignment = { start: instant, end: instant }

const optional = <T extends v.ObjectEntries>(entries: T) => v.partial(v.strictObject(entries))

const perLogin = <T extends v.GenericSchema>(ofOne: T) =>
  v.pipe(
    v.record(v.pipe(v.string(), v.regex(loginPattern, `is not a login: ${loginRule}`)), ofOne),
    v.check(
      (users) => Object.keys(users).every((login, _, logins) => sameButForCase(login, logins) === null),
      "has two logins that differ in case only, which IAM takes for one",
    ),
  )

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
  identity: v.optional(
    optional({
      credentials: credentialMode,
      session_hours: v.pipe(
        v.number(),
        v.integer("is not a whole number"),
        v.minValue(1, "is less than 1"),
        v.maxValue(12, "is more than 12"),
      ),
      federation_endpoint: httpUrl,
      users: perLogin(v.strictObject(identityOfUser)),
    }),
    {},
  ),
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
  database: v.optional(
    v.strictObject({
      url: name,
      passfile: v.optional(absolutePath),
      sslcert: v.optional(absolutePath),
      sslkey: v.optional(absolutePath),
      sslrootcert: v.optional(absolutePath),
    }),
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
      users: perLogin(optional(limits)),
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
  prices: v.optional(optional({ spot_factor: amount, on_demand: v.record(priced, price) }), {}),
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
      product_codes: names,
      tags: v.record(tagKey, tagValue),
      max_root_gib: positive,
    }),
    {},
  ),
  /** Date ranges with a name, for `usage_report`. A date as `end` includes that day. */
  assignments: v.optional(
    v.record(
      name,
      v.pipe(
        v.strictObject(assignment),
        v.check(({ start, end }) => start <= end, "ends before it starts"),
      ),
    ),
    {},
  ),
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

/** The key that was meant by one that does not exist: of the same table, or of that name in another. */
export function nearestKey(key: string): string {
  const leaf = (dotted: string) => dotted.slice(dotted.lastIndexOf(".") + 1)
  const table = key.slice(0, -leaf(key).length)
  const own = /^limits\.users\..+\.$/.test(table)
    ? limits
    : /^identity\.users\..+\.$/.test(table)
      ? identityOfUser
      : /^assignments\.[^.]+\.$/.test(table)
        ? assignment
        : null
  const known = own ? Object.keys(own).map((name) => table + name) : knownKeys()
  const apart = (other: string) => Math.min(distance(key, other), distance(leaf(key), leaf(other)) + 1)
  return known.reduce((nearest, other) => (apart(other) < apart(nearest) ? other : nearest))
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
