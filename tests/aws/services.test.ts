/** The smaller services against moto and the proxy in front of it. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { openAws } from "../../lib/aws/aws.ts"
import type { Aws } from "../../lib/aws/interfaces.ts"
import { microUsdOf } from "../../lib/base/money.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { settingsFor } from "../support/aws_settings.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"

let emulator: Emulator
let aws: Aws
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  aws = openAws(() => settingsFor(emulator.endpoint))
})

test("a public parameter names an image, one that is not there is null", async () => {
  const ssm = await aws.ssm()
  expect(await ssm.parameter(emulator.fixtures.imageParameter)).toBe(emulator.fixtures.image)
  expect(await ssm.parameter("/aws/service/none")).toBeNull()
})

test("the price list is read over its pages", async () => {
  const pages = []
  for await (const page of (await aws.pricing()).onDemandPrices("us-east-1")) pages.push(page)
  expect(pages.length).toBeGreaterThan(1)
  const linux = pages.flat().filter(({ usageOperation }) => usageOperation === "RunInstances")
  expect(linux.find(({ instanceType }) => instanceType === "t3.micro")?.microUsdPerHour).toBe(
    microUsdOf(10_400),
  )
  expect(emulator.proxy.calls.find(({ service }) => service === "pricing")?.region).toBe("us-east-1")
})

describe("the schedule that terminates an instance", () => {
  const role = "arn:aws:iam::123456789012:role/scheduler"
  const id = "i-0123456789abcdef0"
  const at = utcMsOf(Date.UTC(2027, 0, 1, 12))

  test("is made, moved and removed", async () => {
    const scheduler = await aws.scheduler("us-east-1")
    expect((await scheduler.putTermination(id, at, role)).requestId).not.toBe("")
    await scheduler.putTermination(id, utcMsOf(at + 3_600_000), role)
    const asked = emulator.proxy.calls.filter(({ service }) => service === "scheduler")
    expect(asked.map(({ action }) => action.split(" ")[0])).toEqual(["POST", "POST", "PUT"])
    expect(asked[2]?.parameters).toMatchObject({
      ScheduleExpression: "at(2027-01-01T13:00:00)",
      ScheduleExpressionTimezone: "UTC",
      ActionAfterCompletion: "DELETE",
      Target: {
        Arn: "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
        RoleArn: role,
        Input: `{"InstanceIds":["${id}"]}`,
      },
    })
    await scheduler.removeTermination(id)
    await scheduler.removeTermination(id)
  })

  test("is of the role's partition", async () => {
    await (await aws.scheduler("us-east-1")).putTermination(
      id,
      at,
      role.replace("arn:aws:", "arn:aws-us-gov:"),
    )
    const target = emulator.proxy.calls.at(-1)?.parameters.Target as { Arn: string }
    expect(target.Arn).toStartWith("arn:aws-us-gov:scheduler:::")
  })
})

test("EC2's quotas are listed", async () => {
  const quotas = await (await aws.quotas()).ec2Quotas()
  expect(quotas.some(({ code, value }) => code === "L-1216C47A" && value > 0)).toBe(true)
})

test("CloudTrail tells when an instance was launched and by whom", async () => {
  const ec2 = await aws.ec2()
  const { fixtures } = emulator
  await ec2.createKeyPair("cs61c-aa-default", {})
  const { instances } = await ec2.launch({
    clientToken: "reservation-1",
    imageId: fixtures.image,
    instanceType: "t3.micro",
    count: 1,
    keyName: "cs61c-aa-default",
    zone: null,
    placementGroup: null,
    subnetId: fixtures.subnets[0]?.id ?? "",
    securityGroupIds: [fixtures.defaultSecurityGroup],
    userData: null,
    blockDevices: [],
    spotMaxMicroUsdPerHour: null,
    instanceProfile: null,
    standardCredits: true,
    shutdownBehavior: "terminate",
    tags: {},
  })
  const id = instances[0]?.id ?? ""
  await emulator.proxy.advance(60_000)
  await ec2.terminate(id)
  await emulator.proxy.advance(20 * 60_000)
  const now = emulator.proxy.world.clock.now()
  const events = await (await aws.cloudTrail()).instanceEvents(id, utcMsOf(now - 3_600_000), utcMsOf(now))
  expect(events.map(({ name }) => name)).toEqual(["TerminateInstances", "RunInstances"])
  expect(events[0]?.atUtcMs).toBeGreaterThan(events[1]?.atUtcMs ?? Number.POSITIVE_INFINITY)
  expect(events[0]?.user).not.toBe("")
})
