/**
 * What a caller asks ec2_runner for, read from the old options, the old JSON, or protocol 2 into one form. Nothing here is
 * allowed yet; it is only well-formed.
 */
import * as v from "valibot"
import { UsageError } from "../../base/errors.ts"
import { type MicroUsd, microUsd, microUsdPerUsd } from "../../base/money.ts"
import { quoted } from "../../base/text.ts"
import { msPerMinute } from "../../base/time.ts"

export interface LaunchOrder {
  protocol: 1 | 2
  /** "" for the config's default, as with the type. */
  image: string
  instanceType: string
  count: number
  keyName: string
  zone: string | null
  placementGroup: string | null
  subnet: string | null
  /** Names or ids; empty: the config's. */
  securityGroups: string[]
  /** Decoded. */
  userData: Uint8Array | null
  spot: boolean
  maxPrice: MicroUsd | null
  leaseMs: number | null
  rootGib: number | null
  instanceProfile: string | null
  tags: Record<string, string>
  cluster: { name: string; roles: string[] } | null
  clientToken: string | null
  dryRun: boolean
}

/** More than any limit allows, and few enough to add up. */
const mostInstances = 1000
/** EC2's own limit on user data before base64. */
export const mostUserDataBytes = 16 * 1024
/** A request with the largest user data, base64, and every other field filled. */
export const mostRequestBytes = 256 * 1024

export const printable = v.pipe(
  v.string(),
  v.maxLength(255, "is longer than 255 characters"),
  // AWS takes no lone surrogates, and the SDK fails on them only after the launch has been reserved
  v.regex(/^[^\p{Cc}\p{Cs}]*$/u, "contains control characters"),
)
export const name = v.pipe(printable, v.nonEmpty("is empty"))
const count = v.pipe(
  v.union([
    v.number(),
    v.pipe(v.string(), v.regex(/^\s*\d{1,6}\s*$/, "is not a whole number"), v.transform(Number)),
  ]),
  v.integer("is not a whole number"),
  v.minValue(1, "is less than 1"),
  v.maxValue(mostInstances, `is more than ${mostInstances}`),
)
const base64 = v.pipe(
  v.string(),
  // clients of 2010 broke lines, as Python's base64.encodestring does
  v.transform((text) => text.replace(/\s+/g, "")),
  v.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?$/, "is not base64"),
  v.check(
    (text) => Buffer.byteLength(text, "base64") <= mostUserDataBytes,
    `is longer than ${mostUserDataBytes} bytes before base64`,
  ),
)
/** Letters that the metadata service can show, where the instance reads its tags. */
const tagKey = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9+\-=.,_:@]{1,128}$/, "is no tag name of 1 to 128 of A-Z a-z 0-9 + - = . , _ : @"),
)

/** Null means absent. */
export const optional = <T extends v.GenericSchema>(schema: T) => v.nullish(schema)
/** Below a micro-dollar a price would count as nothing. */
const spotPrice = v.pipe(v.number(), v.minValue(1 / microUsdPerUsd, "is less than a micro-dollar"))
const positive = v.pipe(v.number(), v.finite("is no number"), v.gtValue(0, "is not more than 0"))

export const clientToken = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,64}$/, "is not 1 to 64 printable ASCII characters"),
)
export const tags = v.pipe(
  v.record(tagKey, v.pipe(printable, v.maxLength(256))),
  v.check((tags) => Object.keys(tags).length <= 30, "has more than 30 tags"),
)
export const cluster = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/, "is no cluster name")),
  roles: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z]{2,8}$/, "is no role"))), v.maxLength(16)),
})

