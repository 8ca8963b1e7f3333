import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstanceCreditSpecificationsCommand,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  GetConsoleOutputCommand,
  type Instance,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"

const emulator = await startEmulator()
const { ec2, proxy } = emulator
beforeEach(() => emulator.reset())
afterAll(() => emulator.stop())

const run = async (more: Partial<RunInstancesCommandInput> = {}): Promise<Instance[]> => {
  const request = {
    ImageId: emulator.fixtures.image,
    InstanceType: "t3.micro",
    MinCount: 1,
    MaxCount: 1,
    ...more,
  }
  const { Instances = [] } = await ec2.send(new RunInstancesCommand(request as RunInstancesCommandInput))
  return Instances
}
const runOne = async (more: Partial<RunInstancesCommandInput> = {}): Promise<string> =>
  (await run(more))[0]?.InstanceId ?? ""
const described = async (request: DescribeInstancesCommandInput = {}): Promise<Instance[]> => {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand(request))
  return Reservations.flatMap(({ Instances = [] }) => Instances)
}
const only = async (id: string) => (await described({ InstanceIds: [id] }))[0]

describe("launching", () => {
  test("begins pending and runs when its time has come", async () => {
    proxy.world.clock.stop()
    const [launched] = await run()
    expect(launched?.State?.Name).toBe("pending")
    await proxy.advance(1000)
    expect((await only(launched?.InstanceId ?? ""))?.State?.Name).toBe("running")
  })

  test("tags instance, volume and network interface", async () => {
    const Tags = [{ Key: "owner", Value: "cs61c-ab" }]
    const id = await runOne({
      TagSpecifications: (["instance", "volume", "network-interface"] as const).map((ResourceType) => ({
        ResourceType,
        Tags,
      })),
    })
    const instance = await only(id)
    expect(instance?.Tags).toEqual(Tags)
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({}))
    expect(Volumes?.map((volume) => volume.Tags)).toEqual([Tags])
    const { NetworkInterfaces } = await ec2.send(new DescribeNetworkInterfacesCommand({}))
    expect(NetworkInterfaces?.map(({ TagSet }) => TagSet)).toEqual([Tags])
  })

  test("answers one client token with one launch, and other parameters with an error", async () => {
    const first = await run({ ClientToken: "token", MinCount: 2, MaxCount: 2 })
    const again = await run({ ClientToken: "token", MinCount: 2, MaxCount: 2 })
    expect(again.map(({ InstanceId }) => InstanceId)).toEqual(first.map(({ InstanceId }) => InstanceId))
    expect(await described()).toHaveLength(2)
    expect(await codeOf(run({ ClientToken: "token", InstanceType: "t3.small" }))).toBe(
      "IdempotentParameterMismatch",
    )
  })

  test("merges the request's mapping into the image's", async () => {
    await run({
      BlockDeviceMappings: [
        {
          DeviceName: "/dev/xvda",
          Ebs: { VolumeSize: 20, VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true },
        },
        { DeviceName: "/dev/sdf", Ebs: { VolumeSize: 5, VolumeType: "gp3" } },
      ],
    })
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}))
    const sizes = Volumes.map(
      ({ Size, VolumeType, Encrypted }) => `${Size} ${VolumeType} ${Encrypted}`,
    ).sort()
    expect(sizes).toEqual(["20 gp3 true", "5 gp3 false"])
  })

  test("resolves an SSM parameter", async () => {
    const [launched] = await run({ ImageId: `resolve:ssm:${emulator.fixtures.imageParameter}` })
    expect(launched?.ImageId).toBe(emulator.fixtures.image)
    expect(await codeOf(run({ ImageId: "resolve:ssm:/aws/service/none" }))).toBe("InvalidParameterValue")
  })

  const wrong: [what: string, request: () => Partial<RunInstancesCommandInput>, code: string][] = [
    [
      "17 KiB of user data",
      () => ({ UserData: Buffer.alloc(17 * 1024).toString("base64") }),
      "InvalidParameterValue",
    ],
    ["an unknown group", () => ({ SecurityGroupIds: ["sg-00000000000000000"] }), "InvalidGroup.NotFound"],
    ["an unknown group name", () => ({ SecurityGroups: ["none"] }), "InvalidGroup.NotFound"],
    [
      "a group name beside a subnet",
      () => ({ SecurityGroups: ["default"], SubnetId: emulator.fixtures.subnets[0]?.id ?? "" }),
      "InvalidParameterCombination",
    ],
    ["an unknown subnet", () => ({ SubnetId: "subnet-00000000000000000" }), "InvalidSubnetID.NotFound"],
    ["an unknown image", () => ({ ImageId: "ami-00000000000000000" }), "InvalidAMIID.NotFound"],
    ["an unknown key", () => ({ KeyName: "none" }), "InvalidKeyPair.NotFound"],
    ["more at least than at most", () => ({ MinCount: 3, MaxCount: 2 }), "InvalidParameterCombination"],
    ["a dry run", () => ({ DryRun: true }), "DryRunOperation"],
    [
      "a volume smaller than the image",
      () => ({ BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 1 } }] }),
      "InvalidBlockDeviceMapping",
    ],
  ]
  for (const [what, request, code] of wrong) {
    test(`answers ${what} with ${code}`, async () => {
      expect(await codeOf(run(request()))).toBe(code)
      expect(await described()).toEqual([])
    })
  }

  test("gives what capacity there is, at least the minimum", async () => {
    proxy.world.capacity.set("t3.micro", 3)
    expect(await run({ MinCount: 1, MaxCount: 5 })).toHaveLength(3)
    expect(await codeOf(run())).toBe("InsufficientInstanceCapacity")
  })

  test("keeps the account's vCPU quota", async () => {
    proxy.world.knobs.vcpus = 4
    await run({ MinCount: 2, MaxCount: 2 })
    expect(await codeOf(run())).toBe("VcpuLimitExceeded")
  })

  test("keeps credits and shutdown behaviour", async () => {
    const id = await runOne({
      CreditSpecification: { CpuCredits: "standard" },
      InstanceInitiatedShutdownBehavior: "terminate",
    })
    const credits = await ec2.send(new DescribeInstanceCreditSpecificationsCommand({ InstanceIds: [id] }))
    expect(credits.InstanceCreditSpecifications).toEqual([{ InstanceId: id, CpuCredits: "standard" }])
    const Attribute = "instanceInitiatedShutdownBehavior" as const
    const before = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }))
    expect(before.InstanceInitiatedShutdownBehavior?.Value).toBe("terminate")
    await ec2.send(
      new ModifyInstanceAttributeCommand({
        InstanceId: id,
        InstanceInitiatedShutdownBehavior: { Value: "stop" },
      }),
    )
    const after = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }))
    expect(after.InstanceInitiatedShutdownBehavior?.Value).toBe("stop")
    expect((await only(id))?.SecurityGroups?.map(({ GroupName }) => GroupName)).toEqual(["default"])
  })
})

