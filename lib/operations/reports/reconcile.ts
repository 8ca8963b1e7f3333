/** Our figures beside AWS's bill, user by user, with what explains the difference. */
import { Refused, UsageError } from "../../base/errors.ts"
import { type MicroUsd, minus, noMicroUsd, plus, toUsd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import { add, type Bounds, nothing, type Tariff } from "../../decisions/pricing/costs.ts"
import { amountRange } from "../../decisions/reports/text_form.ts"
import { type BilledThing, type BillRead, readBill } from "./bill.ts"
import { charges } from "./charges.ts"
import type { ReportDeps } from "./deps.ts"

export interface Reconciled {
  /** Null: nobody's. */
  user: string | null
  ours: Bounds
  aws: MicroUsd
  /** In words, with amounts. */
  because: string[]
}

interface Query {
  /** Files of one bill, `-` for stdin. */
  sources: readonly string[]
  json: boolean
  nowUtcMs: UtcMs
}

/** The report's lines, and the number of the bill's rows that it could not read. */
export async function reconciliation(
  deps: ReportDeps,
  tariff: Tariff,
  query: Query,
): Promise<{ lines: string[]; rowsLeftOut: number }> {
  const { caller } = deps
  if (!caller.isStaff) throw new Refused("reconcile", `${caller.login} is not on the staff`)
  if (caller.behindWrapper && query.sources.some((source) => source !== "-")) {
    throw new UsageError(
      "reconcile",
      "behind the wrapper no file of a caller's is opened: pipe it in, with --reconcile -",
    )
  }
  const bill = await readBill(query.sources, query.nowUtcMs)
  const found = reconcile(deps, tariff, bill, query.nowUtcMs)
  const lines = query.json ? [JSON.stringify(toJsonReport(bill, found))] : textLines(bill, found)
  return { lines, rowsLeftOut: bill.skipped }
}

function toJsonReport({ range, isFinished, unfinished, skipped }: BillRead, found: readonly Reconciled[]) {
  return {
    from: isoUtc(range.fromUtcMs),
    to: isoUtc(range.toUtcMs),
    finished: isFinished,
    unfinished_usd: toUsd(unfinished),
    rows_left_out: skipped,
    users: found.map(toJson),
  }
}

function textLines({ range, isFinished, unfinished }: BillRead, found: readonly Reconciled[]): string[] {
  const until = `${isoUtc(range.toUtcMs)}${isFinished ? "" : ", not finished"}`
  return [
    `AWS's bill from ${isoUtc(range.fromUtcMs)} to ${until}:`,
    `${"user".padEnd(20)} ${"ours".padStart(18)} ${"AWS".padStart(10)}  difference explained by`,
    ...found.map(
      ({ user, ours, aws, because }) =>
        `${escapeControls(user ?? "(nobody)").padEnd(20)} ${amountRange(ours).padStart(18)} ${`$${toUsd(aws).toFixed(2)}`.padStart(10)}  ${because.join("; ") || "-"}`,
    ),
    ...(unfinished !== 0
      ? [`not finished, left out: $${toUsd(unfinished).toFixed(2)} of longer periods`]
      : []),
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
  { usageDb, config }: ReportDeps,
  tariff: Tariff,
  { things, range, isFinished }: BillRead,
  nowUtcMs: UtcMs,
): Reconciled[] {
  const byUser = new Map<string, Account>()
  const accountOf = (login: string) => {
    const known = byUser.get(login) ?? newAccount()
    byUser.set(login, known)
    return known
  }
  const ourThings = new Map<string, { login: string; cost: Bounds }>()
  for (const charge of charges(usageDb, tariff, { login: null, range, nowUtcMs })) {
    const { login, cost } = charge
    const id = charge.kind === "address" && /^i-/.test(charge.id) ? addressesOf(login) : charge.id
    const account = accountOf(login)
    account.ours = add(account.ours, cost ?? nothing)
    if (!cost) account.unpriced++
    const known = ourThings.get(id)
    ourThings.set(id, { login, cost: add(known?.cost ?? nothing, cost ?? nothing) })
  }
  const billed = new Map<string, Billed>()
  for (const thing of things) {
    const id = idOf(thing, usageDb)
    const ours = ourThings.get(id)
    // The same login may exist in another course of the account.
    const isOthers = !ours && thing.course !== "" && thing.course !== config.course.name
    const login = ours?.login ?? (isOthers ? "" : thing.owner)
    const account = accountOf(login)
    account.aws = plus(account.aws, thing.cost)
    if (isOthers)
      account.otherCourses.set(
        thing.course,
        plus(account.otherCourses.get(thing.course) ?? noMicroUsd, thing.cost),
      )
    else if (thing.of === "adjustment") account.adjusted = plus(account.adjusted, thing.cost)
    else if (thing.of === "commitment") account.committed = plus(account.committed, thing.cost)
    else if (thing.of === "other") account.notCovered = plus(account.notCovered, thing.cost)
    else if (thing.of === "nameless") account.nameless = plus(account.nameless, thing.cost)
    else if (!ours) account.unknown = plus(account.unknown, thing.cost)
    else {
      const known = billed.get(id) ?? { cost: noMicroUsd, isReserved: false }
      billed.set(id, {
        cost: plus(known.cost, thing.cost),
        isReserved: known.isReserved || thing.of === "reserved",
      })
      if (thing.owner === "" && login !== "") account.untagged++
    }
  }
  for (const [id, { login, cost }] of ourThings) compare(accountOf(login), cost, billed.get(id), isFinished)
  return [...byUser]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([login, account]) => ({
      user: login || null,
      ours: account.ours,
      aws: account.aws,
      because: reasons(account),
    }))
}

interface Billed {
  cost: MicroUsd
  /** Some of its hours are paid for by a reservation or savings plan. */
  isReserved: boolean
}

/** What AWS bills for a thing of ours, held against our bounds. AWS may still add to an unfinished bill. */
function compare(account: Account, ours: Bounds, billed: Billed | undefined, isFinished: boolean): void {
  const aws = billed?.cost ?? noMicroUsd
  const difference = outside(aws, ours)
  if (!billed) {
    const missing = isFinished ? "notBilled" : "mayCome"
    account[missing] = plus(account[missing], ours.highest)
  } else if (!isFinished && aws < ours.lowest) account.mayCome = minus(account.mayCome, difference)
  else if (billed.isReserved && aws < ours.lowest) account.reserved = minus(account.reserved, difference)
  else account.priceDifference = plus(account.priceDifference, difference)
}

/** AWS bills an instance's address by a network interface: all of a user's are one thing. Elastic ones have an id of their own. */
function idOf({ id, owner, isAddress }: BilledThing, { ledger }: ReportDeps["usageDb"]): string {
  if (!isAddress) return id
  const known = /^i-/.test(id) ? ledger.instances.get(id)?.login : ledger.interfaces.ownerOf(id)
  return addressesOf(known ?? owner)
}

function addressesOf(login: string): string {
  return `addresses of ${login}`
}

interface Account {
  ours: Bounds
  aws: MicroUsd
  unknown: MicroUsd
  notCovered: MicroUsd
  nameless: MicroUsd
  adjusted: MicroUsd
  committed: MicroUsd
  reserved: MicroUsd
  notBilled: MicroUsd
  mayCome: MicroUsd
  priceDifference: MicroUsd
  otherCourses: Map<string, MicroUsd>
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
    committed: noMicroUsd,
    reserved: noMicroUsd,
    notBilled: noMicroUsd,
    mayCome: noMicroUsd,
    priceDifference: noMicroUsd,
    otherCourses: new Map(),
    untagged: 0,
    unpriced: 0,
  }
}

