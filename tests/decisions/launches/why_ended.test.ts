import { describe, expect, test } from "bun:test"
import { whyEnded } from "../../../lib/decisions/launches/why_ended.ts"

const of = (stateReasonCode: string, stateTransitionReason = "") => ({
  stateReasonCode,
  stateTransitionReason,
})

describe("why an instance ended", () => {
  test.each<[string, RegExp]>([
    ["Client.VolumeLimitExceeded", /no room for its volumes; staff must ask AWS/],
    ["Client.InvalidSnapshot.NotFound", /choose another image/],
    ["Client.InternalError", /KMS key.*default EBS key/],
    ["Server.InternalError", /launch it again/],
    ["Server.SpotInstanceTermination", /Spot capacity back/],
    ["Client.UserInitiatedShutdown", /^Client.UserInitiatedShutdown$/],
    ["", /^AWS gives no reason$/],
  ])("%s", (code, words) => {
    expect(whyEnded(of(code))).toMatch(words)
  })

  test("is EC2's own words where it gives no code", () => {
    expect(whyEnded(of("", "User initiated (2026-12-01 10:00:00 GMT)"))).toStartWith("User initiated")
  })
})
