import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { DescribeInstancesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2"
import { startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"

const emulator = await startEmulator()
const { proxy } = emulator
beforeEach(() => emulator.reset())
afterAll(() => emulator.stop())

const ask = async (method: string, name: string, order?: unknown) => {
  const body = order === undefined ? {} : { body: typeof order === "string" ? order : JSON.stringify(order) }
  const response = await fetch(`${emulator.endpoint}/_emulator/${name}`, { method, ...body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const launch = () =>
  emulator.ec2.send(
    new RunInstancesCommand({
      ImageId: emulator.fixtures.image,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
    }),
  )

describe("over HTTP", () => {
  test("a fault is scripted, and taken back", async () => {
    await ask("POST", "faults", { kind: "refuse", action: "RunInstances", times: 2 })
    expect(await codeOf(launch())).toBe("OperationNotPermitted")
    await ask("DELETE", "faults")
    expect(await codeOf(launch())).toBe("")
  })

  test("the time moves, and the bill with it", async () => {
    await launch()
    proxy.world.clock.stop()
    const start = proxy.world.clock.now()
    const { body } = await ask("POST", "advance", { minutes: 90 })
    expect(Date.parse(String(body.now)) - start).toBe(90 * 60_000)
    const bill = (await ask("GET", "bill")).body
    expect(bill.lines).toHaveLength(3) // instance, volume, address
    expect(Number(bill.total_usd)).toBeGreaterThan(0.015)
  })

  test("calls are read, knobs are turned, everything is forgotten", async () => {
    await launch()
    expect((await ask("GET", "calls")).body).toMatchObject([{ action: "RunInstances", status: 200 }])
    expect((await ask("POST", "knobs", { pageSize: 5 })).body).toMatchObject({ pageSize: 5 })
    expect(proxy.world.knobs.pageSize).toBe(5)
    await ask("POST", "reset")
    expect((await ask("GET", "knobs")).body).toMatchObject({ pageSize: 1000 })
    expect((await emulator.ec2.send(new DescribeInstancesCommand({}))).Reservations).toEqual([])
  })

  test.each([
    ["faults", { kind: "burn" }, "kind is none of drop-before, "],
    ["faults", { kind: "throttle", times: -1 }, "times is not a whole number"],
    ["faults", "[]", "the body is not a JSON object"],
    ["faults", "{", "the body is not a JSON object"],
    ["knobs", { pageSizes: 5 }, "pageSizes is none of tellsItsTime, "],
    ["knobs", { pageSize: "5" }, "pageSize is not a number"],
    ["advance", {}, "minutes is not a number"],
  ])("%s refuses %j", async (name, order, why) => {
    const { status, body } = await ask("POST", name, order)
    expect(status).toBe(400)
    expect(body.error).toStartWith(why)
  })

  test("what does not exist is answered with what does", async () => {
    const { status, body } = await ask("GET", "nothing")
    expect(status).toBe(404)
    expect(body.wanted).toContain("POST faults")
  })

  test("none of it is a call to AWS", async () => {
    await ask("GET", "calls")
    expect(proxy.calls).toEqual([])
  })
})