/** How far AWS's figure lies outside of our bounds: negative where it is below them. */
function outside(aws: MicroUsd, { lowest, highest }: Bounds): MicroUsd {
  return aws > highest ? minus(aws, highest) : aws < lowest ? minus(aws, lowest) : noMicroUsd
}

function reasons(account: Account): string[] {
  const amount = (micro: MicroUsd) => `$${toUsd(micro).toFixed(2)}`
  const isSome = (micro: MicroUsd) => Math.abs(micro) >= 5000
  return [
    isSome(account.unknown) && `${amount(account.unknown)} not launched through us`,
    ...[...account.otherCourses].map(
      ([course, cost]) => `${amount(cost)} of course ${escapeControls(course)}`,
    ),
    isSome(account.notCovered) && `${amount(account.notCovered)} of other services and transfer`,
    isSome(account.nameless) && `${amount(account.nameless)} of EC2 without a resource's id in the bill`,
    isSome(account.adjusted) && `${amount(account.adjusted)} of taxes, credits and refunds`,
    isSome(account.committed) && `${amount(account.committed)} of fees for reservations and savings plans`,
    isSome(account.reserved) &&
      `${amount(account.reserved)} of hours that a reservation or savings plan covers`,
    isSome(account.mayCome) && `${amount(account.mayCome)} of ours that the unfinished bill may still add`,
    isSome(account.notBilled) && `${amount(account.notBilled)} of ours not in the bill`,
    isSome(account.priceDifference) &&
      `${amount(account.priceDifference)} by price or time on the same things`,
    account.untagged > 0 && `${plural(account.untagged, "thing")} without the owner's tag in the bill`,
    account.unpriced > 0 && `${plural(account.unpriced, "charge")} unpriced here`,
  ].filter((reason) => reason !== false)
}