describe("a life", () => {
  test("goes through stopping and pending, with a new launch time and a reason in GMT", async () => {
    proxy.world.clock.stop(Date.UTC(2026, 8, 1, 10))
    const id = await runOne()
    await proxy.advance(60_000)
    const first = await only(id)
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    expect((await only(id))?.State?.Name).toBe("stopping")
    expect(await codeOf(ec2.send(new StartInstancesCommand({ InstanceIds: [id] })))).toBe(
      "IncorrectInstanceState",
    )
    await proxy.advance(60_000)
    const stopped = await only(id)
    expect(stopped?.State?.Name).toBe("stopped")
    expect(stopped?.StateTransitionReason).toBe("User initiated (2026-09-01 10:01:00 GMT)")
    expect(stopped?.PublicIpAddress).toBeUndefined()
    await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
    const started = await only(id)
    expect(started?.PublicIpAddress).toMatch(/^\d+(\.\d+){3}$/)
    expect(started?.PublicIpAddress).not.toBe(first?.PublicIpAddress)
    expect(started?.NetworkInterfaces?.[0]?.Association?.PublicIp).toBe(started?.PublicIpAddress)
    expect(started?.PrivateIpAddress).toBe(first?.PrivateIpAddress)
    expect(started?.State?.Name).toBe("pending")
    expect(started?.LaunchTime?.toISOString()).toBe("2026-09-01T10:02:00.000Z")
    expect(started?.NetworkInterfaces?.[0]?.Attachment?.AttachTime?.toISOString()).toBe(
      "2026-09-01T10:00:00.000Z",
    )
  })

  test("ends for good, loses its tags and is gone after an hour", async () => {
    proxy.world.clock.stop()
    const id = await runOne({
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { DeleteOnTermination: true } }],
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "owner", Value: "cs61c-ab" }] }],
    })
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    expect((await only(id))?.State?.Name).toBe("shutting-down")
    await proxy.advance(60_000)
    expect((await only(id))?.State?.Name).toBe("terminated")
    expect(await codeOf(ec2.send(new StartInstancesCommand({ InstanceIds: [id] })))).toBe(
      "IncorrectInstanceState",
    )
    await proxy.advance(40 * 60_000)
    expect((await only(id))?.Tags).toEqual([])
    await proxy.advance(20 * 60_000)
    expect(await codeOf(only(id))).toBe("InvalidInstanceID.NotFound")
    expect(await described()).toEqual([])
    expect((await ec2.send(new DescribeVolumesCommand({}))).Volumes).toEqual([])
  })

  test("cannot end while it is protected", async () => {
    const id = await runOne({ DisableApiTermination: true })
    expect(await codeOf(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })))).toBe(
      "OperationNotPermitted",
    )
    await ec2.send(
      new ModifyInstanceAttributeCommand({
        InstanceId: id,
        Attribute: "disableApiTermination",
        Value: "false",
      }),
    )
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    expect((await only(id))?.State?.Name).not.toBe("running")
  })

  test("shows a console when it has booted", async () => {
    proxy.world.clock.stop()
    const id = await runOne()
    const outputOf = async () => (await ec2.send(new GetConsoleOutputCommand({ InstanceId: id }))).Output
    expect((await outputOf()) ?? "").toBe("")
    await proxy.advance(1000)
    proxy.world.consoleOutputs.set(id, "hello")
    expect(Buffer.from((await outputOf()) ?? "", "base64").toString()).toBe("hello")
  })
})

