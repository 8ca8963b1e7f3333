import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail"
import {
  AllocateAddressCommand,
  CancelSpotInstanceRequestsCommand,
  CreateKeyPairCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  ImportKeyPairCommand,
  ReleaseAddressCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { GetProductsCommand, PricingClient } from "@aws-sdk/client-pricing"
import { CreateScheduleCommand, GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler"
import { credentials, startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"
import { interrupt, shutDownFromInside } from "./happenings.ts"

const emulator = await startEmulator()
const { ec2, proxy } = emulator
const clients = { region: emulator.region, endpoint: emulator.endpoint, credentials }
beforeEach(() => emulator.reset())
afterAll(() => emulator.stop())

const launch = async (more: object = {}): Promise<{ id: string; spotId: string }> => {
  const request = {
    ImageId: emulator.fixtures.image,
    InstanceType: "m5.large",
    MinCount: 1,
    MaxCount: 1,
    ...more,
  } as const
  const { Instances } = await ec2.send(new RunInstancesCommand(request))
  return { id: Instances?.[0]?.InstanceId ?? "", spotId: Instances?.[0]?.SpotInstanceRequestId ?? "" }
}
const stateOf = async (id: string) => {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
  return Reservations?.[0]?.Instances?.[0]
}

describe("spot by market options", () => {
  const spot = (MaxPrice = "0.096") => ({
    InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice, SpotInstanceType: "one-time" } },
    TagSpecifications: [
      { ResourceType: "spot-instances-request", Tags: [{ Key: "owner", Value: "cs61c-ab" }] },
    ],
  })

  test("makes a tagged request that is active and can be found by its tag", async () => {
    const { id, spotId } = await launch(spot())
    expect((await stateOf(id))?.InstanceLifecycle).toBe("spot")
    const Filters = [{ Name: "tag:owner", Values: ["cs61c-ab"] }]
    const { SpotInstanceRequests } = await ec2.send(new DescribeSpotInstanceRequestsCommand({ Filters }))
    expect(
      SpotInstanceRequests?.map(({ SpotInstanceRequestId, State, InstanceId }) => [
        SpotInstanceRequestId,
        State,
        InstanceId,
      ]),
    ).toEqual([[spotId, "active", id]])
    await ec2.send(new CreateTagsCommand({ Resources: [spotId], Tags: [{ Key: "more", Value: "1" }] }))
    const tagged = await ec2.send(
      new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [spotId] }),
    )
    expect(tagged.SpotInstanceRequests?.[0]?.Tags).toContainEqual({ Key: "more", Value: "1" })
  })

  test("ends free within the first hour when EC2 takes it back", async () => {
    proxy.world.clock.stop()
    const { id, spotId } = await launch(spot())
    await proxy.advance(30 * 60_000)
    await interrupt(proxy.world, id)
    await proxy.advance(60_000)
    expect((await stateOf(id))?.StateReason?.Code).toBe("Server.SpotInstanceTermination")
    const { SpotInstanceRequests } = await ec2.send(
      new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [spotId] }),
    )
    expect(SpotInstanceRequests?.[0]?.State).toBe("closed")
    expect(proxy.world.bill.total({ what: "instance" })).toBe(0)
  })

  test("refuses a maximum below the price, and stopping", async () => {
    expect(await codeOf(launch(spot("0.0001")))).toBe("SpotMaxPriceTooLow")
    const { id, spotId } = await launch(spot())
    await proxy.advance(1000)
    expect(await codeOf(ec2.send(new StopInstancesCommand({ InstanceIds: [id] })))).toBe(
      "UnsupportedOperation",
    )
    const cancelled = await ec2.send(
      new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [spotId] }),
    )
    expect(cancelled.CancelledSpotInstanceRequests?.[0]?.State).toBe("cancelled")
    expect((await stateOf(id))?.State?.Name).toBe("running")
  })

  test("is billed by a price history that varies", async () => {
    proxy.world.clock.stop(Date.UTC(2026, 8, 10))
    const StartTime = new Date(Date.UTC(2026, 8, 8, 1))
    const query = {
      InstanceTypes: ["m5.large" as const],
      AvailabilityZone: "us-east-1a",
      ProductDescriptions: ["Linux/UNIX"],
      StartTime,
    }
    const { SpotPriceHistory = [] } = await ec2.send(new DescribeSpotPriceHistoryCommand(query))
    expect(new Set(SpotPriceHistory.map(({ SpotPrice }) => SpotPrice)).size).toBeGreaterThan(3)
    expect(SpotPriceHistory.at(-1)?.Timestamp?.getTime()).toBeLessThanOrEqual(StartTime.getTime())
    await launch(spot())
    await proxy.advance(10 * 3_600_000)
    const [line] = proxy.world.bill.lines().filter(({ what }) => what === "instance")
    expect(line?.market).toBe("spot")
    expect(line?.microUsd).toBeGreaterThan(0.3 * 96_000 * 10 * 0.99)
  })
})

