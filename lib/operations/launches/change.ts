/** What ec2_active does to the caller's own instances: one of these at a time, decided from its options. */
import { Failed, UsageError } from "../../base/errors.ts"
import type { Instance, InstanceState } from "../../base/instance.ts"
import { plural, quoted } from "../../base/text.ts"
import { isoUtc, parseDuration } from "../../base/time.ts"
import { ownerOf } from "../../decisions/launches/owners.ts"
import { deleteStored } from "../storage/own_storage.ts"
import { currentInstances, owned } from "./active.ts"
import type { LaunchDeps } from "./deps.ts"
import { type EndAction, endInstances } from "./end.ts"
import { extendLeases } from "./extend.ts"
import { type Started, startAgain, startTogether } from "./restart.ts"

export interface Changed {
  /** What was done, or in a dry run would be, a line each. */
  lines: string[]
  ids: string[]
  /** What the instances end up as, for `--wait`; null where nothing changes state. */
  state: InstanceState | null
  /** What did not work beside it, to be thrown when all of this is said. */
  failure?: unknown
}

interface Options {
  dryRun: boolean
}

/** ec2_active's options that change something. */
export interface ChangeOptions {
  ids: string[]
  terminate: boolean
  "terminate-all": boolean
  "cancel-spot-requests": boolean
  stop: boolean
  start: boolean
  together: boolean
  extend: boolean
  delete: boolean
  "dry-run": boolean
}

/** What these options ask to be done, or null where they only look. Throws UsageError where they ask for two things. */
export function changeAsked(options: ChangeOptions): ((deps: LaunchDeps) => Promise<Changed>) | null {
  const { ids } = options
  const how = { dryRun: options["dry-run"] }
  const changes: Record<string, (deps: LaunchDeps) => Promise<Changed>> = {
    "terminate-all": (deps) => terminateAll(deps, how),
    "cancel-spot-requests": (deps) => cancelSpotRequests(deps, how),
    terminate: (deps) => end(deps, "terminate", ids, how),
    stop: (deps) => end(deps, "stop", ids, how),
    start: (deps) => (options.together ? startAll(deps, ids, how) : start(deps, ids, how)),
    extend: (deps) => extend(deps, ids, how),
    delete: (deps) => deleteStored(deps, ids, how),
  }
  const asked = Object.keys(changes).filter((name) => options[name as keyof ChangeOptions])
  // the old tool took both of these at once, and the first does the second's work
  const [first, second] = asked.filter((name) => name !== "cancel-spot-requests" || asked.length === 1)
  if (second !== undefined) throw new UsageError("options", `--${first} and --${second} exclude each other`)
  if (options.together && first !== "start") throw new UsageError("options", "--together needs --start")
  if (ids.length > 0 && (first === undefined || first.includes("-"))) {
    throw new UsageError("arguments", `unexpected argument ${quoted(ids[0] ?? "")}`)
  }
  return first === undefined ? null : (changes[first] ?? null)
}

async function terminateAll(deps: LaunchDeps, options: Options): Promise<Changed> {
  const cancelled = await cancelSpotRequests(deps, options)
  const ended = await end(deps, "terminate", "all", options)
  return { ...ended, lines: [...cancelled.lines, ...ended.lines] }
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
  const verb = action === "terminate" ? "Terminating" : "Stopping"
  const changed = (those: readonly Instance[]): Changed => ({
    lines: those.map(({ id, type }) => `${dryRun ? `Would be ${verb.toLowerCase()}` : verb} ${id} (${type})`),
    ids: those.map(({ id }) => id),
    state: action === "terminate" ? "terminated" : "stopped",
  })
  if (instances.length === 0) return { ...changed([]), lines: [`nothing to ${action}`] }
  if (dryRun) return changed(instances)
  const { done, failures, behind } = await endInstances(deps, action, instances, login, "")
  const { lines, ...rest } = changed(instances.filter(({ id }) => done.includes(id)))
  const failure = failures.length > 0 ? new Failed(action, failures.join("; ")) : undefined
  return { ...rest, lines: [...lines, ...behind], failure }
}

async function cancelSpotRequests(deps: LaunchDeps, { dryRun }: Options): Promise<Changed> {
  const { caller, audit, usageDb } = deps
  const ec2 = await deps.aws.ec2()
  const requests = await ec2.spotRequests({ states: ["open", "active"] })
  const own = requests.filter((request) => ownerOf(request) === caller.login)
  if (!dryRun) {
    for (const { id } of own) {
      audit.record(caller.login, `cancel spot request ${id}`, "regardless")
      const { requestId } = await ec2.cancelSpotRequest(id)
      audit.record(caller.login, `cancel spot request ${id}: done (request ${requestId})`, "regardless")
    }
    // they count against limits as long as they are known to be open
    usageDb.transaction(() => usageDb.spotRequests.replaceOf(caller.login, []))
  }
  const verb = dryRun ? "Would cancel" : "Cancelled"
  return { lines: [`${verb} ${plural(own.length, "spot request")}`], ids: [], state: null }
}

/** Starts them one by one, each by an admission of its own, up to the first that is refused. */
export async function start(deps: LaunchDeps, ids: readonly string[], options: Options): Promise<Changed> {
  const own = await currentInstances(deps)
  const changed: Changed = { lines: [], ids: [], state: "running" }
  for (const instance of owned(own, ids, deps.caller.login)) {
    try {
      const started = await startAgain(deps, instance, own, options)
      changed.ids.push(started.id)
      changed.lines.push(startLine(started, options))
    } catch (failure) {
      if (changed.ids.length === 0) throw failure
      return { ...changed, failure }
    }
  }
  return changed
}

/** Starts all of them by one admission, or none. */
async function startAll(deps: LaunchDeps, ids: readonly string[], options: Options): Promise<Changed> {
  const own = await currentInstances(deps)
  const { started, failure } = await startTogether(deps, owned(own, ids, deps.caller.login), own, options)
  return {
    lines: started.map((one) => startLine(one, options)),
    ids: started.map(({ id }) => id),
    state: "running",
    ...(failure === undefined ? {} : { failure }),
  }
}

function startLine({ id, leaseEndsAtUtcMs, note }: Started, { dryRun }: Options): string {
  const verb = dryRun ? "Would start" : "Starting"
  return `${verb} ${id}, its lease ends at ${isoUtc(leaseEndsAtUtcMs)}${note && ` (${note})`}`
}

/** `words`: ids, then how much longer. */
export async function extend(deps: LaunchDeps, words: readonly string[], options: Options): Promise<Changed> {
  const ids = words.slice(0, -1)
  const last = words.at(-1) ?? ""
  const byMs = parseDuration(last)
  if (byMs === null) {
    throw new UsageError(
      "arguments",
      `--extend ID... DURATION: ${quoted(last)} is no duration such as 2h or 90m`,
    )
  }
  const own = await currentInstances(deps)
  const instances = owned(own, ids, deps.caller.login)
  const { leases, notes } = await extendLeases(deps, instances, byMs, own, options)
  return {
    lines: [
      ...leases.map(
        ({ instanceId, endsAtUtcMs }) =>
          `${options.dryRun ? "Would extend" : "Extended"} ${instanceId} until ${isoUtc(endsAtUtcMs)}`,
      ),
      ...notes,
    ],
    ids: leases.map(({ instanceId }) => instanceId),
    state: null,
  }
}
