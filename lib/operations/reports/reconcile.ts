/** Our figures beside AWS's bill, user by user, with what explains the difference. */
import { createReadStream } from "node:fs"
import { pipeline, Readable, type Transform } from "node:stream"
import { createGunzip } from "node:zlib"
import { parse } from "csv-parse"
import { Failed, messageOf, Refused, UsageError } from "../../base/errors.ts"
import { type MicroUsd, toUsd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import { add, type Bounds, nothing, type Range, type Tariff } from "../../decisions/costs.ts"
import { type BilledRow, rowReader } from "../../decisions/reports/cost_export.ts"
import { rangeOf } from "../../decisions/reports/text_form.ts"
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
  nowUtcMs: number
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
        `${escapeControls(user ?? "(nobody)").padEnd(20)} ${rangeOf(ours).padStart(18)} ${`$${toUsd(aws).toFixed(2)}`.padStart(10)}  ${because.join("; ") || "-"}`,
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

/** What AWS charges for one thing in the whole export. */
interface BilledThing {
  cost: MicroUsd
  owner: string
  isCovered: boolean
  isAdjustment: boolean
}

interface BillRead {
  things: Map<string, BilledThing>
  range: Range
  skipped: number
}

/** Sums the export up as it streams by: bills are long. */
async function readBill(source: string): Promise<BillRead> {
  const things = new Map<string, BilledThing>()
  const range = { fromUtcMs: Number.POSITIVE_INFINITY, toUtcMs: Number.NEGATIVE_INFINITY }
  const ofAdjustments = { ...range }
  let skipped = 0
  let read: ReturnType<typeof rowReader> | undefined
  const columns = (names: string[]) => {
    read = rowReader(names)
    return names
  }
  const rows = parse({ columns, bom: true, skip_empty_lines: true, relax_column_count: true })
  try {
    for await (const row of through(textOf(source), rows)) {
      if (!read) throw new Failed("reconcile", "its columns are of no Cost and Usage Report or FOCUS export")
      const billed = read(row as Record<string, string>)
      if (!billed) {
        skipped++
        continue
      }
      // A tax or a credit is of the whole month, also in a bill of its first days.
      widen(billed.isAdjustment ? ofAdjustments : range, billed)
      note(things, billed)
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const name = source === "-" ? "stdin" : source
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Failed("reconcile", `there is no file ${name}`)
    throw new Failed("reconcile", `${name} cannot be read: ${messageOf(error)}`)
  }
  if (things.size === 0) throw new Failed("reconcile", "the export has no row with a cost and a time")
  return { things, range: Number.isFinite(range.fromUtcMs) ? range : ofAdjustments, skipped }
}

function widen(range: Range, { fromUtcMs, toUtcMs }: Range): void {
  range.fromUtcMs = Math.min(range.fromUtcMs, fromUtcMs)
  range.toUtcMs = Math.max(range.toUtcMs, toUtcMs)
}

/**
 * AWS bills an instance's address by a network interface, which we do not know: all of a user's are one thing. Elastic ones have
 * an id of their own.
 */
function addressesOf(login: string): string {
  return `addresses of ${login}`
}

/** The export as AWS delivers it: often compressed. */
function textOf(source: string): Readable {
  const input: Readable = source === "-" ? process.stdin : createReadStream(source)
  return Readable.from(unpacked(input))
}

async function* unpacked(input: Readable): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  async function* all(): AsyncGenerator<Buffer> {
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b
  yield* isGzip ? through(Readable.from(all()), createGunzip()) : all()
}

/** Unlike `pipe`, it fails where its source does. */
function through<T extends Transform>(source: Readable, transform: T): T {
  pipeline(source, transform, () => {})
  return transform
}

function note(
  things: Map<string, BilledThing>,
  { resourceId, owner, cost, isCovered, isAddress, isAdjustment }: BilledRow,
): void {
  const thing = isAddress ? addressesOf(owner) : resourceId
  const key = `${thing}\n${isCovered}\n${isAdjustment}`
  const known = things.get(key)
  things.set(key, {
    cost: (known?.cost ?? 0) + cost,
    owner: owner || (known?.owner ?? ""),
    isCovered,
    isAdjustment,
  })
}

function reconcile(
  usageDb: ReportDeps["usageDb"],
  tariff: Tariff,
  { things, range }: BillRead,
  nowUtcMs: number,
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
  for (const [key, { cost, owner, isCovered, isAdjustment }] of things) {
    const [id = ""] = key.split("\n")
    const ours = ourThings.get(id)
    const account = of(ours?.login ?? owner)
    account.aws += cost
    if (isAdjustment) account.adjusted += cost
    else if (!isCovered) account.notCovered += cost
    else if (!ours) account.unknown += cost
    else {
      billedIds.add(id)
      if (owner === "" && ours.login !== "") account.untagged++
      account.priceDifference += outside(cost, ours.cost)
    }
  }
  for (const [id, { login, cost }] of ourThings) if (!billedIds.has(id)) of(login).notBilled += cost.highest
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
  adjusted: MicroUsd
  notBilled: MicroUsd
  priceDifference: MicroUsd
  untagged: number
  unpriced: number
}

function newAccount(): Account {
  return {
    ...{ ours: nothing, aws: 0, unknown: 0, notCovered: 0, notBilled: 0, priceDifference: 0 },
    ...{ untagged: 0, unpriced: 0, adjusted: 0 },
  }
}

/** How far AWS's figure lies outside of our bounds. */
function outside(aws: MicroUsd, { lowest, highest }: Bounds): MicroUsd {
  return aws > highest ? aws - highest : aws < lowest ? aws - lowest : 0
}

function reasons(account: Account): string[] {
  const amount = (micro: MicroUsd) => `$${toUsd(micro).toFixed(2)}`
  const isSome = (micro: MicroUsd) => Math.abs(micro) >= 5000
  return [
    isSome(account.unknown) && `${amount(account.unknown)} not launched through us`,
    isSome(account.notCovered) && `${amount(account.notCovered)} of other services and transfer`,
    isSome(account.adjusted) && `${amount(account.adjusted)} of taxes, credits and refunds`,
    isSome(account.notBilled) && `${amount(account.notBilled)} of ours not in the bill`,
    isSome(account.priceDifference) &&
      `${amount(account.priceDifference)} by price or time on the same things`,
    account.untagged > 0 && `${plural(account.untagged, "thing")} without the owner's tag in the bill`,
    account.unpriced > 0 && `${plural(account.unpriced, "charge")} unpriced here`,
  ].filter((reason) => reason !== false)
}
