import { expect, test } from "bun:test"
import { type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { type OldRow, runsOfOld } from "../../../lib/decisions/usage/old_runs.ts"

const row = (parts: Partial<OldRow>): OldRow => ({
  ...{ instanceId: "i-1", instanceType: "m1.small", market: "on-demand", login: "cs61c-ab" },
  ...{ startUtcMs: utcMsOf(0), endUtcMs: utcMsOf(100), seenUtcMs: utcMsOf(90), stops: [] },
  ...parts,
})
const stop = (stoppedUtcMs: UtcMs, runningUtcMs: UtcMs | null = null) => ({ stoppedUtcMs, runningUtcMs })

test.each<[what: string, parts: Partial<OldRow>, runs: string[]]>([
  ["never stopped", {}, ["0 to 100"]],
  ["stopped and started again", { stops: [stop(utcMsOf(20), utcMsOf(50))] }, ["0 to 20", "50 to 100"]],
  [
    "seen stopped by each run of cron",
    { stops: [20, 30, 40].map((at) => stop(utcMsOf(at))) },
    ["0 to 20..100"],
  ],
  [
    "of those only the last was closed",
    { stops: [stop(utcMsOf(20)), stop(utcMsOf(40), utcMsOf(50))] },
    ["0 to 20..40", "50 to 100"],
  ],
  [
    "stopped again for good",
    { stops: [stop(utcMsOf(20), utcMsOf(50)), stop(utcMsOf(70))] },
    ["0 to 20", "50 to 70..100"],
  ],
  [
    "all were closed",
    {
      stops: [stop(utcMsOf(40), utcMsOf(50)), stop(utcMsOf(20), utcMsOf(50)), stop(utcMsOf(60), utcMsOf(70))],
    },
    ["0 to 20", "50 to 60", "70 to 100"],
  ],
  ["closed before it was stopped", { stops: [stop(utcMsOf(50), utcMsOf(20))] }, ["0 to 100"]],
  ["stopped from before its start", { stops: [stop(utcMsOf(-5), utcMsOf(20))] }, ["20 to 100"]],
  ["started again after its end", { stops: [stop(utcMsOf(80), utcMsOf(120))] }, ["0 to 80"]],
  ["off all the time", { stops: [stop(utcMsOf(-5), utcMsOf(120))] }, ["100 to 100"]],
  [
    "still running since",
    { endUtcMs: null, stops: [stop(utcMsOf(20), utcMsOf(50))] },
    ["0 to 20", "50, seen 90"],
  ],
  [
    "not seen again",
    { endUtcMs: null, stops: [stop(utcMsOf(20), utcMsOf(50)), stop(utcMsOf(70))] },
    ["0 to 20", "50, seen 70"],
  ],
])("an old row %s", (_what, parts, runs) => {
  const shown = runsOfOld(row(parts)).map(({ start, end, seenUtcMs }) => {
    if (!end) return `${start.latestUtcMs}, seen ${seenUtcMs}`
    const { earliestUtcMs, latestUtcMs } = end
    return `${start.latestUtcMs} to ${earliestUtcMs === latestUtcMs ? "" : `${earliestUtcMs}..`}${latestUtcMs}`
  })
  expect(shown).toEqual(runs)
})
