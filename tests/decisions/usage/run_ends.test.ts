import { describe, expect, test } from "bun:test"
import type { Instance } from "../../../lib/base/instance.ts"
import { later, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import { endOfRun } from "../../../lib/decisions/usage/run_ends.ts"

/** Launched at noon; seen on at 13:00, and off at 13:05. */
const noon = utcMsOf(Date.UTC(2026, 8, 1, 12))
const on = later(noon, 60 * msPerMinute)
const off = later(noon, 65 * msPerMinute)
/** `13:02:00`. */
const at = (time: string) => Date.parse(`2026-09-01T${time}Z`)

interface Case {
  what: string
  /** The time in StateTransitionReason; null: there is none. */
  date: string | null
  facts?: Partial<Instance>
  ends: [from: string, to: string, evidence: string]
}

const cases: Case[] = [
  { what: "EC2 says when", date: "13:02:00", ends: ["13:02:00", "13:02:00", "reason"] },
  { what: "EC2 does not say when", date: null, ends: ["13:00:00", "13:05:00", "observed"] },
  { what: "EC2 speaks of an earlier life", date: "11:00:00", ends: ["13:00:00", "13:05:00", "observed"] },
  { what: "EC2's clock is a little behind ours", date: "12:56:00", ends: ["12:56:00", "12:56:00", "reason"] },
  { what: "it was seen on long after that", date: "12:30:00", ends: ["12:30:00", "13:05:00", "observed"] },
  {
    what: "it hibernates, and writes its memory to disk unseen",
    date: "13:02:00",
    facts: { stateReasonCode: "Client.UserInitiatedHibernate" },
    ends: ["13:02:00", "13:05:00", "observed"],
  },
  {
    what: "it may have been stopped before it was terminated",
    date: "13:04:00",
    facts: { state: "terminated" },
    ends: ["13:00:00", "13:04:00", "reason"],
  },
  {
    what: "there was no time to stop it first",
    date: "13:00:59",
    facts: { state: "terminated" },
    ends: ["13:00:59", "13:00:59", "reason"],
  },
  {
    what: "one-time spot cannot be stopped first",
    date: "13:04:00",
    facts: { state: "terminated", market: "spot" },
    ends: ["13:04:00", "13:04:00", "reason"],
  },
]

describe("a run ended", () => {
  test.each(cases)("$what", ({ date, facts, ends: [from, to, evidence] }) => {
    const reason = date === null ? "" : `User initiated (2026-09-01 ${date} GMT)`
    const instance = {
      ...{ state: "stopped", market: "on-demand", launchedAtUtcMs: noon, stateReasonCode: "" },
      stateTransitionReason: reason,
      ...facts,
    } as Instance
    expect(endOfRun(instance, on, off) as unknown).toEqual({
      earliestUtcMs: at(from),
      latestUtcMs: at(to),
      evidence,
    })
  })
})