test("a shutdown from inside obeys the shutdown behaviour and leaves no event", async () => {
  proxy.world.clock.stop()
  const { id: stays } = await launch()
  const { id: goes } = await launch({ InstanceInitiatedShutdownBehavior: "terminate" })
  await proxy.advance(60_000)
  for (const id of [stays, goes]) await shutDownFromInside(proxy.world, id)
  await proxy.advance(60_000)
  expect([(await stateOf(stays))?.State?.Name, (await stateOf(goes))?.State?.Name]).toEqual([
    "stopped",
    "terminated",
  ])
  expect((await stateOf(goes))?.StateReason?.Code).toBe("Client.InstanceInitiatedShutdown")
  expect(proxy.world.trail.events("us-east-1").map(({ name }) => name)).toEqual([
    "RunInstances",
    "RunInstances",
  ])
})

test("volumes and addresses are billed while they exist", async () => {
  proxy.world.clock.stop()
  const TagSpecifications = [{ ResourceType: "volume" as const, Tags: [{ Key: "owner", Value: "cs61c-ab" }] }]
  const volume = { AvailabilityZone: "us-east-1a", Size: 90, VolumeType: "gp3" as const, TagSpecifications }
  const { VolumeId = "" } = await ec2.send(new CreateVolumeCommand(volume))
  const { AllocationId = "" } = await ec2.send(new AllocateAddressCommand({}))
  await proxy.advance(3_600_000)
  await ec2.send(new DeleteVolumeCommand({ VolumeId }))
  await ec2.send(new ReleaseAddressCommand({ AllocationId }))
  await proxy.advance(3_600_000)
  // 90 GiB at US$0.08 per GiB and month of 720 hours, for an hour; an address at US$0.005 per hour.
  expect(proxy.world.bill.total({ tag: ["owner", "cs61c-ab"] })).toBe(10_000)
  expect(proxy.world.bill.total({ what: "address" })).toBe(5000)
})

describe("key pairs", () => {
  // Fingerprints as ssh-keygen and openssl give them for these keys.
  test("have ssh-keygen's fingerprint for ed25519, made and imported", async () => {
    const made = await ec2.send(new CreateKeyPairCommand({ KeyName: "a", KeyType: "ed25519" }))
    expect(made.KeyFingerprint).toBe(await sshFingerprint(made.KeyMaterial ?? ""))
    const publicKey = await publicHalf(made.KeyMaterial ?? "")
    const imported = await ec2.send(
      new ImportKeyPairCommand({ KeyName: "b", PublicKeyMaterial: Buffer.from(publicKey) }),
    )
    expect(imported.KeyFingerprint).toBe(made.KeyFingerprint)
    const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({}))
    expect(KeyPairs?.map(({ KeyFingerprint }) => KeyFingerprint)).toEqual([
      made.KeyFingerprint,
      made.KeyFingerprint,
    ])
  })

  test("have the SHA-1 of the private key for RSA", async () => {
    const made = await ec2.send(new CreateKeyPairCommand({ KeyName: "a", KeyType: "rsa" }))
    expect(made.KeyFingerprint).toMatch(/^([0-9a-f]{2}:){19}[0-9a-f]{2}$/)
  })
})

