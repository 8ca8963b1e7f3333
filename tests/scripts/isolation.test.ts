/** One student against another with the keys and policies that setup and ec2_util made, where the emulator enforces them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSecurityGroupCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  EC2Client,
  GetConsoleOutputCommand,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { CreateAccessKeyCommand, IAMClient, ListAccessKeysCommand } from "@aws-sdk/client-iam"
import { convergeIdentity } from "../../lib/operations/identities/converge.ts"
import { startEmulator } from "../support/emulator.ts"
import { type IdentityWorld, identityWorld } from "../support/identities.ts"

const emulator = await startEmulator()
// One login is the beginning of the other.
const [own, other] = ["cs61c-a", "cs61c-ab"] as const
let world: IdentityWorld
let ec2: EC2Client
let iam: IAMClient
const instances: Record<string, string> = {}
const groups: Record<string, string> = {}

beforeAll(async () => {
  await emulator.reset()
  world = await identityWorld(emulator, { course: { accounts: ["cs61c-*"] } })
  for (const login of [own, other]) {
    await convergeIdentity(world.deps(login))
    const Tags = [{ Key: "ec2-wrappers:owner", Value: login }]
    const launched = await emulator.ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
        TagSpecifications: [{ ResourceType: "instance", Tags }],
      }),
    )
    instances[login] = launched.Instances?.[0]?.InstanceId ?? ""
    const group = await emulator.ec2.send(
      new CreateSecurityGroupCommand({
        ...{ GroupName: `of-${login}`, Description: "x", VpcId: emulator.fixtures.vpcId },
        TagSpecifications: [{ ResourceType: "security-group", Tags }],
      }),
    )
    groups[login] = group.GroupId ?? ""
  }
  const [key] = world.deps(own).usersDb.accessKeys.ofUser(own)
  const credentials = { accessKeyId: key?.id ?? "", secretAccessKey: key?.secret ?? "" }
  const client = { region: emulator.region, endpoint: emulator.endpoint, credentials, maxAttempts: 1 }
  ec2 = new EC2Client(client)
  iam = new IAMClient(client)
  emulator.proxy.world.knobs.enforcePolicies = true
})
afterAll(async () => {
  emulator.proxy.world.knobs.enforcePolicies = false
  world.close()
  await emulator.stop()
})

const tags = (login: string) => [{ Key: "ec2-wrappers:owner", Value: login }]
const rule = { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "192.0.2.1/32" }] }
const denied = /not authorized|UnauthorizedOperation|AccessDenied/

describe("with a student's own keys", () => {
  test("reading, one's own console and user data, and one's own groups work", async () => {
    await ec2.send(new DescribeInstancesCommand({}))
    const InstanceId = instances[own]
    await ec2.send(new GetConsoleOutputCommand({ InstanceId }))
    await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute: "userData" }))
    const { GroupId } = await ec2.send(
      new CreateSecurityGroupCommand({
        ...{ GroupName: "mine", Description: "x", VpcId: emulator.fixtures.vpcId },
        TagSpecifications: [{ ResourceType: "security-group", Tags: tags(own) }],
      }),
    )
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }))
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId }))
    await iam.send(new ListAccessKeysCommand({ UserName: own }))
  })

  test.each([
    ["terminate", () => new TerminateInstancesCommand({ InstanceIds: [instances[other] ?? ""] })],
    ["stop", () => new StopInstancesCommand({ InstanceIds: [instances[other] ?? ""] })],
    ["retag", () => new CreateTagsCommand({ Resources: [instances[other] ?? ""], Tags: tags(own) })],
    [
      "read the user data of",
      () => new DescribeInstanceAttributeCommand({ InstanceId: instances[other], Attribute: "userData" }),
    ],
    ["read the console of", () => new GetConsoleOutputCommand({ InstanceId: instances[other] })],
  ])("nobody can %s another's instance", async (_what, command) => {
    await expect(ec2.send(command() as TerminateInstancesCommand)).rejects.toThrow(denied)
  })

  test.each([
    [
      "launch",
      () =>
        new RunInstancesCommand({
          ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
          TagSpecifications: [{ ResourceType: "instance", Tags: tags(own) }],
        }),
    ],
    ["start one's own", () => new StartInstancesCommand({ InstanceIds: [instances[own] ?? ""] })],
    [
      "resize one's own",
      () =>
        new ModifyInstanceAttributeCommand({
          InstanceId: instances[own],
          InstanceType: { Value: "m5.large" },
        }),
    ],
    [
      "switch on the protection of one's own",
      () =>
        new ModifyInstanceAttributeCommand({
          InstanceId: instances[own],
          DisableApiTermination: { Value: true },
        }),
    ],
    ["create a volume", () => new CreateVolumeCommand({ Size: 1, AvailabilityZone: "us-east-1a" })],
    [
      "retag one's own",
      () => new CreateTagsCommand({ Resources: [instances[own] ?? ""], Tags: tags(other) }),
    ],
    [
      "open another's group",
      () => new AuthorizeSecurityGroupIngressCommand({ GroupId: groups[other], IpPermissions: [rule] }),
    ],
    ["delete another's group", () => new DeleteSecurityGroupCommand({ GroupId: groups[other] })],
    [
      "make a group in another's name",
      () =>
        new CreateSecurityGroupCommand({
          ...{ GroupName: "theirs", Description: "x", VpcId: emulator.fixtures.vpcId },
          TagSpecifications: [{ ResourceType: "security-group", Tags: tags(other) }],
        }),
    ],
  ])("nobody can %s", async (_what, command) => {
    await expect(ec2.send(command() as TerminateInstancesCommand)).rejects.toThrow(denied)
  })

  test("nobody can make another's access keys", async () => {
    await expect(iam.send(new CreateAccessKeyCommand({ UserName: other }))).rejects.toThrow(denied)
  })

  test("one's own instance can be ended", async () => {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances[own] ?? ""] }))
  })
})
