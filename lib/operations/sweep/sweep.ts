/** Looks at everything that stands around in the account, says whose it is, and removes what a plan of before named and still holds. */
import type { LeftoverListing, Leftovers } from "../../aws/leftovers/interfaces.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { inParallel } from "../../base/in_parallel.ts"
import { formerOwnerPattern } from "../../base/login.ts"
import { duration, isoUtc, msPerDay, msPerSecond, type UtcMs } from "../../base/time.ts"
import { sweepKey } from "../../db/sweep/sweep_plans.ts"
import type { Leftover } from "../../decisions/sweep/leftover.ts"
import { type Judged, judgeLeftover, type SweepEvidence } from "../../decisions/sweep/sweep_verdict.ts"
import type { HaltDeps } from "../enforcement/suspend.ts"
import { awsNow } from "../usage/aws_time.ts"

export type SweepDeps = HaltDeps

export interface Swept extends Leftover, Judged {
  /** No sweep before this one found it. */
  isNew: boolean
}

export interface SweepPlan {
  number: number
  regions: string[]
  found: Swept[]
  /** What could not be listed, with the reason. */
  unlisted: string[]
}

/** A listing of everything, judged, and kept as a plan. `keep`: ids that nothing removes. */
export async function planSweep(deps: SweepDeps, keep: readonly string[]): Promise<SweepPlan> {
  const { usageDb, caller, clock } = deps
  const seen = await look(deps, keep)
  const number = usageDb.transaction(() => usageDb.sweepPlans.add(caller.login, clock.now(), seen.found))
  return { number, ...seen }
}

async function look(deps: SweepDeps, keep: readonly string[]): Promise<Omit<SweepPlan, "number">> {
  const { aws, config, usageDb } = deps
  const regions = await aws.regions()
  const prices = usageDb.prices.storage()
  const lists = await inParallel(regions, async (region) => {
    const leftovers = await aws.leftovers(region, prices, { withIam: region === config.aws.region })
    return { region, ...(await listAll(leftovers)) }
  })
  const firstSeen = usageDb.sweepPlans.firstSeen()
  const failureIn = new Map(
    lists.flatMap(({ region, failed }) => (failed[0] ? [[region, failed[0]] as const] : [])),
  )
  const known = usageDb.ledger.flatRates.knownSince()
  const nowUtcMs = awsNow(deps)
  const found = lists.flatMap((list) =>
    list.found.map((leftover): Swept => {
      const key = sweepKey(leftover)
      const evidence: SweepEvidence = {
        ledger: known.get(leftover.id) ?? ofInstance(deps, leftover),
        whyWanted: (login) => whyWanted(deps, login, nowUtcMs),
        firstSeenUtcMs: firstSeen.get(key) ?? null,
        isKept: keep.includes(leftover.id),
        unlisted: failureIn.get(list.region) ?? null,
      }
      return {
        ...leftover,
        ...judgeLeftover(leftover, evidence, config.course.name, nowUtcMs),
        isNew: !firstSeen.has(key),
      }
    }),
  )
  return {
    regions,
    found,
    unlisted: lists.flatMap(({ region, failed }) => failed.map((why) => `${region}: ${why}`)),
  }
}

/** A service that may not be listed is named; the others are listed. */
async function listAll({
  listings,
}: Pick<Leftovers, "listings">): Promise<{ found: Leftover[]; failed: string[] }> {
  const found: Leftover[] = []
  const failed: string[] = []
  await inParallel(listings, async ({ what, list }: LeftoverListing) => {
    try {
      found.push(...(await list()))
    } catch (error) {
      failed.push(`${what}: ${messageOf(error)}`)
    }
  })
  return { found: found.toSorted((a, b) => (sweepKey(a) < sweepKey(b) ? -1 : 1)), failed: failed.toSorted() }
}

function ofInstance({ usageDb }: SweepDeps, { kind, id }: Leftover): SweepEvidence["ledger"] {
  const lease = kind === "instance" ? usageDb.leases.of(id) : null
  return lease && { login: lease.login, createdAtUtcMs: lease.launchedAtUtcMs }
}

/** Whoever has an account here may still want it, unless the roster has dropped them long ago. */
function whyWanted({ usageDb, usersDb, config }: SweepDeps, owner: string, nowUtcMs: UtcMs): string | null {
  if (formerOwnerPattern.test(owner) || usersDb.users.get(owner) === null) return null
  const dropped = usageDb.rosterDrops.of(owner)
  if (dropped === null) return `${owner} has an account`
  const sinceMs = nowUtcMs - dropped.droppedAtUtcMs
  return sinceMs < config.roster.dropMs ? `${owner} was dropped ${duration(sinceMs)} ago` : null
}

