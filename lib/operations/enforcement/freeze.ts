/** The day something goes wrong: nobody launches any more, and, if told, nothing runs any more. And its reverse. */
import { Failed, messageOf } from "../../base/errors.ts"
import { type Instance, type InstanceState, tagOf } from "../../base/instance.ts"
import { noMicroUsd, total, usd, wholeCents } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import { ownerOf } from "../../decisions/launches/owners.ts"
import { leaseTerms, remainingCost } from "../../decisions/launches/worst_case.ts"
import { offerOf, priceOf } from "../../decisions/pricing/prices.ts"
import type { LaunchDeps } from "../launches/deps.ts"
import { type EndAction, endInstances } from "../launches/end.ts"
import { ownInstances } from "../launches/own_instances.ts"
import { settleReservations } from "../launches/settle.ts"
import { writeInstanceDenials } from "./instance_sessions.ts"
import { type HaltDeps, liftSuspension, suspend } from "./suspend.ts"

export interface HaltOrder {
  /** Null: the whole course. */
  login: string | null
  lift: boolean
  /** What becomes of what runs; null: it runs on, until its lease ends. */
  action: EndAction | null
  reason: string
}

export interface HaltPlan {
  order: HaltOrder
  /** What will be done, a line each. */
  lines: string[]
  instances: Instance[]
  /** Why what runs is not all in the plan: AWS could not be asked. Empty where it is. */
  unlisted: string[]
}

interface Affected {
  found: Instance[]
  unlisted: string[]
}

/**
 * What carrying out the order comes to. Asks AWS only where instances are to be ended; where it does not answer, launches can be
 * refused all the same.
 */
export async function planHalt(deps: LaunchDeps, order: HaltOrder): Promise<HaltPlan> {
  const { found: instances, unlisted } =
    order.action === null || order.lift ? { found: [], unlisted: [] } : await affected(deps, order)
  const lines = [
    ...(order.lift ? liftLines(deps, order) : haltLines(deps, order)),
    ...instances.map((instance) => {
      const action = actionFor(instance, order.action)
      const why = action === order.action ? "" : ": spot cannot be stopped"
      return `${action} ${instance.id} (${instance.type}) of ${ownerOf(instance)}${why}`
    }),
    ...sumLines(deps, order, instances),
    ...unlisted.map((because) => `${order.action} what else is found then, not known now: ${because}`),
  ]
  return { order, lines, instances, unlisted }
}

/** What the plan's instances come to, where there are any. */
function sumLines(deps: LaunchDeps, { action, lift }: HaltOrder, ending: readonly Instance[]): string[] {
  if (action === null || lift || ending.length === 0) return []
  const { book } = deps.usageDb.prices.tariff(deps.config)
  const nowUtcMs = deps.clock.now()
  const running = ending.filter(({ state }) => state === "pending" || state === "running")
  const prices = running.map((instance) => priceOf(book, { ...offerOf(instance), atUtcMs: nowUtcMs }))
  const unpriced = prices.filter((price) => price === null).length
  const owners = new Set(ending.map(ownerOf))
  return [
    [
      `in all: ${plural(ending.length, "instance")} of ${plural(owners.size, "login")}`,
      `${running.length} running at ${usd(total(prices.map((price) => price ?? noMicroUsd)))}/h`,
      ...(unpriced > 0 ? [`${unpriced} without a known price`] : []),
    ].join(", "),
  ]
}

/** Open leases of the course, or of the login, that go on running: how many, and what they may cost until they end. */
function runsOn({ usageDb, config, clock }: LaunchDeps, login: string | null): string {
  const leases = usageDb.leases.open(login).filter(({ stoppedAtUtcMs }) => stoppedAtUtcMs === null)
  if (leases.length === 0) return "nothing of it runs"
  const [nowUtcMs, terms] = [clock.now(), leaseTerms(config)]
  const most = leases.map((lease) => remainingCost(lease, { ...lease, isRunning: true }, nowUtcMs, terms))
  const hourly = total(leases.map(({ microUsdPerHour }) => microUsdPerHour))
  return `${plural(leases.length, "instance")} at ${usd(hourly)}/h, ${wholeCents(total(most))} at the most`
}

/** Refuses first, ends afterwards: nothing new appears meanwhile. Throws Failed with all that did not work. */
export async function carryOutHalt(deps: HaltDeps, { order, instances }: HaltPlan): Promise<void> {
  const { caller, audit, usageDb, clock } = deps
  const { login, lift, reason } = order
  const failures: string[] = []
  audit.record(
    caller.login,
    `${lift ? "lift" : "begin"} ${login === null ? "freeze" : `suspension of ${login}`}: ${reason}`,
    "regardless",
  )
  if (login === null) {
    usageDb.transaction(() => {
      const nowUtcMs = clock.now()
      const isNew = lift
        ? usageDb.freezes.lift(caller.login, nowUtcMs)
        : usageDb.freezes.begin({ frozenBy: caller.login, reason, frozenAtUtcMs: nowUtcMs })
      if (!isNew) return
      const text = `the course is ${lift ? "not frozen any more" : "frozen"}, by ${caller.login}: ${reason}`
      usageDb.messages.add({ about: `${text} ${nowUtcMs}`, topic: "freezes", text, createdAtUtcMs: nowUtcMs })
    })
  } else {
    failures.push(...(lift ? await liftSuspension(deps, login) : await suspend(deps, login, reason)))
  }
  if (order.action !== null) {
    failures.push(...(await endAll(deps, order, instances)))
    // Also to what arrived since the suspension denied what was known.
    if (login !== null) failures.push(...(await writeInstanceDenials(deps, caller.login)))
    const underWay = usageDb.reservations.pending(login).length
    if (underWay > 0)
      failures.push(`${plural(underWay, "launch", "launches")} admitted before may still arrive`)
  }
  if (failures.length > 0) throw new Failed(lift ? "lift" : "freeze", `${failures.join("; ")}; run it again`)
}

