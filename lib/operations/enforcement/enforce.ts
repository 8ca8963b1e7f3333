/** Ends instances past their leases, warns owners of near ends, and keeps termination schedules in order. */

import { silentRegion } from "../../aws/regions.ts"
import { messageOf } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import { duration, later, msPerDay, msPerMinute } from "../../base/time.ts"
import {
  type EnforcementStep,
  type LeaseFacts,
  planEnforcement,
  stepLine,
  warningText,
} from "../../decisions/enforcement/enforcement_plan.ts"
import { storageLine } from "../../decisions/storage/storage_plan.ts"
import type { Notifier } from "../../host/people/notifier.ts"
import { noteStates } from "../launches/active.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { endInstances } from "../launches/end.ts"
import { scheduledTerminationOf } from "../launches/plan.ts"
import { inEachRegion } from "../launches/regions.ts"
import { settleReservations } from "../launches/settle.ts"
import { announceEnds, removeSchedules, setSchedules } from "../launches/termination_schedules.ts"
import { deleteUnpaid, storageDue, warningOf as storageWarningOf } from "../storage/enforce_storage.ts"
import { awsNow } from "../usage/aws_time.ts"
import { budgetWarningLine, budgetWarnings } from "./budget_warnings.ts"
import { adoptOrphanInstances } from "./orphan_instances.ts"
import { noteWarning, sendWarnings, type Warning } from "./warnings.ts"

export interface EnforcementDeps extends LedgerDeps {
  readonly notifier: Notifier
}

export interface Enforced {
  /** A line for each step, done or, in a dry run, to be done. */
  lines: string[]
  /** What did not work; the next run tries again. */
  failures: string[]
  /** What runs without having been launched through us, with what is known of it. Never touched. */
  foreign: string[]
}

/** After a complete snapshot. Throws only where AWS cannot be asked at all. */
export async function enforce(deps: EnforcementDeps, { dryRun }: { dryRun: boolean }): Promise<Enforced> {
  // In a dry run too: what is merely recorded ends nothing, and the plan goes by it.
  const unheard: string[] = []
  await settleReservations(deps, { most: Number.POSITIVE_INFINITY }).catch((error: unknown) =>
    unheard.push(notSettled(error)),
  )
  const steps = await planNow(deps, unheard)
  const storage = storageDue(deps)
  const budgets = budgetWarnings(deps)
  const left = deps.usageDb.leases.schedulesLeft()
  const lines = [
    ...steps.map(stepLine),
    ...storage.map(storageLine),
    ...budgets.map(budgetWarningLine),
    ...left.map(scheduleLine),
  ]
  const enforced: Enforced = { lines, failures: unheard, foreign: foreignLines(deps) }
  if (dryRun) return enforced
  const warnings: Warning[] = [...budgets]
  for (const step of steps) {
    await attempt(enforced, stepLine(step), async () => {
      if (step.kind === "warn") warnings.push(warningOf(deps, step.lease, step.warnMs))
      else enforced.failures.push(...(await carryOut(deps, step)))
    })
  }
  for (const step of storage) {
    await attempt(enforced, storageLine(step), async () => {
      if (step.kind === "warn of storage") warnings.push(storageWarningOf(step))
      else {
        const { failures, foreign } = await deleteUnpaid(deps, step)
        enforced.failures.push(...failures)
        enforced.foreign.push(...foreign)
      }
    })
  }
  // also of what has ended in this run
  const over = deps.usageDb.leases.schedulesLeft().map(({ instanceId }) => instanceId)
  enforced.failures.push(...(await removeSchedules(deps, "enforcement", over)))
  await attempt(enforced, "warn", () =>
    sendWarnings(
      deps,
      warnings.filter((warning) => noteWarning(deps, warning)),
    ),
  )
  return enforced
}

const scheduleLine = ({ instanceId }: { instanceId: string }) =>
  `remove the switch of ${instanceId}, which has ended`

/** What fails is said, and the rest goes on. */
async function attempt({ failures }: Enforced, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    failures.push(`${what}: failed: ${messageOf(error)}`)
  }
}

export function notSettled(error: unknown): string {
  return `reservations not settled: ${messageOf(error)}`
}

