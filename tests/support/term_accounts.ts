/** AWS's bill beside what `usage_report` says, charge by charge: equal where the ledger is certain, else within its bounds. */

import { parse } from "csv-parse/sync"
import { tagOf } from "../../lib/base/instance.ts"
import { type MicroUsd, microUsd, microUsdOf, noMicroUsd, usd } from "../../lib/base/money.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { launchedVolumesOf } from "../../lib/decisions/pricing/flat_rate_charges.ts"
import type { BillLine } from "../emulator/bill.ts"
import { causes, volumesOf } from "../emulator/instance_record.ts"
import { atTime } from "./faketime.ts"
import type { Term } from "./term.ts"

/** In micro-dollars. */
export interface Account {
  login: string
  billed: MicroUsd
  lowest: MicroUsd
  highest: MicroUsd
  /** What of the bill the ledger knows exactly. */
  exact: MicroUsd
  /** How many charges it has, and how many of them it knows exactly. */
  charges: number
  exactCharges: number
  /** Instances whose every run was ended by somebody's call, which leaves a date or an event, and how many it knows exactly. */
  endedByCalls: number
  exactOfThose: number
}

/** A row of `usage_report --csv`, as far as it is needed here. */
export interface LedgerCharge {
  user: string
  kind: string
  id: string
  lowest: MicroUsd
  highest: MicroUsd
}

/** What AWS knows besides the bill. */
export interface Circumstances {
  /** By the volume's id. */
  instanceOfVolume: ReadonlyMap<string, string>
  endedByCalls: ReadonlySet<string>
}

export interface Compared {
  accounts: Account[]
  /** Where the two disagree, a line each. */
  wrong: string[]
}

export async function accountsOf(term: Term, logins: readonly string[]): Promise<Account[]> {
  const { emulator, day, result } = term
  const { world } = emulator.proxy
  const env = atTime(utcMsOf(world.clock.now()))
  const [csv, json] = await Promise.all(
    ["--csv", "--json"].map((form) =>
      day.run("usage_report", ["ALL", form, "--offline"], { as: "cs61c", env }),
    ),
  )
  const rows: Record<string, string>[] = parse(csv?.stdout ?? "", { columns: true })
  const charges = rows.map(({ user = "", kind = "", id = "", lowest_usd, highest_usd }) => ({
    ...{ user, kind, id, lowest: microUsd(Number(lowest_usd)), highest: microUsd(Number(highest_usd)) },
  }))
  const records = [...world.instances.values()]
  const circumstances: Circumstances = {
    instanceOfVolume: new Map(
      records.flatMap((record) => volumesOf(record).map(({ id }) => [id, record.id] as const)),
    ),
    // The last cause tells of all runs: what shuts down from inside, or is taken back, is never started again.
    endedByCalls: new Set(
      records.filter(({ stateReason }) => stateReason?.code === causes.user.code).map(({ id }) => id),
    ),
  }
  const { accounts, wrong } = compare(world.bill.lines(), charges, logins, circumstances)
  result.wrong.push(...wrong, ...againstTotals(accounts, JSON.parse(json?.stdout ?? "{}")))
  return accounts
}

export function compare(
  bill: readonly BillLine[],
  charges: readonly LedgerCharge[],
  logins: readonly string[],
  { instanceOfVolume, endedByCalls }: Circumstances,
): Compared {
  const known = new Set(charges.map(({ kind, id }) => `${kind} ${id}`))
  const uncertain = new Set(charges.filter(({ id }) => /^[0-9a-f]{8}-/.test(id)).map(({ id }) => id))
  /** Under which of the ledger's charges a line of the bill belongs. */
  const placeOf = ({ what, id, tags }: BillLine): string => {
    const estimate = `volume ${launchedVolumesOf(instanceOfVolume.get(id) ?? "")}`
    const reservation = tags[tagOf.reservation] ?? ""
    const place = [`${what} ${id}`, estimate].find((name) => known.has(name))
    return place ?? (uncertain.has(reservation) ? `volume ${reservation}` : `${what} ${id}`)
  }
  const billed = Map.groupBy(bill, placeOf)
  const told = Map.groupBy(charges, ({ kind, id }) => `${kind} ${id}`)
  const wrong: string[] = []
  const accounts = new Map(logins.map((login) => [login, newAccount(login)]))
  for (const place of new Set([...billed.keys(), ...told.keys()])) {
    const lines = billed.get(place) ?? []
    const said = told.get(place) ?? []
    const amount = lines.reduce((sum, { microUsd }) => sum + microUsd, 0)
    const lowest = said.reduce((sum, charge) => sum + charge.lowest, 0)
    const highest = said.reduce((sum, charge) => sum + charge.highest, 0)
    const login = said[0]?.user ?? lines[0]?.tags[tagOf.owner] ?? ""
    if (amount < lowest - roundedUp(lines) || amount > highest)
      wrong.push(
        `${place} of ${login}: ${usd(microUsdOf(amount))} billed, the ledger says ${between(microUsdOf(lowest), microUsdOf(highest))}`,
      )
    const account = accounts.get(login)
    if (!account) {
      wrong.push(`${place} is nobody's`)
      continue
    }
    const isExact = lowest === highest
    account.billed = microUsdOf(account.billed + amount)
    account.lowest = microUsdOf(account.lowest + lowest)
    account.highest = microUsdOf(account.highest + highest)
    account.exact = microUsdOf(account.exact + (isExact ? amount : 0))
    account.charges += 1
    account.exactCharges += isExact ? 1 : 0
    if (said.some(({ kind, id }) => kind === "instance" && endedByCalls.has(id))) {
      account.endedByCalls += 1
      account.exactOfThose += isExact ? 1 : 0
    }
  }
  return { accounts: [...accounts.values()], wrong }
}

/** The sums that the ledger keeps say the same as its charges. */
function againstTotals(
  accounts: readonly Account[],
  { users = [] }: { users?: { user: string; lowest_usd: number; highest_usd: number }[] },
): string[] {
  const totals = new Map(users.map((total) => [total.user, total]))
  return accounts.flatMap(({ login, lowest, highest }) => {
    const { lowest_usd = 0, highest_usd = 0 } = totals.get(login) ?? {}
    const isSame = microUsd(lowest_usd) === lowest && microUsd(highest_usd) === highest
    const charged = between(lowest, highest)
    const total = between(microUsd(lowest_usd), microUsd(highest_usd))
    return isSame ? [] : [`${login}: the report's total is ${total}, its charges come to ${charged}`]
  })
}

/** By how much the ledger may be above the bill: a volume's price is a month's, which it rounds up to whole micro-dollars per hour. */
function roundedUp(lines: readonly BillLine[]): MicroUsd {
  return microUsdOf(
    lines.reduce((sum, { what, seconds }) => sum + (what === "volume" ? Math.ceil(seconds / 3600) : 0), 0),
  )
}

function newAccount(login: string): Account {
  return {
    ...{ login, charges: 0, exactCharges: 0 },
    ...{ billed: noMicroUsd, lowest: noMicroUsd, highest: noMicroUsd, exact: noMicroUsd },
    ...{ endedByCalls: 0, exactOfThose: 0 },
  }
}

function between(lowest: MicroUsd, highest: MicroUsd): string {
  return lowest === highest ? usd(lowest) : `${usd(lowest)} to ${usd(highest)}`
}
