/** The form of config.toml; every table refuses keys that it does not know. */
import { distance } from "fastest-levenshtein"
import * as v from "valibot"
import { messageTopics } from "../../decisions/messages/staff_message.ts"
import { reasonOf } from "./config_reasons.ts"
import { configValues } from "./config_values.ts"

const { text, name, names, absolutePath, amount, positive, count, price, priced, httpUrl } = configValues
const { globs, instanceType } = configValues
const { instant, tagKey, tagValue, courseName, perLogin, network, unixUser } = configValues

const limits = {
  max_hourly_cost: amount,
  max_instances: count,
  max_storage_gib: count,
  instance_types: globs,
  images: names,
  budget: amount,
}

const credentialMode = v.picklist(["keys", "sessions"])
const identityOfUser = { credentials: credentialMode }

const assignment = { start: instant, end: instant }

const bucketName = v.pipe(name, v.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is not an S3 bucket name"))
const region = v.pipe(name, v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not a region such as us-east-1"))

const optional = <T extends v.ObjectEntries>(entries: T) => v.partial(v.strictObject(entries))

const configSchema = v.strictObject({
  course: v.strictObject({
    name: courseName,
    accounts: v.optional(globs, []),
    staff: v.optional(globs, []),
    iam_group: v.optional(
      v.pipe(name, v.regex(/^[\w+=,.@-]{1,128}$/, "is not an IAM group name")),
      "students",
    ),
    bucket: v.optional(bucketName),
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
  reports: v.optional(optional({ html_dir: absolutePath, web_server: name }), {}),
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
      region,
      regions: v.array(region),
      endpoint: httpUrl,
      credentials: v.picklist(["file", "default"]),
      proxy: httpUrl,
      ca_file: absolutePath,
    }),
    {},
  ),
  audit: v.optional(
    optional({
      bucket: bucketName,
      bucket_region: region,
      bucket_owner: v.pipe(v.string(), v.regex(/^\d{12}$/, "is not the 12 digits of an account id")),
      retain_days: v.pipe(positive, v.maxValue(36_500, "is more than 36500")),
    }),
    {},
  ),
  limits: v.optional(
    optional({
      ...limits,
      course_budget: amount,
      warn_percent: v.array(
        v.pipe(positive, v.integer("is not a whole number"), v.maxValue(100, "is more than 100")),
      ),
      users: perLogin(optional(limits)),
      sections: v.record(name, optional(limits)),
    }),
    {},
  ),
  notify: v.optional(
    optional({
      about: v.array(v.picklist(messageTopics)),
      webhooks_file: absolutePath,
      mail: names,
      digest_hour: v.pipe(count, v.maxValue(23, "is more than 23")),
    }),
    {},
  ),
  roster: v.optional(optional({ drop_days: amount }), {}),
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
      fallback: v.record(
        instanceType,
        v.pipe(v.array(instanceType), v.maxLength(7, "has more than 7 types")),
      ),
      subnet: text,
      security_groups: names,
      ssh_from: v.array(network),
      user: unixUser,
      subnets: names,
      ssm_parameters: names,
      instance_profiles: names,
      without_cloud_init: names,
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
  const own = /^limits\.(users|sections)\..+\.$/.test(table)
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
