import { describe, expect, test } from "bun:test"
import type { InstanceState } from "../../../lib/base/instance.ts"
import { later, msPerHour, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import {
  type LeaseFacts,
  planEnforcement,
  type Situation,
  stepLine,
  warningText,
} from "../../../lib/decisions/enforcement/enforcement_plan.ts"

const now = utcMsOf(Date.UTC(2026, 8, 1, 12))
const min = msPerMinute

/** One whose end everybody knows. */
const lease = (endsInMs: number, changes: Partial<LeaseFacts> = {}): LeaseFacts => ({
  instanceId: "i-1",
  login: "cs61c-aa",
  region: "us-east-1",
  market: "on-demand",
  instanceType: "m1.small",
  endsAtUtcMs: later(now, endsInMs),
  stoppedAtUtcMs: null,
  announcedEndUtcMs: later(now, endsInMs),
  terminationAtUtcMs: null,
  ...changes,
})

interface Case {
  what: string
  endsInMs: number
  facts?: Partial<LeaseFacts>
  state: InstanceState | null
  action?: "terminate" | "stop"
  /** The warnings that were given, in minutes before the end. */
  warned?: number[]
  /** When the scheduler ought to terminate it, from now; undefined: there is no scheduler. */
  scheduleInMs?: number
  steps: string[]
}

const hour = msPerHour
const ended = "its lease ended 10 min ago, at 2026-09-01T11:50:00Z"
const cases: Case[] = [
  { what: "a lease that lasts is left alone", endsInMs: 2 * hour, state: "running", steps: [] },
  {
    what: "the instance is gone",
    endsInMs: 2 * hour,
    state: null,
    steps: ["close the lease of i-1 of cs61c-aa (m1.small): it is over"],
  },
  {
    what: "the instance is terminated, also after its end",
    endsInMs: -10 * min,
    state: "terminated",
    steps: ["close the lease of i-1 of cs61c-aa (m1.small): it is over"],
  },
  { what: "the instance is on its way out", endsInMs: -10 * min, state: "shutting-down", steps: [] },

  {
    what: "the first warning is due to the minute",
    endsInMs: 60 * min,
    state: "running",
    steps: ["warn cs61c-aa: the lease of i-1 of cs61c-aa (m1.small) ends at 2026-09-01T13:00:00Z"],
  },
  { what: "and not before", endsInMs: 60 * min + 1, state: "running", steps: [] },
  { what: "nor twice", endsInMs: 30 * min, state: "running", warned: [60], steps: [] },
  {
    what: "the second warning follows the first",
    endsInMs: 15 * min,
    state: "running",
    warned: [60],
    steps: ["warn cs61c-aa: the lease of i-1 of cs61c-aa (m1.small) ends at 2026-09-01T12:15:00Z"],
  },
  {
    what: "a late run gives the last warning only",
    endsInMs: 5 * min,
    state: "pending",
    steps: ["warn cs61c-aa: the lease of i-1 of cs61c-aa (m1.small) ends at 2026-09-01T12:05:00Z"],
  },
  {
    what: "the first warning does not come after the last",
    endsInMs: 5 * min,
    state: "running",
    warned: [15],
    steps: [],
  },
  { what: "a stopped instance needs no warning", endsInMs: 5 * min, state: "stopped", steps: [] },

  {
    what: "it is over now",
    endsInMs: 0,
    state: "running",
    steps: ["terminate i-1 of cs61c-aa (m1.small): its lease ended 0 s ago, at 2026-09-01T12:00:00Z"],
  },
  {
    what: "it was over before",
    endsInMs: -10 * min,
    state: "running",
    steps: [`terminate i-1 of cs61c-aa (m1.small): ${ended}`],
  },
  {
    what: "a stopped one is terminated, too",
    endsInMs: -10 * min,
    state: "stopped",
    steps: [`terminate i-1 of cs61c-aa (m1.small): ${ended}`],
  },
  {
    what: "nobody is warned of what has ended",
    endsInMs: -10 * min,
    state: "running",
    facts: { announcedEndUtcMs: null },
    steps: [`terminate i-1 of cs61c-aa (m1.small): ${ended}`],
  },

  {
    what: "action stop stops what runs",
    endsInMs: -10 * min,
    state: "running",
    action: "stop",
    steps: [`stop i-1 of cs61c-aa (m1.small): ${ended}`],
  },
  {
    what: "and what is about to",
    endsInMs: -10 * min,
    state: "pending",
    action: "stop",
    steps: [`stop i-1 of cs61c-aa (m1.small): ${ended}`],
  },
  {
    what: "but one-time spot instances cannot be stopped",
    endsInMs: -10 * min,
    state: "running",
    action: "stop",
    facts: { market: "spot" },
    steps: [`terminate i-1 of cs61c-aa (m1.small): ${ended}`],
  },
  { what: "what is stopped is kept", endsInMs: -10 * min, state: "stopped", action: "stop", steps: [] },
  { what: "what is stopping, too", endsInMs: -10 * min, state: "stopping", action: "stop", steps: [] },
  {
    what: "until its time is over",
    endsInMs: -24 * hour,
    state: "stopped",
    action: "stop",
    steps: [
      "terminate i-1 of cs61c-aa (m1.small): its lease ended 24 h 00 min ago, at 2026-08-31T12:00:00Z, and what is stopped is kept for 24 h 00 min",
    ],
  },

  {
    what: "a schedule is made",
    endsInMs: 2 * hour,
    state: "running",
    scheduleInMs: 3 * hour,
    steps: ["set the switch of i-1 of cs61c-aa (m1.small) to 2026-09-01T15:00:00Z"],
  },
  {
    what: "a schedule is moved",
    endsInMs: 2 * hour,
    state: "running",
    scheduleInMs: 3 * hour,
    facts: { terminationAtUtcMs: later(now, hour) },
    steps: ["set the switch of i-1 of cs61c-aa (m1.small) to 2026-09-01T15:00:00Z"],
  },
  {
    what: "a schedule is right",
    endsInMs: 2 * hour,
    state: "running",
    scheduleInMs: 3 * hour,
    facts: { terminationAtUtcMs: later(now, 3 * hour) },
    steps: [],
  },
  {
    what: "a schedule is not wanted any more",
    endsInMs: 2 * hour,
    state: "running",
    facts: { terminationAtUtcMs: later(now, hour) },
    steps: ["remove the switch of i-1 of cs61c-aa (m1.small): leases.scheduler_role is set no longer"],
  },
  {
    what: "a stopped instance past its lease keeps its schedule right",
    endsInMs: -10 * min,
    state: "stopped",
    action: "stop",
    scheduleInMs: 25 * hour,
    steps: ["set the switch of i-1 of cs61c-aa (m1.small) to 2026-09-02T13:00:00Z"],
  },

  {
    what: "a new end is announced",
    endsInMs: 2 * hour,
    state: "running",
    facts: { announcedEndUtcMs: later(now, hour) },
    steps: ["tag i-1 of cs61c-aa (m1.small) with the end of its lease, 2026-09-01T14:00:00Z"],
  },
  {
    what: "a first end is announced",
    endsInMs: 2 * hour,
    state: "stopped",
    facts: { announcedEndUtcMs: null },
    steps: ["tag i-1 of cs61c-aa (m1.small) with the end of its lease, 2026-09-01T14:00:00Z"],
  },
]

const situation = (leases: LeaseFacts[], changes: Partial<Situation>): Situation => ({
  nowUtcMs: now,
  leases,
  stateOf: () => "running",
  wasWarned: () => false,
  terminationAt: () => null,
  config: { action: "terminate", warnMs: [60 * min, 15 * min], stoppedMs: 24 * hour },
  ...changes,
})

describe("enforcement's plan", () => {
  test.each(cases)(
    "$what",
    ({ endsInMs, facts, state, action = "terminate", warned = [], scheduleInMs, steps }) => {
      const plan = planEnforcement(
        situation([lease(endsInMs, facts)], {
          stateOf: () => state,
          wasWarned: (_, warnMs) => warned.includes(warnMs / min),
          terminationAt: () => (scheduleInMs === undefined ? null : later(now, scheduleInMs)),
          config: { action, warnMs: [60 * min, 15 * min], stoppedMs: 24 * hour },
        }),
      )
      expect(plan.map(stepLine)).toEqual(steps)
    },
  )

  test("ends come first, then warnings, then what is kept in order", () => {
    const of = (instanceId: string, endsInMs: number, facts: Partial<LeaseFacts> = {}) =>
      lease(endsInMs, { instanceId, ...facts })
    const leases = [
      of("i-announce", 2 * hour, { announcedEndUtcMs: null }),
      of("i-gone", 2 * hour),
      of("i-warn", 10 * min),
      of("i-stop", -min),
      of("i-terminate", -min, { market: "spot" }),
      of("i-remove", 2 * hour, { terminationAtUtcMs: now }),
    ]
    const plan = planEnforcement(
      situation(leases, {
        stateOf: (id) => (id === "i-gone" ? null : "running"),
        config: { action: "stop", warnMs: [60 * min], stoppedMs: hour },
      }),
    )
    expect(plan.map(({ kind, lease: { instanceId } }) => `${kind} ${instanceId}`)).toEqual([
      "terminate i-terminate",
      "stop i-stop",
      "warn i-warn",
      "close i-gone",
      "remove schedule i-remove",
      "announce i-announce",
    ])
  })

  test("an empty list of leases is an empty plan", () => {
    expect(planEnforcement(situation([], {}))).toEqual([])
  })
})

test.each([
  [60 * min, "in 60 minutes, at 2026-09-01T13:00:00Z"],
  [90_000, "in 1 minute, at 2026-09-01T12:01:30Z"],
  // Nobody is told of zero minutes.
  [10_000, "in 1 minute, at 2026-09-01T12:00:10Z"],
])("a warning %d ms before the end says %s", (endsInMs, says) => {
  expect(warningText(lease(endsInMs), now)).toBe(
    `The lease of i-1 (m1.small) ends ${says}. To keep it longer: ec2-active --extend i-1 2h`,
  )
})