export interface SweepOutcome {
  removed: Swept[]
  /** A line for each thing that was not removed, or is still there. */
  left: string[]
}

/** How long a plan may be carried out: what it showed must still be what staff has in mind. */
const planHoldsMs = msPerDay

/**
 * Removes what the last plan names: all that is ours, or only `ids`, which may also be tagged alone. Each is looked at once more.
 * Throws Refused where there is no plan, it is old, or an id is not in it or may not be removed.
 */
export async function applySweep(
  deps: SweepDeps,
  { ids, keep }: { ids: readonly string[]; keep: readonly string[] },
): Promise<SweepOutcome> {
  const { usageDb, clock, config, caller, audit } = deps
  const plan = usageDb.sweepPlans.last()
  if (!plan) throw new Refused("sweep", "there is no plan; course_sweep without --apply makes one")
  if (clock.now() - plan.madeAtUtcMs > planHoldsMs)
    throw new Refused(
      "sweep",
      `the last plan is of ${isoUtc(plan.madeAtUtcMs)}; course_sweep makes a new one`,
    )
  const items = usageDb.sweepPlans.items(plan.id)
  for (const id of ids) {
    const item = items.find((one) => one.id === id)
    if (!item) throw new Refused(id, "is not in the last plan; course_sweep makes a new one")
    if (item.verdict !== "ours" && item.verdict !== "tagged")
      throw new Refused(id, `is ${item.verdict} in the last plan, which nothing here removes`)
  }
  const wanted = items.filter(({ id, verdict }) => (ids.length === 0 ? verdict === "ours" : ids.includes(id)))
  const outcome: SweepOutcome = { removed: [], left: [] }
  if (wanted.length === 0) return outcome
  const now = await look(deps, keep)
  const found = new Map(now.found.map((one) => [sweepKey(one), one]))
  audit.requireRoom(caller.login)
  for (const item of wanted) {
    if (deps.interrupt.aborted) throw deps.interrupt.reason
    const there = found.get(sweepKey(item))
    if (!there) continue
    const may = there.verdict === "ours" || (there.verdict === "tagged" && ids.includes(item.id))
    if (!may) outcome.left.push(`${there.id}: is left: ${there.because}`)
    else if (there.createdAtUtcMs !== item.createdAtUtcMs)
      outcome.left.push(`${there.id}: is left: another one than in the plan`)
    else await removeOne(deps, there, outcome)
  }
  outcome.left.push(...(await stillThere(deps, outcome.removed)))
  return outcome

  async function removeOne({ aws }: SweepDeps, there: Swept, { removed, left }: SweepOutcome): Promise<void> {
    const what = `${there.kind} ${there.id}${there.owner === "" ? "" : ` of ${there.owner}`}`
    audit.record(caller.login, `sweep: remove ${what}: ${there.because}`)
    try {
      const leftovers = await aws.leftovers(there.region || config.aws.region, usageDb.prices.storage(), {
        withIam: false,
      })
      const { requestId } = await leftovers.remove(there)
      audit.record(caller.login, `sweep: done: remove ${what} (request ${requestId || "unknown"})`)
      removed.push(there)
    } catch (error) {
      audit.record(caller.login, `sweep: failed: remove ${what}: ${messageOf(error)}`)
      left.push(`${there.id}: ${messageOf(error)}`)
    }
  }
}

const mostPasses = 8
const betweenPassesMs = 3 * msPerSecond

/** AWS's listings lag: twice in a row nothing of it may be there. What is there after the last pass is named. */
async function stillThere(deps: SweepDeps, removed: readonly Swept[]): Promise<string[]> {
  if (removed.length === 0) return []
  const keys = new Set(removed.map(sweepKey))
  let clean = 0
  let there: string[] = []
  for (let pass = 0; pass < mostPasses && clean < 2; pass++) {
    if (pass > 0) await deps.clock.sleep(betweenPassesMs, deps.interrupt)
    const { found, unlisted } = await look(deps, [])
    there = [
      ...found.filter((one) => keys.has(sweepKey(one))).map(({ id }) => `${id}: is still there`),
      ...unlisted,
    ]
    clean = there.length === 0 ? clean + 1 : 0
  }
  return there
}

/** Throws Failed where anything could not be listed or removed. */
export function requireClean(unfinished: readonly string[]): void {
  if (unfinished.length > 0) throw new Failed("sweep", `not all is done: ${unfinished.join("; ")}`)
}