describe("CloudTrail", () => {
  const trail = new CloudTrailClient(clients)

  test("tells who started and ended an instance, newest first", async () => {
    const { id } = await launch()
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    const LookupAttributes = [{ AttributeKey: "ResourceName" as const, AttributeValue: id }]
    const { Events } = await trail.send(new LookupEventsCommand({ LookupAttributes }))
    expect(Events?.map(({ EventName }) => EventName)).toEqual(["TerminateInstances", "RunInstances"])
    expect(JSON.parse(Events?.[0]?.CloudTrailEvent ?? "{}").eventName).toBe("TerminateInstances")
  })

  test("answers two requests a second and one attribute", async () => {
    proxy.world.knobs.limitCloudTrail = true
    const two = [1, 2].map(() => ({ AttributeKey: "ReadOnly" as const, AttributeValue: "false" }))
    expect(await codeOf(trail.send(new LookupEventsCommand({ LookupAttributes: two })))).toBe(
      "InvalidLookupAttributesException",
    )
    const impatient = new CloudTrailClient({ ...clients, maxAttempts: 1 })
    const asked = await Promise.all([1, 2, 3].map(() => codeOf(impatient.send(new LookupEventsCommand({})))))
    expect(asked).toContain("ThrottlingException")
  })
})

test("the price list has Linux and Windows prices by operation", async () => {
  const pricing = new PricingClient(clients)
  const filter = (Field: string, Value: string) => ({ Type: "TERM_MATCH" as const, Field, Value })
  const Filters = [
    filter("regionCode", "us-east-1"),
    filter("instanceType", "t3.micro"),
    filter("tenancy", "Shared"),
  ]
  const { PriceList = [] } = await pricing.send(new GetProductsCommand({ ServiceCode: "AmazonEC2", Filters }))
  const products: { product: { attributes: { operation: string } }; terms: object }[] = (
    PriceList as unknown[]
  ).map((text) => JSON.parse(String(text)))
  expect(products.map(({ product }) => product.attributes.operation)).toContain("RunInstances:0002")
  const linux = products.find(({ product }) => product.attributes.operation === "RunInstances")
  expect(JSON.stringify(linux?.terms)).toContain('"USD":"0.0104000000"')
})

test("service quotas tell the vCPU limit", async () => {
  proxy.world.knobs.vcpus = 32
  const response = await fetch(emulator.endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "ServiceQuotasV20190624.GetServiceQuota",
      authorization:
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/servicequotas/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify({ ServiceCode: "ec2", QuotaCode: "L-1216C47A" }),
  })
  expect(((await response.json()) as { Quota: { Value: number } }).Quota.Value).toBe(32)
})

describe("the scheduler", () => {
  const scheduler = new SchedulerClient(clients)

  test("terminates at its time and is gone afterwards", async () => {
    proxy.world.clock.stop(Date.UTC(2026, 8, 1, 10))
    const { id } = await launch()
    await scheduler.send(
      new CreateScheduleCommand({
        Name: "lease",
        ScheduleExpression: "at(2026-09-01T14:00:00)",
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: {
          Arn: "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
          RoleArn: "arn:aws:iam::123456789012:role/leases",
          Input: JSON.stringify({ InstanceIds: [id] }),
        },
      }),
    )
    await proxy.advance(4 * 3_600_000 - 1000)
    expect((await stateOf(id))?.State?.Name).toBe("running")
    await proxy.advance(2000)
    expect((await stateOf(id))?.State?.Name).toBe("terminated")
    expect(await codeOf(scheduler.send(new GetScheduleCommand({ Name: "lease" })))).toBe(
      "ResourceNotFoundException",
    )
  })
})

async function sshFingerprint(privateKey: string): Promise<string> {
  const listed = await keygen(["-l", "-f", "/dev/stdin"], await publicHalf(privateKey))
  return `${/SHA256:(\S+)/.exec(listed)?.[1]}=`
}

async function publicHalf(privateKey: string): Promise<string> {
  const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs")
  const directory = mkdtempSync("/tmp/key-")
  writeFileSync(`${directory}/key`, privateKey, { mode: 0o600 })
  try {
    return await keygen(["-y", "-f", `${directory}/key`], "")
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function keygen(args: string[], stdin: string): Promise<string> {
  const child = Bun.spawn(["ssh-keygen", ...args], {
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "inherit",
  })
  return new Response(child.stdout).text()
}
