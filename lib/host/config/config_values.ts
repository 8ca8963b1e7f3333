/** The forms of single values in config.toml: texts, amounts, addresses, dates, tags. */
import { TomlDate } from "smol-toml"
import * as v from "valibot"
import { isReservedTagKey } from "../../base/instance.ts"
import { loginPattern, loginRule, sameButForCase } from "../../base/login.ts"
import { microUsdPerUsd } from "../../base/money.ts"
import { isIpv4Network } from "../../base/network.ts"

const text = v.pipe(v.string(), v.regex(/^[^\p{Cc}]*$/u, "contains control characters"))
const name = v.pipe(text, v.nonEmpty("is empty"))
const names = v.array(name)
/** Of logins or of instance types. What other programs take for a glob matches none of them. */
const globs = v.array(
  v.pipe(
    name,
    v.regex(
      /^[^[\]{},\s]*$/,
      'matches nothing: a glob has only * and ? besides plain characters, and a list has one glob in each string: ["a-*", "b-??"]',
    ),
  ),
)
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
const instanceType = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, "is not an instance type such as g6.xlarge"),
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

const unixUser = v.pipe(name, v.regex(/^[a-z_][a-z0-9_-]{0,31}$/, "is not the name of a Unix user"))
/** EC2 takes no network with bits beyond its mask. */
const network = v.pipe(
  name,
  v.check(
    (from) => from === "anywhere" || isIpv4Network(from),
    'is neither "anywhere" nor an IPv4 network such as 192.0.2.0/24',
  ),
)

/** IAM paths and S3 buckets take it, and so do tag values. */
const courseName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, "is not 1 to 63 letters, digits, dots and dashes"),
)

/** A table with a key for each login. */
const perLogin = <T extends v.GenericSchema>(ofOne: T) =>
  v.pipe(
    v.record(v.pipe(v.string(), v.regex(loginPattern, `is not a login: ${loginRule}`)), ofOne),
    v.check(
      (users) => Object.keys(users).every((login, _, logins) => sameButForCase(login, logins) === null),
      "has two logins that differ in case only, which IAM takes for one",
    ),
  )

export const configValues = {
  globs,
  ...{ text, name, names, absolutePath, amount, positive, count, price, priced, httpUrl },
  ...{ instant, tagKey, tagValue, courseName, perLogin, network, unixUser, instanceType },
}