describe("describing", () => {
  test("filters as AWS does, wildcards included", async () => {
    const id = await runOne({
      ClientToken: "abc",
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "owner", Value: "cs61c-ab" }] }],
    })
    await run({ InstanceType: "t3.small" })
    const found = async (Name: string, ...Values: string[]) =>
      (await described({ Filters: [{ Name, Values }] })).map(({ InstanceId }) => InstanceId)
    expect(await found("client-token", "abc")).toEqual([id])
    expect(await found("tag:owner", "cs61c-??")).toEqual([id])
    expect(await found("tag-key", "own*")).toEqual([id])
    expect(await found("instance-type", "t3.mic*")).toEqual([id])
    expect(await found("instance-lifecycle", "spot")).toEqual([])
    expect(await found("instance-state-name", "pending", "running")).toHaveLength(2)
    expect(await found("launch-time", `${new Date().getUTCFullYear()}-*`)).toHaveLength(2)
    expect(await codeOf(found("no-such-filter", "x"))).toBe("InvalidParameterValue")
  })

  test("pages", async () => {
    await run({ MinCount: 12, MaxCount: 12 })
    const ids = new Set<string | undefined>()
    let NextToken: string | undefined
    let pages = 0
    do {
      const page = await ec2.send(
        new DescribeInstancesCommand({ MaxResults: 5, ...(NextToken ? { NextToken } : {}) }),
      )
      for (const { Instances = [] } of page.Reservations ?? [])
        for (const { InstanceId } of Instances) ids.add(InstanceId)
      NextToken = page.NextToken
      pages += 1
    } while (NextToken)
    expect([ids.size, pages]).toEqual([12, 3])
    expect(await codeOf(described({ MaxResults: 3 }))).toBe("InvalidParameterValue")
  })

  test("names what does not exist", async () => {
    expect(await codeOf(only("i-00000000000000000"))).toBe("InvalidInstanceID.NotFound")
    expect(await codeOf(only("bogus"))).toBe("InvalidInstanceID.Malformed")
  })
})

test("a security group in use cannot be deleted", async () => {
  const { GroupId = "" } = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: "mine", Description: "mine" }),
  )
  const id = await runOne({ SecurityGroupIds: [GroupId] })
  expect(await codeOf(ec2.send(new DeleteSecurityGroupCommand({ GroupId })))).toBe("DependencyViolation")
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
  await proxy.advance(60_000)
  expect(await codeOf(ec2.send(new DeleteSecurityGroupCommand({ GroupId })))).toBe("")
})

describe("the bill", () => {
  test("counts whole seconds in running, at least sixty for each start", async () => {
    proxy.world.clock.stop()
    proxy.world.knobs.pendingMs = 10_000
    const id = await runOne()
    await proxy.advance(10_000 + 30_000)
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await proxy.advance(3_600_000)
    await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
    await proxy.advance(10_000 + 3_600_000)
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await proxy.advance(3_600_000)
    const seconds = proxy.world.bill
      .lines()
      .flatMap((line) => (line.what === "instance" ? [line.seconds] : []))
    expect(seconds).toEqual([60, 3600])
    // t3.micro: US$0.0104 per hour.
    expect(proxy.world.bill.total({ what: "instance" })).toBe(Math.round((10_400 * 3660) / 3600))
    const volume = proxy.world.bill.lines().find(({ what }) => what === "volume")
    expect(volume?.gib).toBe(15)
  })
})
