import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import {
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import {
  AddUserToGroupCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteUserCommand,
  GetLoginProfileCommand,
  ListUsersCommand,
  PutGroupPolicyCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  SimulatePrincipalPolicyCommand,
  UpdateLoginProfileCommand,
} from "@aws-sdk/client-iam"
import { startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"

const emulator = await startEmulator()
const { ec2, iam, proxy } = emulator
beforeEach(() => emulator.reset())
afterAll(() => emulator.stop())

const user = (UserName: string, Path = "/cs61c/") => iam.send(new CreateUserCommand({ UserName, Path }))
const ownInstances = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "ec2:Describe*", Resource: "*" },
    {
      Effect: "Allow",
      Action: "ec2:TerminateInstances",
      Resource: "*",
      Condition: { StringEquals: { "aws:ResourceTag/owner": `\${aws:username}` } },
    },
  ],
})

describe("deleting", () => {
  test("a user is refused while it has keys or is in a group", async () => {
    await user("ab")
    await iam.send(new CreateGroupCommand({ GroupName: "students" }))
    await iam.send(new AddUserToGroupCommand({ UserName: "ab", GroupName: "students" }))
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "ab" }))
    const remove = () => codeOf(iam.send(new DeleteUserCommand({ UserName: "ab" })))
    expect(await remove()).toBe("DeleteConflictException")
    await iam.send(new DeleteAccessKeyCommand({ UserName: "ab", AccessKeyId: AccessKey?.AccessKeyId ?? "" }))
    expect(await remove()).toBe("DeleteConflictException")
    expect(await codeOf(iam.send(new DeleteGroupCommand({ GroupName: "students" })))).toBe(
      "DeleteConflictException",
    )
    await iam.send(new RemoveUserFromGroupCommand({ UserName: "ab", GroupName: "students" }))
    expect(await remove()).toBe("")
    expect(await remove()).toBe("NoSuchEntityException")
  })
})

describe("passwords", () => {
  test("are held against the default policy, and an update without one changes nothing", async () => {
    await user("ab")
    const create = (Password: string) =>
      codeOf(iam.send(new CreateLoginProfileCommand({ UserName: "ab", Password })))
    expect(await create("short1A")).toBe("PasswordPolicyViolationException")
    expect(await create("alllowercase")).toBe("PasswordPolicyViolationException")
    expect(await create("Good-enough-1")).toBe("")
    await iam.send(new UpdateLoginProfileCommand({ UserName: "ab" }))
    expect(await codeOf(iam.send(new GetLoginProfileCommand({ UserName: "ab" })))).toBe("")
  })
})

test("users are listed in pages under a path", async () => {
  await Promise.all(Array.from({ length: 7 }, (_, index) => user(`s${index}`)))
  await user("other", "/")
  const first = await iam.send(new ListUsersCommand({ PathPrefix: "/cs61c/", MaxItems: 5 }))
  expect([first.Users?.length, first.IsTruncated]).toEqual([5, true])
  const rest = await iam.send(
    new ListUsersCommand({ PathPrefix: "/cs61c/", MaxItems: 5, Marker: first.Marker ?? "" }),
  )
  expect([rest.Users?.length, rest.IsTruncated]).toEqual([2, false])
})

test("a simulation evaluates the user's and its groups' policies", async () => {
  const { User } = await user("ab")
  await iam.send(new CreateGroupCommand({ GroupName: "students" }))
  await iam.send(new AddUserToGroupCommand({ UserName: "ab", GroupName: "students" }))
  await iam.send(
    new PutGroupPolicyCommand({ GroupName: "students", PolicyName: "p", PolicyDocument: ownInstances }),
  )
  const { EvaluationResults } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: User?.Arn ?? "",
      ActionNames: ["ec2:TerminateInstances", "ec2:RunInstances"],
      ResourceArns: ["arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000000"],
      ContextEntries: [
        { ContextKeyName: "aws:ResourceTag/owner", ContextKeyType: "string", ContextKeyValues: ["ab"] },
      ],
    }),
  )
  expect(EvaluationResults?.map(({ EvalDecision }) => EvalDecision)).toEqual(["allowed", "implicitDeny"])
})

describe("a student's key", () => {
  const clientOf = async (UserName: string) => {
    await user(UserName)
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument: ownInstances }))
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    }
    return {
      client: new EC2Client({ region: emulator.region, endpoint: emulator.endpoint, credentials }),
      credentials,
    }
  }
  const launchFor = async (owner: string) => {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
        TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "owner", Value: owner }] }],
      }),
    )
    return Instances?.[0]?.InstanceId ?? ""
  }

  test("ends only what its policy says, by the tags of the resource", async () => {
    proxy.world.knobs.enforcePolicies = true
    const { client } = await clientOf("ab")
    const [mine, theirs] = [await launchFor("ab"), await launchFor("cd")]
    const end = (id: string) => codeOf(client.send(new TerminateInstancesCommand({ InstanceIds: [id] })))
    expect(await end(theirs)).toBe("UnauthorizedOperation")
    expect(await end(mine)).toBe("")
    const launch = {
      ImageId: emulator.fixtures.image,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
    } as const
    expect(await codeOf(client.send(new RunInstancesCommand(launch)))).toBe("UnauthorizedOperation")
  })

  test("works only after a while, and no longer once deleted", async () => {
    proxy.world.clock.stop()
    proxy.world.knobs.keyDelayMs = 10_000
    const { client, credentials } = await clientOf("ab")
    const ask = () => codeOf(client.send(new DescribeInstancesCommand({})))
    expect(await ask()).toBe("AuthFailure")
    await proxy.advance(10_000)
    expect(await ask()).toBe("")
    await iam.send(new DeleteAccessKeyCommand({ UserName: "ab", AccessKeyId: credentials.accessKeyId }))
    expect(await ask()).toBe("AuthFailure")
  })
})
