/** Sessions of roles at the emulator: a session policy takes away and gives nothing, and a signature has its time. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { DescribeInstancesCommand, DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2"
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam"
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { credentials, startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const own = { region: emulator.region, endpoint: emulator.endpoint, credentials, maxAttempts: 1 }
const policy = (...Action: string[]) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action, Resource: ["*"] }],
  })
const trust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { AWS: "arn:aws:iam::123456789012:root" }, Action: "sts:AssumeRole" },
  ],
})

beforeEach(async () => {
  await emulator.reset()
  const role = { RoleName: "some", AssumeRolePolicyDocument: trust }
  await emulator.iam.send(new CreateRoleCommand(role))
  await emulator.iam.send(
    new PutRolePolicyCommand({
      ...{ RoleName: "some", PolicyName: "may" },
      PolicyDocument: policy("ec2:DescribeInstances", "ec2:DescribeRegions"),
    }),
  )
})
afterAll(() => emulator.stop())

/** Clients with a session of the role, under a session policy where there is one. */
async function sessionWith(Policy?: string) {
  const { Credentials } = await new STSClient(own).send(
    new AssumeRoleCommand({
      ...{ RoleArn: "arn:aws:iam::123456789012:role/some", RoleSessionName: "me" },
      ...(Policy === undefined ? {} : { Policy }),
    }),
  )
  const settings = {
    ...own,
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    },
  }
  proxy.world.knobs.enforcePolicies = true
  return { ec2: new EC2Client(settings), iam: new IAMClient(settings) }
}

describe("a session", () => {
  test("without a policy of its own may what the role may", async () => {
    const { ec2, iam } = await sessionWith()
    await ec2.send(new DescribeInstancesCommand({}))
    await ec2.send(new DescribeRegionsCommand({}))
    expect(await codeOf(iam.send(new CreateAccessKeyCommand({ UserName: "somebody" })))).toBe("AccessDenied")
  })

  test("with one may what both allow: the policy takes away, and gives nothing that the role lacks", async () => {
    const { ec2, iam } = await sessionWith(policy("ec2:DescribeInstances", "iam:CreateAccessKey"))
    await ec2.send(new DescribeInstancesCommand({}))
    expect(await codeOf(ec2.send(new DescribeRegionsCommand({})))).toBe("UnauthorizedOperation")
    expect(await codeOf(iam.send(new CreateAccessKeyCommand({ UserName: "somebody" })))).toBe("AccessDenied")
  })
})

test("a request that was signed ten minutes off is refused where dates are checked", async () => {
  const off = (ms: number) => ({ ...own, systemClockOffset: ms })
  for (const ms of [-600_000, 600_000]) {
    await new STSClient(off(ms)).send(new GetCallerIdentityCommand({}))
    proxy.world.knobs.checksDates = true
    expect(await codeOf(new STSClient(off(ms)).send(new GetCallerIdentityCommand({})))).toBe(
      "SignatureDoesNotMatch",
    )
    expect(await codeOf(new EC2Client(off(ms)).send(new DescribeRegionsCommand({})))).toBe("RequestExpired")
    await new STSClient(off(ms / 10)).send(new GetCallerIdentityCommand({}))
    proxy.world.knobs.checksDates = false
  }
})