const arrivalMs = 15_000
const lookEveryMs = 2_000

/** Ends what is planned, what arrived since the plan was shown, and, for a quarter of a minute, launches that were admitted before. */
async function endAll(deps: HaltDeps, order: HaltOrder, planned: readonly Instance[]): Promise<string[]> {
  const { caller, usageDb, clock, interrupt } = deps
  const begunUtcMs = clock.now()
  const asked = new Set<string>()
  const isUnderWay = () => !order.lift && usageDb.reservations.pending(order.login).length > 0
  for (let first = true; ; first = false) {
    const wasUnderWay = isUnderWay()
    const now = order.lift ? { found: [], unlisted: [] } : await affected(deps, order)
    const ending = merged(first ? planned : [], now.found).filter(({ id }) => !asked.has(id))
    const failures = [...now.unlisted]
    for (const action of ["stop", "terminate"] as const) {
      const those = ending.filter((instance) => actionFor(instance, order.action) === action)
      for (const { id } of those) asked.add(id)
      const ended = await endInstances(deps, action, those, caller.login, `: ${order.reason}`)
      failures.push(...ended.failures, ...ended.behind)
    }
    // Looked at before the listing: what was settled meanwhile may not have been in it.
    const isLate = clock.now() - begunUtcMs > arrivalMs || interrupt.aborted
    if (!wasUnderWay || isLate || failures.length > 0) return failures
    await clock.sleep(lookEveryMs, interrupt).catch(() => {})
    await settleReservations(deps).catch(() => {})
  }
}

/** Of one-time spot requests EC2 stops nothing. */
function actionFor({ market }: Instance, action: EndAction | null): EndAction | null {
  return action === "stop" && market === "spot" ? "terminate" : action
}

function merged(planned: readonly Instance[], found: readonly Instance[]): Instance[] {
  const known = new Set(planned.map(({ id }) => id))
  return [...planned, ...found.filter(({ id }) => !known.has(id))]
}

function haltLines(deps: LaunchDeps, { login, action }: HaltOrder): string[] {
  const { usageDb, config } = deps
  if (login === null) {
    const freeze = usageDb.freezes.current()
    const what = freeze
      ? `${config.course.name} is frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy} already: ${freeze.reason}`
      : `refuse every launch, restart and extension in ${config.course.name}`
    return action === null ? [what, runOnLine(deps, null)] : [what]
  }
  const lines = [
    `refuse every launch, restart and extension of ${login}, and ec2-util --init`,
    `make the access keys of ${login} inactive and deny the IAM user and its sessions everything`,
    ...(config.launch.instanceProfiles.length > 0
      ? [
          `deny the instances of ${login} everything in the roles of ${config.launch.instanceProfiles.join(", ")}; sessions of other roles that they have taken live until they end`,
        ]
      : []),
  ]
  return action === null ? [...lines, runOnLine(deps, login)] : lines
}

function runOnLine(deps: LaunchDeps, login: string | null): string {
  return `leave running what runs, until its lease ends (${runsOn(deps, login)})`
}

function liftLines({ usageDb, config }: LaunchDeps, { login }: HaltOrder): string[] {
  if (login === null) {
    return [usageDb.freezes.current() ? `allow launches in ${config.course.name} again` : "nothing is frozen"]
  }
  const suspension = usageDb.suspensions.current(login, config.course.termStartUtcMs)
  if (!suspension) return [`${login} is not suspended; remove what a suspension leaves at IAM, if anything`]
  return [
    `allow ${login} to launch again, remove the denial, make ${plural(suspension.deactivatedKeys.length, "access key")} active`,
  ]
}

/**
 * Instances of the course, by its tag, or of the login, that the action would change; also where the course was before the config named
 * other regions.
 */
async function affected(deps: LaunchDeps, { login, action }: HaltOrder): Promise<Affected> {
  const { config, aws, usageDb } = deps
  const states: InstanceState[] =
    action === "stop" ? ["pending", "running"] : ["pending", "running", "stopping", "stopped"]
  const list = async (region: string) => {
    if (login !== null) {
      const { instances } = await ownInstances(deps, login, region)
      return instances.filter(({ state }) => states.includes(state))
    }
    const ec2 = await aws.ec2(region)
    return ec2.instances({ tags: { [tagOf.course]: config.course.name }, states })
  }
  const leased = usageDb.leases.open(login).map(({ region }) => region)
  const all: Affected = { found: [], unlisted: [] }
  for (const region of new Set([...config.aws.regions, ...leased])) {
    try {
      all.found.push(...(await list(region)))
    } catch (error) {
      all.unlisted.push(messageOf(error))
    }
  }
  return all
}
