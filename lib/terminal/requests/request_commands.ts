/** The sub-commands of `requests`, and what `ec2-util --request` does. */
import { UsageError } from "../../base/errors.ts"
import { microUsdOf, toUsd } from "../../base/money.ts"
import { escapeControls, quoted } from "../../base/text.ts"
import { isoUtc, later, msPerDay, parseDuration, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import type { Grant } from "../../db/requests/grants.ts"
import type { LimitRequest } from "../../db/requests/limit_requests.ts"
import {
  type LimitAsked,
  limitText,
  readLimitAsked,
  readReason,
} from "../../decisions/requests/limit_request.ts"
import {
  askForMore,
  denyRequest,
  describe,
  endGrant,
  grantRequest,
  withdrawRequest,
} from "../../operations/requests/requests.ts"
import { type Arguments, unknownCommand } from "../arguments.ts"
import type { requests } from "../declarations/requests.ts"
import type { Output } from "../output.ts"

type Args = Arguments<typeof requests.arguments>

export async function runRequests(args: Args, context: Context, output: Output): Promise<void> {
  const done = await answer(args, context)
  if (done === null) list(args, context, output)
  else if (args.json) output.json({ done })
  else output.line(escapeControls(done))
}

/** What was done; null where only a list is wanted. */
async function answer(args: Args, context: Context): Promise<string | null> {
  switch (args.command) {
    case "list":
      if (args.number !== undefined) throw new UsageError("arguments", "list takes no number")
      return null
    case "grant":
      return grantRequest(context, numberOf(args), {
        endsAtUtcMs: endOf(args, context),
        amount: amountOf(args, context),
      })
    case "deny":
      return denyRequest(context, numberOf(args), escapeControls(args.reason.trim()))
    case "end":
      return endGrant(context, numberOf(args))
    default:
      throw unknownCommand(args.command, ["list", "grant", "deny", "end"])
  }
}

function numberOf({ command, number = "" }: Args): number {
  if (!/^\d{1,9}$/.test(number))
    throw new UsageError("arguments", `${command} wants a NUMBER; requests list shows them`)
  return Number(number)
}

const longestMs = 400 * msPerDay

function endOf({ for: duration, until }: Args, { clock }: Context): UtcMs {
  if (until !== undefined) {
    const day = /^\d{4}-\d{2}-\d{2}$/.test(until) ? Date.parse(`${until}T00:00:00Z`) : Number.NaN
    if (Number.isNaN(day))
      throw new UsageError("options", `--until is ${quoted(until)}, wanted a date such as 2026-12-20`)
    return later(utcMsOf(day), msPerDay)
  }
  const ms = parseDuration(duration)
  if (ms === null || ms > longestMs)
    throw new UsageError("options", `--for is ${quoted(duration)}, wanted a duration such as 3d or 12h`)
  return later(clock.now(), ms)
}

/** In the unit of what the request asks for. */
function amountOf({ amount, number }: Args, { usageDb }: Context): number | null {
  if (amount === undefined) return null
  const limit = usageDb.limitRequests.get(Number(number))?.limit ?? "budget"
  const read = readLimitAsked(`${limit}=${amount}`)
  if ("wrong" in read) throw new UsageError("options", `--amount: ${read.wrong}`)
  return read.amount
}

const mostAnswers = 20

function list({ json }: Args, { usageDb, clock }: Context, output: Output): void {
  const open = usageDb.limitRequests.open()
  const inForce = usageDb.grants.inForce(clock.now())
  const decided = usageDb.limitRequests.decided(mostAnswers)
  if (json) {
    output.json({
      open: open.map(requestJson),
      grants: inForce.map(grantJson),
      answered: decided.map(requestJson),
    })
    return
  }
  if (open.length === 0) output.line("nothing is asked for")
  const lines = [
    ...open.map((one) => `${describe(one)} of ${one.login}, ${isoUtc(one.createdAtUtcMs)}: ${one.reason}`),
    ...inForce.map(
      (one) =>
        `grant ${one.id} to ${one.login}: ${limitText(one)} until ${isoUtc(one.endsAtUtcMs)}, by ${one.grantedBy}`,
    ),
    ...decided.map(
      (one) =>
        `${describe(one)} of ${one.login}: ${one.state} by ${one.decidedBy ?? ""}${one.answer ? `, ${one.answer}` : ""}`,
    ),
  ]
  for (const line of lines) output.line(escapeControls(line))
}

function requestJson(request: LimitRequest) {
  const { id, login, reason, state, createdAtUtcMs, decidedBy, decidedAtUtcMs, answer } = request
  return {
    ...{ request: id, user: login, ...limitJson(request), reason, state, created: isoUtc(createdAtUtcMs) },
    ...{ decided_by: decidedBy, decided: decidedAtUtcMs === null ? null : isoUtc(decidedAtUtcMs), answer },
  }
}

function grantJson(grant: Grant) {
  const { id, requestId, login, grantedBy, beginsAtUtcMs, endsAtUtcMs } = grant
  return {
    ...{ grant: id, request: requestId, user: login, ...limitJson(grant), granted_by: grantedBy },
    ...{ begins: isoUtc(beginsAtUtcMs), ends: isoUtc(endsAtUtcMs) },
  }
}

function limitJson({ limit, amount }: LimitAsked) {
  return { limit, amount: limit === "max_instances" ? amount : toUsd(microUsdOf(amount)) }
}

/** `ec2-util --request budget=30 --reason TEXT`, or `--request withdraw`. */
export function askAsStudent(
  { request, reason, json }: { request: string; reason: string | undefined; json: boolean },
  context: Context,
  output: Output,
): void {
  if (request === "withdraw") {
    const withdrawn = withdrawRequest(context)
    if (json) output.json({ request: withdrawn.id, state: "withdrawn" })
    else output.line(`${describe(withdrawn)} is withdrawn`)
    return
  }
  const asked = readLimitAsked(request)
  if ("wrong" in asked) throw new UsageError("--request", asked.wrong)
  const why = readReason(reason)
  if ("wrong" in why) throw new UsageError("--request", why.wrong)
  const id = askForMore(context, asked, why.reason)
  if (json) output.json({ request: id, ...limitJson(asked), state: "open" })
  else output.line(`${describe({ id, ...asked })} is with your course's staff; you will be told`)
}
