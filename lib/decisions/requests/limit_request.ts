/** What a student may ask for, and what a grant makes of the limits: each raises one limit until its end. */
import type { Limits } from "../../base/config.ts"
import { type MicroUsd, microUsd, microUsdOf, usd } from "../../base/money.ts"
import { escapeControls, quoted } from "../../base/text.ts"

/** As config.toml names them. */
export const limitNames = ["budget", "max_hourly_cost", "max_instances"] as const
export type LimitName = (typeof limitNames)[number]

export interface LimitAsked {
  limit: LimitName
  /** Millionths of a dollar, or a count: what the limit is to be, not what is added. */
  amount: number
}

const mostUsd = 1_000_000
const mostInstances = 100_000
const longestReason = 500

/** Reads `budget=30`; answers with what was wanted where it is none. */
export function readLimitAsked(text: string): LimitAsked | { wrong: string } {
  const [, name = "", figure = ""] = /^([a-z_]+)=\$?(\d{1,9}(?:\.\d{1,6})?)$/.exec(text) ?? []
  const limit = limitNames.find((known) => known === name)
  if (!limit)
    return {
      wrong: `${quoted(text)} asks for nothing known, wanted ${limitNames.map((one) => `${one}=N`).join(", ")}`,
    }
  const number = Number(figure)
  if (limit === "max_instances") {
    return Number.isInteger(number) && number > 0 && number <= mostInstances
      ? { limit, amount: number }
      : { wrong: `max_instances is ${quoted(figure)}, wanted a whole number from 1 to ${mostInstances}` }
  }
  return number > 0 && number <= mostUsd
    ? { limit, amount: microUsd(number) }
    : { wrong: `${limit} is ${quoted(figure)}, wanted US$ up to ${mostUsd}` }
}

/** One harmless line; or what was wanted. */
export function readReason(text: string | undefined): { reason: string } | { wrong: string } {
  const reason = escapeControls((text ?? "").trim())
  if (reason === "") return { wrong: "a reason is wanted: --reason TEXT" }
  if (reason.length > longestReason)
    return { wrong: `the reason has ${reason.length} characters, at most ${longestReason}` }
  return { reason }
}

/** `budget $30.00`, `max_instances 5`. */
export function limitText({ limit, amount }: LimitAsked): string {
  return `${limit} ${limit === "max_instances" ? amount : usd(microUsdOf(amount))}${limit === "max_hourly_cost" ? "/h" : ""}`
}

/** `budget=30`, as it is typed. */
export function limitTyped({ limit, amount }: LimitAsked): string {
  return `${limit}=${limit === "max_instances" ? amount : trimmed(amount)}`
}

/** Dollars, rounded up to the cent: what is asked for must be enough. */
function trimmed(amount: number): string {
  return (Math.ceil(amount / 10_000) / 100).toFixed(2).replace(/\.00$/, "")
}

/** The limits with the grants in force. Each is the least that its limit is; no budget stays no budget. */
export function withGrants(limits: Limits, inForce: readonly LimitAsked[]): Limits {
  const most = (limit: LimitName, own: number) =>
    inForce.filter((grant) => grant.limit === limit).reduce((most, { amount }) => Math.max(most, amount), own)
  return {
    ...limits,
    maxHourlyCost: microUsdOf(most("max_hourly_cost", limits.maxHourlyCost)),
    maxInstances: most("max_instances", limits.maxInstances),
    budget: limits.budget === null ? null : microUsdOf(most("budget", limits.budget)),
  }
}

/** What to type after a refusal that a grant would have prevented. */
export function askingHint(limit: LimitName, needed: number | MicroUsd): string {
  return `${askingPrefix}${limitTyped({ limit, amount: needed })} --reason "why you need it"`
}

/** How that line begins: hadoop-ec2, which reads what ec2-run says, knows it by this. */
export const askingPrefix = "ask for more: ec2-util --request "
