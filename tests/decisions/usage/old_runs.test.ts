import { expect, test } from "bun:test"
import { type OldRow, runsOfOld } from "../../../lib/decisions/usage/old_runs.ts"

const row = (parts: Partial<OldRow>): OldRow => ({
  ...{ instanceId: "i-1", instanceType: "m1.small", market: "on-demand", login: "cs61c-ab" },
  ...{ startUtcMs: 0, endUtcMs: 100, seenUtcMs: 90, stops: [] },
  ...parts,
})
const stop = (stoppedUtcMs: number, runningUtcMs: number | null = null) => ({ stoppedUtcMs, runningUtcMs })

test.each<[what: string, parts: Partial<OldRow>, runs: string[]]>([
  ["never stopped", {}, ["0 to 100"]],
  ["stopped and started again", { stops: [stop(20, 50)] }, ["0 to 20", "50 to 100"]],
  ["seen stopped by each run of cron", { stops: [20, 30, 40].map((at) => stop(at)) }, ["0 to 20..100"]],
  ["of those only the last was closed", { stops: [stop(20), stop(40, 50)] }, ["0 to 20..40", "50 to 100"]],
  ["stopped again for good", { stops: [stop(20, 50), stop(70)] }, ["0 to 20", "50 to 70..100"]],
  [
    "all were closed",
    { stops: [stop(40, 50), stop(20, 50), stop(60, 70)] },
    ["0 to 20", "50 to 60", "70 to 100"],
  ],
  ["closed before it was stopped", { stops: [stop(50, 20)] }, ["0 to 100"]],
  ["stopped from before its start", { stops: [stop(-5, 20)] }, ["20 to 100"]],
  ["started again after its end", { stops: [stop(80, 120)] }, ["0 to 80"]],
  ["off all the time", { stops: [stop(-5, 120)] }, ["100 to 100"]],
  ["still running since", { endUtcMs: null, stops: [stop(20, 50)] }, ["0 to 20", "50, seen 90"]],
  ["not seen again", { endUtcMs: null, stops: [stop(20, 50), stop(70)] }, ["0 to 20", "50, seen 70"]],
])("an old row %s", (_what, parts, runs) => {
  const shown = runsOfOld(row(parts)).map(({ start, end, seenUtcMs }) => {
    if (!end) return `${start.latestUtcMs}, seen ${seenUtcMs}`
    const { earliestUtcMs, latestUtcMs } = end
    return `${start.latestUtcMs} to ${earliestUtcMs === latestUtcMs ? "" : `${earliestUtcMs}..`}${latestUtcMs}`
  })
  expect(shown).toEqual(runs)
})
