/**
 * What enforcement does now, as data: the real run carries out exactly what a dry run prints. Only what has a lease is in it:
 * an instance that was not launched through us is never touched.
 */
import type { Config } from "../../base/config.ts"
import type { InstanceState } from "../../base/instance.ts"
import { plural } from "../../base/text.ts"
import { duration, isoUtc, msPerMinute, type UtcMs } from "../../base/time.ts"

/** What of a lease the plan goes by. */
export interface LeaseFacts {
  instanceId: string
  login: string
  region: string
  market: "on-demand" | "spot"
  instanceType: string
  endsAtUtcMs: UtcMs
  stoppedAtUtcMs: UtcMs | null
  announcedEndUtcMs: UtcMs | null
  terminationAtUtcMs: UtcMs | null
}

export interface Situation {
  nowUtcMs: UtcMs
  leases: readonly LeaseFacts[]
  /** As AWS lists it; null where it does not, and should. */
  stateOf: (instanceId: string) => InstanceState | null
  wasWarned: (lease: LeaseFacts, warnMs: number) => boolean
  /** When the scheduler ought to terminate a lease's instance; null without leases.scheduler_role. */
  terminationAt: (lease: LeaseFacts) => UtcMs | null
  config: Pick<Config["leases"], "action" | "warnMs" | "stoppedMs">
}

type Of<Kind extends string> = { kind: Kind; lease: LeaseFacts }
export type EnforcementStep =
  | (Of<"warn"> & { warnMs: number })
  | (Of<"stop"> & { because: string })
  | (Of<"terminate"> & { because: string })
  /** It is over: its lease is closed. */
  | Of<"close">
  | (Of<"set schedule"> & { atUtcMs: UtcMs })
  | Of<"remove schedule">
  | Of<"announce">

/** Ends first, warnings after, what is merely kept in order last. */
export function planEnforcement(situation: Situation): EnforcementStep[] {
  const steps = situation.leases.flatMap((lease) => stepsFor(lease, situation))
  return steps.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}

const order: EnforcementStep["kind"][] = [
  "terminate",
  "stop",
  "warn",
  "close",
  "set schedule",
  "remove schedule",
  "announce",
]

function stepsFor(lease: LeaseFacts, situation: Situation): EnforcementStep[] {
  const { nowUtcMs } = situation
  const state = situation.stateOf(lease.instanceId)
  if (state === null || state === "terminated") return [{ kind: "close", lease }]
  if (state === "shutting-down") return []
  if (lease.endsAtUtcMs <= nowUtcMs) return endOf(lease, state, situation)
  return [
    ...warningOf(lease, state, situation),
    ...scheduleStepOf(lease, situation),
    ...(lease.announcedEndUtcMs === lease.endsAtUtcMs ? [] : [{ kind: "announce" as const, lease }]),
  ]
}

function endOf(lease: LeaseFacts, state: InstanceState, situation: Situation): EnforcementStep[] {
  const { nowUtcMs, config } = situation
  const over = `its lease ended ${duration(nowUtcMs - lease.endsAtUtcMs)} ago, at ${isoUtc(lease.endsAtUtcMs)}`
  // a one-time spot instance cannot be stopped
  if (config.action === "terminate" || lease.market === "spot") {
    return [{ kind: "terminate", lease, because: over }]
  }
  if (state === "running" || state === "pending") return [{ kind: "stop", lease, because: over }]
  if (nowUtcMs < lease.endsAtUtcMs + config.stoppedMs) return scheduleStepOf(lease, situation)
  const because = `${over}, and what is stopped is kept for ${duration(config.stoppedMs)}`
  return [{ kind: "terminate", lease, because }]
}

/** The shortest warning whose time has come: a run of cron that came late says one thing, not three. */
function warningOf(
  lease: LeaseFacts,
  state: InstanceState,
  { nowUtcMs, wasWarned, config }: Situation,
): EnforcementStep[] {
  if (state !== "running" && state !== "pending") return []
  const due = config.warnMs.filter((warnMs) => lease.endsAtUtcMs - warnMs <= nowUtcMs)
  const warnMs = due.length > 0 ? Math.min(...due) : null
  return warnMs === null || wasWarned(lease, warnMs) ? [] : [{ kind: "warn", lease, warnMs }]
}

function scheduleStepOf(lease: LeaseFacts, { terminationAt }: Situation): EnforcementStep[] {
  const atUtcMs = terminationAt(lease)
  if (atUtcMs === lease.terminationAtUtcMs) return []
  return [atUtcMs === null ? { kind: "remove schedule", lease } : { kind: "set schedule", lease, atUtcMs }]
}

/** `terminate i-0abc of cs61c-aa (m1.small): its lease ended 12 min ago, at …`. */
export function stepLine(step: EnforcementStep): string {
  const { lease } = step
  const what = `${lease.instanceId} of ${lease.login} (${lease.instanceType})`
  switch (step.kind) {
    case "terminate":
    case "stop":
      return `${step.kind} ${what}: ${step.because}`
    case "warn":
      return `warn ${lease.login}: the lease of ${what} ends at ${isoUtc(lease.endsAtUtcMs)}`
    case "close":
      return `close the lease of ${what}: it is over`
    case "set schedule":
      return `set the switch of ${what} to ${isoUtc(step.atUtcMs)}`
    case "remove schedule":
      return `remove the switch of ${what}: leases.scheduler_role is set no longer`
    case "announce":
      return `tag ${what} with the end of its lease, ${isoUtc(lease.endsAtUtcMs)}`
  }
}

/** What the owner reads in the mail, on the terminal, and from the next tool. */
export function warningText({ instanceId, instanceType, endsAtUtcMs }: LeaseFacts, nowUtcMs: UtcMs): string {
  const minutes = Math.max(1, Math.floor((endsAtUtcMs - nowUtcMs) / msPerMinute))
  return `The lease of ${instanceId} (${instanceType}) ends in ${plural(minutes, "minute")}, at ${isoUtc(endsAtUtcMs)}. To keep it longer: ec2-active --extend ${instanceId} 2h`
}
