/** EC2's adapter against moto, behind the proxy that adds what moto lacks, and some of it against moto alone. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  AllocateAddressCommand,
  DescribeInstancesCommand,
  ModifyInstanceAttributeCommand,
} from "@aws-sdk/client-ec2"
import { openAws } from "../../../lib/aws/aws.ts"
import type { Ec2, LaunchRequest } from "../../../lib/aws/interfaces.ts"
import { tagOf } from "../../../lib/base/instance.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { settingsFor } from "../../support/aws_settings.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"

const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDpc8Uo9TrvLTUbHCH8+qpuPwRHScoXNN0kMEJVtWOA7 cs61c-aa@host"
const tags = { [tagOf.owner]: "cs61c-aa", [tagOf.reservation]: "reservation-1" }

let emulator: Emulator
let ec2: Ec2
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  ec2 = await openAws(() => settingsFor(emulator.endpoint)).ec2()
  await ec2.importKeyPair("cs61c-aa-default", publicKey, tags)
})

function launch(changes: Partial<LaunchRequest> = {}): LaunchRequest {
  const { fixtures } = emulator
  return {
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
    blockDevices: [
      { device: "/dev/xvda", gib: 16, type: "gp3", iops: null, throughput: null, snapshotId: null },
    ],
    spotMaxMicroUsdPerHour: null,
    instanceProfile: null,
    standardCredits: true,
    shutdownBehavior: "terminate",
    tags,
    ...changes,
  }
}

const ids = (instances: { id: string }[]) => instances.map(({ id }) => id).sort()

describe("a launch", () => {
  test("says the instances and AWS's request id", async () => {
    const { requestId, instances } = await ec2.launch(launch({ count: 2 }))
    expect(requestId).not.toBe("")
    expect(instances).toHaveLength(2)
    expect(instances[0]).toMatchObject({
      type: "t3.micro",
      state: "pending",
      market: "on-demand",
      keyName: "cs61c-aa-default",
      clientToken: "reservation-1",
      region: "us-east-1",
      zone: emulator.fixtures.subnets[0]?.zone,
      tags,
    })
  })

  test("asks for IMDSv2, encryption, standard credits and termination on shutdown, all or nothing", async () => {
    await ec2.launch(launch({ count: 2, userData: Buffer.from("#!/bin/sh").toString("base64") }))
    const { parameters } = emulator.proxy.calls.find(({ action }) => action === "RunInstances") ?? {}
    expect(parameters).toMatchObject({
      MinCount: "2",
      MaxCount: "2",
      ClientToken: "reservation-1",
      "MetadataOptions.HttpTokens": "required",
      "MetadataOptions.InstanceMetadataTags": "enabled",
      "BlockDeviceMapping.1.Ebs.Encrypted": "true",
      "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
      "BlockDeviceMapping.1.Ebs.VolumeType": "gp3",
      "BlockDeviceMapping.1.Ebs.VolumeSize": "16",
      "CreditSpecification.CpuCredits": "standard",
      InstanceInitiatedShutdownBehavior: "terminate",
      UserData: "IyEvYmluL3No",
    })
    const tagged = Object.entries(parameters ?? {}).filter(([name]) => name.endsWith("ResourceType"))
    expect(tagged.map(([, type]) => type)).toEqual(["instance", "volume", "network-interface"])
  })

  test("twice with one token launches once", async () => {
    const first = await ec2.launch(launch())
    const second = await ec2.launch(launch())
    expect(ids(second.instances)).toEqual(ids(first.instances))
    expect(await ec2.instances()).toHaveLength(1)
  })

  test("whose reply is lost launches once", async () => {
    emulator.proxy.faults.add({ kind: "drop-after", action: "RunInstances" })
    const { instances } = await ec2.launch(launch())
    expect(ids(await ec2.instances())).toEqual(ids(instances))
  })

  test("as a dry run launches nothing", async () => {
    expect((await ec2.launch(launch(), { dryRun: true })).instances).toEqual([])
    expect(await ec2.instances()).toEqual([])
  })

  test("on spot makes a one-time request at the price that was given", async () => {
    const { instances } = await ec2.launch(launch({ spotMaxMicroUsdPerHour: microUsdOf(7_300) }))
    expect(instances[0]?.market).toBe("spot")
    const [request] = await ec2.spotRequests({ tags: { [tagOf.owner]: "cs61c-aa" } })
    expect(request).toMatchObject({
      instanceId: instances[0]?.id,
      maxMicroUsdPerHour: microUsdOf(7_300),
      state: "active",
    })
    expect((await ec2.cancelSpotRequest(request?.id ?? "")).requestId).not.toBe("")
    expect(await ec2.spotRequests({ states: ["active", "open"] })).toEqual([])
  })

  test("passes zone and placement group on", async () => {
    const input = launch({ subnetId: null, zone: "us-east-1b", placementGroup: "mine" })
    await ec2.launch(input).catch(() => {})
    const { parameters } = emulator.proxy.calls.find(({ action }) => action === "RunInstances") ?? {}
    expect(parameters).toMatchObject({
      "Placement.AvailabilityZone": "us-east-1b",
      "Placement.GroupName": "mine",
    })
  })
})

describe("a listing of instances", () => {
  test("by owner, state, key, id and token", async () => {
    const mine = (await ec2.launch(launch({ count: 2 }))).instances
    const others = (await ec2.launch(launch({ clientToken: "t-2", tags: { [tagOf.owner]: "cs61c-ab" } })))
      .instances
    const all = ids([...mine, ...others])
    expect(ids(await ec2.instances())).toEqual(all)
    expect(ids(await ec2.instances({ tags: { [tagOf.owner]: "cs61c-aa" } }))).toEqual(ids(mine))
    expect(ids(await ec2.instances({ keyNames: ["cs61c-aa-default"] }))).toEqual(all)
    expect(ids(await ec2.instances({ clientTokens: ["t-2"] }))).toEqual(ids(others))
    expect(ids(await ec2.instances({ clientTokens: ["t-2"], tags: { [tagOf.owner]: "cs61c-ab" } }))).toEqual(
      ids(others),
    )
    expect(await ec2.instances({ clientTokens: ["t-2"], tags: { [tagOf.owner]: "cs61c-aa" } })).toEqual([])
    expect(await ec2.instances({ states: ["terminated"] })).toEqual([])
    expect(await ec2.instances({ ids: [] })).toEqual([])
  })

  test("by ids leaves out those that are gone", async () => {
    const { instances } = await ec2.launch(launch())
    const [id = ""] = ids(instances)
    expect(ids(await ec2.instances({ ids: [id, "i-00000000000000000"] }))).toEqual([id])
  })

  test("by more ids than a filter takes is asked in parts", async () => {
    const { instances } = await ec2.launch(launch())
    emulator.proxy.calls.length = 0
    const many = Array.from({ length: 450 }, (_, index) => `i-${String(index).padStart(17, "0")}`)
    expect(ids(await ec2.instances({ ids: [...many, ...ids(instances)] }))).toEqual(ids(instances))
    expect(emulator.proxy.calls).toHaveLength(3)
  })

  test("takes wildcards for the characters they are", async () => {
    await ec2.launch(launch())
    expect(await ec2.instances({ tags: { [tagOf.owner]: "cs61c-*" } })).toEqual([])
    expect(await ec2.instances({ tags: { [tagOf.owner]: "cs61c-a?" } })).toEqual([])
  })

  test("works against moto alone", async () => {
    const bare = await openAws(() => settingsFor(emulator.bareEndpoint)).ec2()
    const { instances } = await bare.launch(launch({ count: 3 }))
    const filter = { tags: { [tagOf.owner]: "cs61c-aa" } }
    expect(ids(await bare.instances({ ...filter, clientTokens: ["reservation-1"] }))).toEqual(ids(instances))
    expect(ids(await bare.instances({ ids: ids(instances), states: ["running"] }))).toEqual(ids(instances))
  })

  test("goes over pages and says the same as the SDK", async () => {
    for (const token of ["a", "b"]) await ec2.launch(launch({ clientToken: token, count: 4 }))
    await emulator.proxy.advance(60_000)
    const { Reservations = [] } = await emulator.ec2.send(new DescribeInstancesCommand({}))
    const theirs = Reservations.flatMap(({ Instances = [] }) => Instances)
    const ours = await ec2.instances()
    expect(ours).toHaveLength(8)
    for (const instance of ours) {
      const same = theirs.find(({ InstanceId }) => InstanceId === instance.id)
      expect({
        type: instance.type,
        state: instance.state,
        image: instance.imageId,
        launched: instance.launchedAtUtcMs,
        attached: instance.firstAttachedUtcMs,
        ip: instance.privateIp,
        groups: instance.securityGroups,
        volumes: instance.volumes.map(({ id }) => id),
        tags: instance.tags,
      }).toEqual({
        type: same?.InstanceType as string,
        state: same?.State?.Name as "running",
        image: same?.ImageId ?? "",
        launched: utcMsOf(same?.LaunchTime?.getTime() ?? 0),
        attached: utcMsOf(same?.NetworkInterfaces?.[0]?.Attachment?.AttachTime?.getTime() ?? Number.NaN),
        ip: same?.PrivateIpAddress ?? "",
        groups: (same?.SecurityGroups ?? []).map(({ GroupId = "", GroupName = "" }) => ({
          id: GroupId,
          name: GroupName,
        })),
        volumes: (same?.BlockDeviceMappings ?? []).map(({ Ebs }) => Ebs?.VolumeId ?? ""),
        tags: Object.fromEntries((same?.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
      })
    }
  })
})

describe("an instance", () => {
  test("is stopped, started and terminated, each with its request id", async () => {
    const [{ id } = { id: "" }] = (await ec2.launch(launch())).instances
    await emulator.proxy.advance(60_000)
    const stopped = await ec2.stop(id)
    expect(stopped.state).toBe("stopping")
    await emulator.proxy.advance(120_000)
    expect((await ec2.start(id)).state).toBe("pending")
    await emulator.proxy.advance(60_000)
    const ended = await ec2.terminate(id)
    expect(["shutting-down", "terminated"]).toContain(ended.state)
    expect([stopped.requestId, ended.requestId]).not.toContain("")
  })

  test.each([
    ["termination protection", ["DisableApiTermination"]],
    ["stop protection", ["DisableApiStop"]],
    ["both", ["DisableApiTermination", "DisableApiStop"]],
  ])("with %s is terminated only by who clears it", async (_what, attributes) => {
    const [{ id } = { id: "" }] = (await ec2.launch(launch())).instances
    await emulator.proxy.advance(60_000)
    for (const name of attributes)
      await emulator.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, [name]: { Value: true } }))
    await expect(ec2.terminate(id)).rejects.toThrow(/OperationNotPermitted/)
    expect((await ec2.terminate(id, { clearProtection: true })).state).not.toBe("running")
  })

  test("that is not there cannot be terminated", async () => {
    await expect(ec2.terminate("i-00000000000000000")).rejects.toThrow(
      /^terminate i-00000000000000000: .*\(InvalidInstanceID.NotFound\)$/,
    )
  })

  test("has a console", async () => {
    const [{ id } = { id: "" }] = (await ec2.launch(launch())).instances
    expect(typeof (await ec2.consoleOutput(id))).toBe("string")
  })

  test("takes tags", async () => {
    const [{ id } = { id: "" }] = (await ec2.launch(launch())).instances
    expect((await ec2.tag([id], { [tagOf.leaseEnd]: "2026-11-22T20:00:00Z" })).requestId).not.toBe("")
    expect((await ec2.instances({ ids: [id] }))[0]?.tags[tagOf.leaseEnd]).toBe("2026-11-22T20:00:00Z")
  })
})

describe("an image", () => {
  test("is described with its devices", async () => {
    const image = await ec2.image(emulator.fixtures.image)
    expect(image).toMatchObject({
      id: emulator.fixtures.image,
      architecture: "x86_64",
      platform: "",
      state: "available",
    })
    const root = image?.blockDevices.find(({ device }) => device === image.rootDevice)
    expect(root?.ebs?.gib).toBeGreaterThan(0)
    expect((await ec2.image(emulator.fixtures.windowsImage))?.platform).toBe("windows")
  })

  test("that is not there is null", async () => {
    expect(await ec2.image("ami-00000000000000000")).toBeNull()
    expect(await ec2.image("ami-x")).toBeNull()
  })
})

describe("key pairs", () => {
  test("are made, imported, listed and deleted", async () => {
    const made = await ec2.createKeyPair("cs61c-aa-lab", tags)
    expect(made.privateKey).toStartWith("-----BEGIN ")
    expect(made.keyPair).toMatchObject({ name: "cs61c-aa-lab", type: "ed25519", tags })
    expect((await ec2.keyPairs({ names: ["cs61c-aa-lab", "nobody"] })).map(({ name }) => name)).toEqual([
      "cs61c-aa-lab",
    ])
    expect(await ec2.keyPairs({ tags })).toHaveLength(2)
    await expect(ec2.createKeyPair("cs61c-aa-lab", tags)).rejects.toThrow(/InvalidKeyPair.Duplicate/)
    await ec2.deleteKeyPair("cs61c-aa-lab")
    await ec2.deleteKeyPair("cs61c-aa-lab")
    expect(await ec2.keyPairs({ names: ["cs61c-aa-lab"] })).toEqual([])
  })

  test("are refused where the public key is none", async () => {
    await expect(ec2.importKeyPair("cs61c-aa-bad", "not a key", {})).rejects.toThrow(
      /^import key pair cs61c-aa-bad: /,
    )
  })
})

describe("describing", () => {
  test("subnets and security groups by id, name and network", async () => {
    const [first] = emulator.fixtures.subnets
    const [subnet] = await ec2.subnets({ ids: [first?.id ?? ""] })
    expect(subnet).toMatchObject({
      id: first?.id,
      zone: first?.zone,
      vpcId: emulator.fixtures.vpcId,
      defaultForZone: true,
    })
    expect(await ec2.subnets({ defaultOnly: true })).toHaveLength(emulator.fixtures.subnets.length)
    const [group] = await ec2.securityGroups({ names: ["default"], vpcId: emulator.fixtures.vpcId })
    expect(group).toMatchObject({ id: emulator.fixtures.defaultSecurityGroup, name: "default" })
    expect(await ec2.securityGroups({ names: ["nobody"] })).toEqual([])
    expect(await ec2.securityGroups({ ids: [] })).toEqual([])
  })

  test("volumes with whom they belong to", async () => {
    const { instances } = await ec2.launch(launch())
    const [volume] = await ec2.volumes({ tags: { [tagOf.owner]: "cs61c-aa" } })
    expect(volume).toMatchObject({
      gib: 16,
      type: "gp3",
      encrypted: true,
      attachedTo: instances[0]?.id ?? "",
    })
    expect(volume?.createdAtUtcMs).toBeGreaterThan(0)
  })

  test("addresses", async () => {
    const { PublicIp } = await emulator.ec2.send(new AllocateAddressCommand({ Domain: "vpc" }))
    expect((await ec2.addresses()).map(({ publicIp }) => publicIp)).toEqual([PublicIp ?? ""])
  })

  test("spot prices in micro-dollars", async () => {
    const now = emulator.proxy.world.clock.now()
    const prices = await ec2.spotPriceHistory({
      instanceTypes: ["t3.micro"],
      startUtcMs: utcMsOf(now - 86_400_000),
      endUtcMs: utcMsOf(now),
    })
    expect(prices.length).toBeGreaterThan(0)
    for (const price of prices) {
      expect(price.instanceType).toBe("t3.micro")
      expect(Number.isInteger(price.microUsdPerHour)).toBe(true)
      expect(price.microUsdPerHour).toBeGreaterThan(0)
    }
  })
})