/** For the regions that answer; of the others it is said. Throws where none does. */
async function planNow(deps: EnforcementDeps, unheard: string[]): Promise<EnforcementStep[]> {
  const { usageDb, clock, config } = deps
  const failures = await adoptOrphanInstances(deps)
  const all = usageDb.leases.open(null)
  const listedAtUtcMs = clock.now()
  const listed = new Map<string, Instance>()
  failures.push(
    ...(await inEachRegion(all, async (region, those) => {
      const ec2 = await deps.aws.ec2(region)
      const ids = those.map(({ instanceId }) => instanceId)
      for (const instance of await ec2.instances({ ids })) listed.set(instance.id, instance)
    })),
  )
  const silent = new Map(failures.map(({ region, error }) => [region, error]))
  const leases = all.filter(({ region }) => !silent.has(region))
  if (failures[0] && leases.length === 0) throw failures[0].error
  for (const failure of failures) {
    const { region, isNotEnabled, reason } = silentRegion(failure)
    const isOnlyRegion = isNotEnabled && leases.length > 0
    unheard.push(`leases in ${region} not enforced: ${isOnlyRegion ? reason : messageOf(failure.error)}`)
  }
  usageDb.transaction(() => noteStates(deps, { instances: [...listed.values()], listedAtUtcMs }))
  const visible = leases.filter(
    // what was launched a moment ago may not be listed yet
    ({ instanceId, runStartedAtUtcMs }) =>
      listed.has(instanceId) || runStartedAtUtcMs + 10 * msPerMinute < listedAtUtcMs,
  )
  const { action, warnMs, stoppedMs } = config.leases
  return planEnforcement({
    // By AWS's time: a clock that is a day ahead must not end what everybody has.
    nowUtcMs: awsNow(deps),
    leases: visible,
    stateOf: (id) => listed.get(id)?.state ?? null,
    wasWarned: (lease, warnMs) => usageDb.notices.has(lease.login, aboutOf(lease, warnMs)),
    terminationAt: (lease) => scheduledTerminationOf(config, lease),
    config: { action, warnMs, stoppedMs },
  })
}

const aboutOf = ({ instanceId, endsAtUtcMs }: LeaseFacts, warnMs: number) =>
  `lease of ${instanceId} until ${endsAtUtcMs}, ${warnMs} before`

/** Returns what failed without throwing. */
async function carryOut(
  deps: EnforcementDeps,
  step: Exclude<EnforcementStep, { kind: "warn" }>,
): Promise<string[]> {
  const { usageDb, clock } = deps
  const { lease } = step
  switch (step.kind) {
    case "terminate":
    case "stop": {
      // Extended or started again since the plan was made: what has been admitted may run.
      if (usageDb.leases.of(lease.instanceId)?.endsAtUtcMs !== lease.endsAtUtcMs) return []
      const instance = { id: lease.instanceId, region: lease.region }
      const why = ` of ${lease.login}: ${step.because}`
      const { done, failures, behind } = await endInstances(deps, step.kind, [instance], "enforcement", why)
      if (done.length > 0) notify(deps, step)
      return [...failures, ...behind]
    }
    case "close":
      usageDb.leases.ended(lease.instanceId, clock.now())
      return []
    case "set schedule":
    case "remove schedule":
      return setSchedules(deps, "enforcement", [lease.instanceId])
    case "announce":
      return announceEnds(deps, [lease.instanceId])
  }
}

function warningOf(deps: EnforcementDeps, lease: LeaseFacts, warnMs: number): Warning {
  return {
    login: lease.login,
    about: aboutOf(lease, warnMs),
    what: lease.instanceId,
    subject: `The lease of ${lease.instanceId} ends soon`,
    text: warningText(lease, deps.clock.now()),
    expiresAtUtcMs: lease.endsAtUtcMs,
  }
}

/** Afterwards the owner learns why it is gone. */
function notify({ usageDb, clock }: EnforcementDeps, step: EnforcementStep & { because: string }): void {
  const { lease, kind, because } = step
  const nowUtcMs = clock.now()
  usageDb.transaction(() =>
    usageDb.notices.add({
      login: lease.login,
      about: `${kind} ${lease.instanceId} ${lease.endsAtUtcMs}`,
      text: `${lease.instanceId} (${lease.instanceType}) was ${kind === "stop" ? "stopped" : "terminated"}: ${because}`,
      createdAtUtcMs: nowUtcMs,
      expiresAtUtcMs: later(nowUtcMs, 7 * msPerDay),
    }),
  )
}

function foreignLines({ usageDb, clock }: LedgerDeps): string[] {
  const nowUtcMs = clock.now()
  return usageDb.ledger
    .openInstances(null)
    .filter(({ instanceId, reservationId }) => reservationId === "" && !usageDb.leases.of(instanceId))
    .map(
      ({ instanceId, instanceType, region, state, login, keyName, launchedAtUtcMs }) =>
        `${instanceId} (${instanceType}, ${region}, ${state} for ${duration(nowUtcMs - launchedAtUtcMs)}) was not launched through us: ${login === "" ? "nobody's" : `${login}'s`}${keyName === "" ? ", no key" : `, key ${keyName}`}`,
    )
}