const requestSchema = v.strictObject({
  protocol: optional(v.picklist([1, 2])),
  action: optional(v.null()),
  image_id: optional(printable),
  count: optional(count),
  key_name: name,
  security_groups: optional(v.pipe(v.array(name), v.maxLength(16, "has more than 16 names"))),
  security_group_ids: optional(v.pipe(v.array(name), v.maxLength(16, "has more than 16 ids"))),
  instance_type: optional(printable),
  placement: optional(printable),
  availability_zone: optional(printable),
  placement_group: optional(printable),
  subnet_id: optional(printable),
  use_spot: optional(v.boolean()),
  spot: optional(v.union([v.strictObject({ max_price: optional(spotPrice) }), v.boolean()])),
  user_data: optional(base64),
  client_token: optional(clientToken),
  tags: optional(tags),
  cluster: optional(cluster),
  lease_minutes: optional(v.pipe(positive, v.maxValue(366 * 24 * 60, "is more than a year"))),
  root_volume: optional(
    v.union([
      v.strictObject({
        gib: v.pipe(v.number(), v.integer("is not a whole number"), v.minValue(1), v.maxValue(16_384)),
        type: optional(v.literal("gp3", "is not gp3, the only type that is launched")),
      }),
    ]),
  ),
  iam_instance_profile: optional(printable),
  dry_run: optional(v.boolean()),
})

/** Reads a request; throws UsageError naming the first thing that is wrong with it. */
export function parseLaunchRequest(json: string): LaunchOrder {
  return toOrder(parseJson(json))
}

/** The object in `json`, whatever it holds; throws UsageError where it is none. */
export function parseJson(json: string): object {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new UsageError(
      "request",
      `is not JSON (${(error as Error).message.replace(/^JSON Parse error: /, "")})`,
    )
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError("request", "is not a JSON object")
  }
  return value
}

/** The same from an object of the request's form. */
export function toOrder(value: object): LaunchOrder {
  const result = v.safeParse(requestSchema, value, { abortEarly: true })
  if (!result.success) throw new UsageError("request", problem(result.issues[0]))
  const request = result.output
  const zones = [request.availability_zone, request.placement].filter(Boolean)
  const spot = request.spot === undefined || request.spot === null ? false : request.spot
  return {
    protocol: request.protocol ?? 1,
    image: request.image_id ?? "",
    instanceType: request.instance_type ?? "",
    count: request.count ?? 1,
    keyName: request.key_name,
    zone: zones[0] ?? null,
    placementGroup: request.placement_group || null,
    subnet: request.subnet_id || null,
    securityGroups: [...new Set([...(request.security_groups ?? []), ...(request.security_group_ids ?? [])])],
    userData: request.user_data ? Buffer.from(request.user_data, "base64") : null,
    spot: request.use_spot === true || spot !== false,
    maxPrice: typeof spot === "object" && spot.max_price ? microUsd(spot.max_price) : null,
    leaseMs: request.lease_minutes ? Math.round(request.lease_minutes * msPerMinute) : null,
    rootGib: request.root_volume?.gib ?? null,
    instanceProfile: request.iam_instance_profile || null,
    tags: request.tags ?? {},
    cluster: request.cluster ?? null,
    clientToken: request.client_token ?? null,
    dryRun: request.dry_run ?? false,
  }
}

/** What is wrong first, in one line. */
export function problem(issue: v.BaseIssue<unknown>): string {
  const key = (issue.path ?? []).map((item) => String(item.key)).join(".")
  if (issue.type === "strict_object" && issue.expected === "never") {
    return `unknown key ${quoted(key)}`
  }
  if (issue.kind === "schema" && issue.received === "undefined") return `${key} is missing`
  const leaf = deepest(issue)
  const named = leaf === issue ? key : [key, ...(leaf.path ?? []).map((item) => String(item.key))].join(".")
  const what = leaf.message.startsWith("Invalid")
    ? `is ${leaf.received}, wanted ${leaf.expected ?? "something else"}`
    : leaf.message
  return `${quoted(named).slice(1, -1)} ${what}`
}

/** Of a union, the branch that came furthest: it says what is wrong and not only that something is. */
function deepest(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const branch = issue.issues?.find(({ kind }) => kind === "validation")
  return branch ?? issue
}
