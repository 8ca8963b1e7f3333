/** Our figures beside AWS's bill, user by user, with what explains the difference. */

import { Refused, UsageError } from "../../base/errors.ts"
import { type MicroUsd, minus, noMicroUsd, plus, toUsd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import { add, type Bounds, nothing, type Tariff } from "../../decisions/pricing/costs.ts"
import { amountRange } from "../../decisions/reports/text_form.ts"
import { addressesOf, type BillRead, readBill } from "./bill.ts"
import { charges } from "./charges.ts"
import type { ReportDeps } from "./report.ts"

export interface Reconciled {
  /** Null: nobody's. */
  user: string | null
  ours: Bounds
  aws: MicroUsd
  /** In words, with amounts. */
  because: string[]
}

interface Query {
  /** `-` for stdin. */
  source: string
  json: boolean
  nowUtcMs: UtcMs
}

export async function reconciliation(deps: ReportDeps, tariff: Tariff, query: Query): Promise<string[]> {
  const { caller, usageDb } = deps
  if (!caller.isStaff) throw new Refused("reconcile", `${caller.login} is not on the staff`)
  if (caller.behindWrapper && query.source !== "-") {
    throw new UsageError(
      "reconcile",
      "behind the wrapper no file of a caller's is opened: pipe it in, with --reconcile -",
    )
  }
  const bill = await readBill(query.source)
  const found = reconcile(usageDb, tariff, bill, query.nowUtcMs)
  if (query.json)
    return [
      JSON.stringify({
        from: isoUtc(bill.range.fromUtcMs),
        to: isoUtc(bill.range.toUtcMs),
        users: found.map(toJson),
      }),
    ]
  const { skipped, range } = bill
  return [
    `AWS's bill from ${isoUtc(range.fromUtcMs)} to ${isoUtc(range.toUtcMs)}${skipped > 0 ? `, ${plural(skipped, "row")} without a cost or time left out` : ""}:`,
    `${"user".padEnd(20)} ${"ours".padStart(18)} ${"AWS".padStart(10)}  difference explained by`,
    ...found.map(
      ({ user, ours, aws, because }) =>
        `${escapeControls(user ?? "(nobody)").padEnd(20)} ${amountRange(ours).padStart(18)} ${`$${toUsd(aws).toFixed(2)}`.padStart(10)}  ${because.join("; ") || "-"}`,
    ),
  ]
}

function toJson({ user, ours, aws, because }: Reconciled) {
  return {
    user,
    ours: { lowest_usd: toUsd(ours.lowest), highest_usd: toUsd(ours.highest) },
    aws_usd: toUsd(aws),
    because,
  }
}

function reconcile(
  usageDb: ReportDeps["usageDb"],
  tariff: Tariff,
  { things, range }: BillRead,
  nowUtcMs: UtcMs,
): Reconciled[] {
  const byUser = new Map<string, Account>()
  const of = (login: string) => {
    const known = byUser.get(login) ?? newAccount()
    byUser.set(login, known)
    return known
  }
  const ourThings = new Map<string, { login: string; cost: Bounds }>()
  for (const charge of charges(usageDb, tariff, { login: null, range, nowUtcMs })) {
    const { login, cost } = charge
    const id = charge.kind === "address" && /^i-/.test(charge.id) ? addressesOf(login) : charge.id
    const account = of(login)
    account.ours = add(account.ours, cost ?? nothing)
    if (!cost) account.unpriced++
    const known = ourThings.get(id)
    ourThings.set(id, { login, cost: add(known?.cost ?? nothing, cost ?? nothing) })
  }
  const billedIds = new Set<string>()
  for (const { id, cost, owner, of: billedFor } of things.values()) {
    const ours = ourThings.get(id)
    const account = of(ours?.login ?? owner)
    account.aws = plus(account.aws, cost)
    if (billedFor === "adjustment") account.adjusted = plus(account.adjusted, cost)
    else if (billedFor === "other") account.notCovered = plus(account.notCovered, cost)
    else if (billedFor === "nameless") account.nameless = plus(account.nameless, cost)
    else if (!ours) account.unknown = plus(account.unknown, cost)
    else {
      billedIds.add(id)
      if (owner === "" && ours.login !== "") account.untagged++
      account.priceDifference = plus(account.priceDifference, outside(cost, ours.cost))
    }
  }
  for (const [id, { login, cost }] of ourThings) {
    if (billedIds.has(id)) continue
    const account = of(login)
    account.notBilled = plus(account.notBilled, cost.highest)
  }
  return [...byUser]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([login, account]) => ({
      user: login || null,
      ours: account.ours,
      aws: account.aws,
      because: reasons(account),
    }))
}

interface Account {
  ours: Bounds
  aws: MicroUsd
  unknown: MicroUsd
  notCovered: MicroUsd
  nameless: MicroUsd
  adjusted: MicroUsd
  notBilled: MicroUsd
  priceDifference: MicroUsd
  untagged: number
  unpriced: number
}

function newAccount(): Account {
  return {
    ours: nothing,
    aws: noMicroUsd,
    unknown: noMicroUsd,
    notCovered: noMicroUsd,
    nameless: noMicroUsd,
    adjusted: noMicroUsd,
    notBilled: noMicroUsd,
    priceDifference: noMicroUsd,
    untagged: 0,
    unpriced: 0,
  }
}

/** How far AWS's figure lies outside of our bounds. */
function outside(aws: MicroUsd, { lowest, highest }: Bounds): MicroUsd {
  if (aws > highest) return minus(aws, highest)
  return aws < lowest ? minus(aws, lowest) : noMicroUsd
}

function reasons(account: Account): string[] {
  const amount = (micro: MicroUsd) => `$${toUsd(micro).toFixed(2)}`
  const isSome = (micro: MicroUsd) => Math.abs(micro) >= 5000
  return [
    isSome(account.unknown) && `${amount(account.unknown)} not launched through us`,
    isSome(account.notCovered) && `${amount(account.notCovered)} of other services and transfer`,
    isSome(account.nameless) && `${amount(account.nameless)} of EC2 without a resource's id in the bill`,
    isSome(account.adjusted) && `${amount(account.adjusted)} of taxes, credits and refunds`,
    isSome(account.notBilled) && `${amount(account.notBilled)} of ours not in the bill`,
    isSome(account.priceDifference) &&
      `${amount(account.priceDifference)} by price or time on the same things`,
    account.untagged > 0 && `${plural(account.untagged, "thing")} without the owner's tag in the bill`,
    account.unpriced > 0 && `${plural(account.unpriced, "charge")} unpriced here`,
  ].filter((reason) => reason !== false)
}
