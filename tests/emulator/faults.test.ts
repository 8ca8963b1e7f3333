import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { DescribeInstancesCommand, EC2Client, RunInstancesCommand } from "@aws-sdk/client-ec2"
import { credentials, startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"
import type { FaultKind } from "./faults.ts"

const emulator = await startEmulator()
const { proxy } = emulator
beforeEach(() => emulator.reset())
afterAll(() => emulator.stop())

/** A client that does not try again. */
const ec2 = new EC2Client({
  region: emulator.region,
  endpoint: emulator.endpoint,
  credentials,
  maxAttempts: 1,
})
const launch = () =>
  ec2.send(
    new RunInstancesCommand({
      ImageId: emulator.fixtures.image,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
    }),
  )
const count = async () => (await ec2.send(new DescribeInstancesCommand({}))).Reservations?.length

const kinds: [kind: FaultKind, done: number][] = [
  ["drop-before", 0],
  ["drop-after", 1],
  ["half-answer", 1],
  ["garbage", 1],
  ["unavailable", 0],
  ["html-error", 0],
  ["throttle", 0],
  ["refuse", 0],
]

describe("a scripted fault", () => {
  for (const [kind, done] of kinds) {
    test(`${kind} fails the call after ${done === 1 ? "" : "not "}carrying it out, once`, async () => {
      proxy.faults.add({ kind, action: "RunInstances" })
      expect(await codeOf(launch())).not.toBe("")
      expect(await count()).toBe(done)
      expect(await codeOf(launch())).toBe("")
    })
  }

  test("leaves others alone and can let some pass first", async () => {
    proxy.faults.add({ kind: "throttle", action: "RunInstances", skip: 1, times: 2 })
    expect(await Promise.all([codeOf(launch()), codeOf(launch()), codeOf(launch())])).toContain("")
    expect(await count()).toBe(1)
  })

  test("waits for the test where it is told to", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    proxy.faults.add({ kind: "delay", delayMs: 0, until: promise, action: "RunInstances" })
    const launched = launch()
    expect(await count()).toBe(0)
    resolve()
    await launched
    expect(await count()).toBe(1)
  })
})

test("calls are logged with their parameters and answers", async () => {
  await launch()
  expect(proxy.calls.map(({ action, status }) => `${action} ${status}`)).toEqual(["RunInstances 200"])
  expect(proxy.calls[0]?.parameters.InstanceType).toBe("t3.micro")
})
