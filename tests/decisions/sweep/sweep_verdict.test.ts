/** What a sweep may remove: every rule by itself, each against something that would be removed without it. */
import { expect, test } from "bun:test"
import { tagOf } from "../../../lib/base/instance.ts"
import { noMicroUsd } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import type { Leftover } from "../../../lib/decisions/sweep/leftover.ts"
import { judgeLeftover, type SweepEvidence } from "../../../lib/decisions/sweep/sweep_verdict.ts"

const hour = 3_600_000
const made = utcMsOf(100 * hour)
const now = utcMsOf(200 * hour)
const volume: Leftover = {
  ...{ kind: "volume", region: "us-east-1", id: "vol-1", name: "", usedBy: "", microUsdPerHour: noMicroUsd },
  ...{ createdAtUtcMs: made, tags: { [tagOf.course]: "cs61c", [tagOf.owner]: "cs61c-aa" } },
}
const evidence: SweepEvidence = {
  ledger: { login: "cs61c-aa", createdAtUtcMs: made },
  ...{ whyWanted: () => null, firstSeenUtcMs: null, isKept: false, unlisted: null },
}
const verdict = (found: Partial<Leftover>, known: Partial<SweepEvidence> = {}, at = now) =>
  judgeLeftover({ ...volume, ...found }, { ...evidence, ...known }, "cs61c", at).verdict

test("what the ledger has by id, with our tags and nobody's any more, is ours", () => {
  expect(verdict({})).toBe("ours")
})

test.each<[string, Partial<Leftover>, Partial<SweepEvidence>, string]>([
  ["only a tag", {}, { ledger: null }, "tagged"],
  ["only the ledger's id", { tags: {} }, {}, "tagged"],
  ["another course's tag", { tags: { [tagOf.course]: "cs161" } }, { ledger: null }, "nobody's"],
  ["neither", { tags: {} }, { ledger: null }, "nobody's"],
  ["another time of creation", { createdAtUtcMs: utcMsOf(made + hour) }, {}, "tagged"],
  ["no time of creation, seen long ago", { createdAtUtcMs: null }, { firstSeenUtcMs: made }, "tagged"],
  ["no time of creation, seen now", { createdAtUtcMs: null }, {}, "kept"],
  ["an attachment", { usedBy: "i-1" }, {}, "kept"],
  ["an owner who may want it", {}, { whyWanted: () => "cs61c-aa has an account" }, "kept"],
  ["--keep", {}, { isKept: true }, "kept"],
  ["a region that was not all listed", {}, { unlisted: "volumes: no" }, "kept"],
  ["less than an hour of age", { createdAtUtcMs: utcMsOf(now - hour + 1) }, {}, "kept"],
])("what has %s is %s", (_, found, known, expected) => {
  expect(verdict(found, known)).toBe(expected as ReturnType<typeof verdict>)
})
