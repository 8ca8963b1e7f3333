import { describe, expect, test } from "bun:test"
import { hasEnded, type Instance, type InstanceState } from "../../../lib/base/instance.ts"
import { byEc2, isHibernation, isOn, reasonDate } from "../../../lib/decisions/usage/transitions.ts"

const instance = (facts: Partial<Instance>) => facts as Instance
const hibernation = "Client.UserInitiatedHibernate"

describe("an instance is billed", () => {
  test.each<[InstanceState, code: string, billed: boolean]>([
    ["pending", "", true],
    ["running", "", true],
    ["stopping", "Client.UserInitiatedShutdown", false],
    // Its memory is written to disk first, which is billed.
    ["stopping", hibernation, true],
    ["stopped", hibernation, false],
    ["shutting-down", "", false],
    ["terminated", "", false],
  ])("in %s with reason %p: %p", (state, stateReasonCode, billed) => {
    expect(isOn(instance({ state, stateReasonCode }))).toBe(billed)
  })

  test("hibernation is known by its reason alone", () => {
    expect(isHibernation(instance({ stateReasonCode: hibernation }))).toBe(true)
    expect(isHibernation(instance({ stateReasonCode: "" }))).toBe(false)
  })
})

describe("EC2 took it back", () => {
  test.each<["spot" | "on-demand", code: string, taken: boolean]>([
    ["spot", "Server.SpotInstanceTermination", true],
    ["spot", "Server.SpotInstanceShutdown", true],
    ["spot", "Client.UserInitiatedShutdown", false],
    ["spot", "", false],
    ["on-demand", "Server.SpotInstanceTermination", false],
    ["spot", "XServer.SpotInstanceTermination", false],
  ])("from %s with reason %p: %p", (market, stateReasonCode, taken) => {
    expect(byEc2(instance({ market, stateReasonCode }))).toBe(taken)
  })
})

describe("the date in a reason", () => {
  test.each<[reason: string, iso: string | null]>([
    ["User initiated (2021-10-04 14:13:33 GMT)", "2021-10-04T14:13:33Z"],
    ["User initiated (2021-10-04 14:13:33 UTC)", "2021-10-04T14:13:33Z"],
    ["Server.SpotInstanceTermination (2026-02-28 23:59:59 GMT) and more", "2026-02-28T23:59:59Z"],
    ["User initiated", null],
    ["", null],
    ["User initiated (2021-10-04 14:13:33 PST)", null],
    ["User initiated (2021-13-04 14:13:33 GMT)", null],
    ["User initiated (2021-10-04T14:13:33 GMT)", null],
  ])("%p is %p", (stateTransitionReason, iso) => {
    const found: number | null = reasonDate({ stateTransitionReason })
    expect(found).toBe(iso === null ? null : Date.parse(iso))
  })
})

test.each<[InstanceState, boolean]>([
  ["pending", false],
  ["running", false],
  ["stopping", false],
  ["stopped", false],
  ["shutting-down", true],
  ["terminated", true],
])("%s is on its way out: %p", (state, terminating) => {
  expect(hasEnded({ state })).toBe(terminating)
})
