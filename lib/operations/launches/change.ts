/** What ec2_active does to the caller's own instances, spot requests and storage: one change at a time, told as data. */
import { Failed } from "../../base/errors.ts"
import type { Instance, InstanceState } from "../../base/instance.ts"
import type { UtcMs } from "../../base/time.ts"
import { isOwnedBy } from "../../decisions/launches/owners.ts"
import { deleteStored, type Stored } from "../storage/own_storage.ts"
import { requireOwnInstallation } from "./access.ts"
import { currentInstances, owned } from "./active.ts"
import type { LaunchDeps } from "./deps.ts"
import { type EndAction, endInstances } from "./end.ts"
import { extendLeases } from "./extend.ts"
import { type Started, startAgain, startTogether } from "./restart.ts"

/** What the caller wants changed; ids are well formed. */
export type Change =
  | { kind: "terminate" | "stop"; ids: readonly string[] }
  | { kind: "terminate all" | "cancel spot requests" }
  /** `together`: by one admission, all or none; else one by one, up to the first that is refused. */
  | { kind: "start"; ids: readonly string[]; together: boolean }
  | { kind: "extend"; ids: readonly string[]; byMs: number }
  | { kind: "delete"; ids: readonly string[] }

/** What was done, or in a dry run would be. */
export type Effect =
  | { kind: EndAction; instances: readonly Pick<Instance, "id" | "type">[] }
  | { kind: "cancel"; count: number }
  | { kind: "start"; started: readonly Started[] }
  | { kind: "extend"; leases: readonly { instanceId: string; endsAtUtcMs: UtcMs }[] }
  | { kind: "delete"; stored: readonly Stored[] }

export interface Changed {
  effects: Effect[]
  /** What is behind and follows by the next run of cron, a line each. */
  behind: string[]
  ids: string[]
  /** What the instances end up as; null where nothing changes state. */
  state: InstanceState | null
  /** What did not work beside it, to be thrown when all of this is said. */
  failure?: unknown
}

interface Options {
  dryRun: boolean
}

/** Whether it makes anything cost less, and so has to work where the disk is full. */
export function endsSomething({ kind }: Change): boolean {
  return kind !== "start" && kind !== "extend"
}

/** Throws UsageError, Refused or Failed where nothing was done; what fails after something was done is in `failure`. */
export async function carryOutChange(deps: LaunchDeps, change: Change, options: Options): Promise<Changed> {
  switch (change.kind) {
    case "terminate":
    case "stop":
      return end(deps, change.kind, change.ids, options)
    case "terminate all": {
      const cancelled = await cancelSpotRequests(deps, options)
      const ended = await end(deps, "terminate", "all", options)
      return { ...ended, effects: [...cancelled.effects, ...ended.effects] }
    }
    case "cancel spot requests":
      return cancelSpotRequests(deps, options)
    case "start":
      return change.together ? startAll(deps, change.ids, options) : start(deps, change.ids, options)
    case "extend":
      return extend(deps, change.ids, change.byMs, options)
    case "delete": {
      const stored = await deleteStored(deps, change.ids, options)
      const ids = stored.map(({ id }) => id)
      return { effects: [{ kind: "delete", stored }], behind: [], ids, state: null }
    }
  }
}

/** Terminates or stops the named ones: all of them are tried. */
export async function end(
  deps: LaunchDeps,
  action: EndAction,
  ids: readonly string[] | "all",
  { dryRun }: Options,
): Promise<Changed> {
  const { login } = deps.caller
  const own = await currentInstances(deps)
  const isOver =
    action === "terminate" ? /^(shutting-down|terminated)$/ : /^(shutting-down|terminated|stop.*)$/
  const named = ids === "all" ? own.instances : owned(own, ids, login)
  const instances = named.filter(({ state }) => !isOver.test(state))
  const ended = (those: readonly Instance[]): Omit<Changed, "behind"> => ({
    effects: [{ kind: action, instances: those }],
    ids: those.map(({ id }) => id),
    state: action === "terminate" ? "terminated" : "stopped",
  })
  if (instances.length === 0 || dryRun) return { ...ended(instances), behind: [] }
  const { done, failures, behind } = await endInstances(deps, action, instances, login, "", "attempt")
  const failure = failures.length > 0 ? new Failed(action, failures.join("; ")) : undefined
  return { ...ended(instances.filter(({ id }) => done.includes(id))), behind, failure }
}

async function cancelSpotRequests(deps: LaunchDeps, { dryRun }: Options): Promise<Changed> {
  const { caller, audit, usageDb } = deps
  const ec2 = await deps.aws.ec2()
  const requests = await ec2.spotRequests({ states: ["open", "active"] })
  const own = requests.filter((request) => isOwnedBy(request, caller.login, deps.config))
  if (!dryRun) {
    for (const { id } of own) {
      audit.record(caller.login, `cancel spot request ${id}`, "attempt")
      const { requestId } = await ec2.cancelSpotRequest(id)
      audit.record(caller.login, `cancel spot request ${id}: done (request ${requestId})`, "regardless")
    }
    // they count against limits as long as they are known to be open
    usageDb.transaction(() => usageDb.spotRequests.replaceOf(caller.login, []))
  }
  return { effects: [{ kind: "cancel", count: own.length }], behind: [], ids: [], state: null }
}

/** Starts them one by one, each by an admission of its own, up to the first that is refused. */
export async function start(deps: LaunchDeps, ids: readonly string[], options: Options): Promise<Changed> {
  if (!options.dryRun) await requireOwnInstallation(deps)
  const own = await currentInstances(deps)
  const started: Started[] = []
  for (const instance of owned(own, ids, deps.caller.login)) {
    try {
      started.push(await startAgain(deps, instance, own, options))
    } catch (failure) {
      if (started.length === 0) throw failure
      return changedBy(started, failure)
    }
  }
  return changedBy(started, undefined)
}

/** Starts all of them by one admission, or none. */
async function startAll(deps: LaunchDeps, ids: readonly string[], options: Options): Promise<Changed> {
  const own = await currentInstances(deps)
  const { started, failure } = await startTogether(deps, owned(own, ids, deps.caller.login), own, options)
  return changedBy(started, failure)
}

function changedBy(started: readonly Started[], failure: unknown): Changed {
  const ids = started.map(({ id }) => id)
  const effects: Effect[] = [{ kind: "start", started }]
  return { effects, behind: [], ids, state: "running", ...(failure === undefined ? {} : { failure }) }
}

/** Extends the leases of all of them or of none. */
export async function extend(
  deps: LaunchDeps,
  ids: readonly string[],
  byMs: number,
  options: Options,
): Promise<Changed> {
  const own = await currentInstances(deps)
  const instances = owned(own, ids, deps.caller.login)
  const { leases, notes } = await extendLeases(deps, instances, byMs, own, options)
  const extended = leases.map(({ instanceId }) => instanceId)
  return { effects: [{ kind: "extend", leases }], behind: notes, ids: extended, state: null }
}
