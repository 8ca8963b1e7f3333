/** A suspension and the roles that instances have by their instance profiles. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam"
import { evaluatePolicies } from "../emulator/policy_evaluator.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
const profile = "cluster"
const policyName = "ec2-wrappers-suspended-cs61c"
const works = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:*"], Resource: ["*"] }],
})
let day: CourseDay
let roleId: string

beforeEach(async () => {
  day = await courseDay(emulator, { launch: { instance_profiles: [profile] } })
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
  }
  const role = { RoleName: profile, AssumeRolePolicyDocument: JSON.stringify(trust) }
  const { Role } = await emulator.iam.send(new CreateRoleCommand(role))
  roleId = Role?.RoleId ?? ""
  await writePolicy("works", works)
  await emulator.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: profile }))
  await emulator.iam.send(
    new AddRoleToInstanceProfileCommand({ InstanceProfileName: profile, RoleName: profile }),
  )
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const freeze = (...args: string[]) => day.run("course_freeze", [student, "--yes", ...args], { as: "cs61c" })
const cron = () => day.run("usage_cron", ["--enforce"], { as: "cs61c" })
const writePolicy = (PolicyName: string, PolicyDocument: string) =>
  emulator.iam.send(new PutRolePolicyCommand({ RoleName: profile, PolicyName, PolicyDocument }))

/** Null where there is none. */
async function denial(): Promise<string | null> {
  try {
    const asked = new GetRolePolicyCommand({ RoleName: profile, PolicyName: policyName })
    return decodeURIComponent((await emulator.iam.send(asked)).PolicyDocument ?? "")
  } catch (error) {
    if ((error as Error).name.startsWith("NoSuchEntity")) return null
    throw error
  }
}

/** Whether AWS would let that instance write to S3 with the role's policies as they are. */
async function mayWork(instance: string): Promise<boolean> {
  const found = await denial()
  const { allowed } = await evaluatePolicies([works, ...(found === null ? [] : [found])], {
    principalArn: `arn:aws:sts::123456789012:assumed-role/${profile}/${instance}`,
    action: "s3:PutObject",
    resource: "arn:aws:s3:::cs61c/x",
    context: { "aws:userid": `${roleId}:${instance}` },
  })
  return allowed
}

const launchAs = async (as: string): Promise<string> => {
  const args = ["-a", emulator.fixtures.image, "-t", "m1.small", "--instance-profile", profile]
  const { stdout, code } = await day.run("ec2_runner", args, { as })
  expect(code).toBe(0)
  return JSON.parse(stdout)[0]
}

describe("a suspension", () => {
  test("revokes the sessions of its login's instances; others' jobs run on; lifting gives them back", async () => {
    const [mine, other] = [await launchAs(student), await launchAs("cs61c-ab")]
    const { stdout, code } = await freeze()
    expect(stdout).toContain(
      `deny the instances of ${student} everything in the roles of cluster; sessions of other roles that they have taken live until they end\n`,
    )
    expect(code).toBe(0)
    expect([await mayWork(mine), await mayWork(other)]).toEqual([false, true])
    const log = await Bun.file(`${day.course.dataDir}/audit-log`).text()
    expect(log).toContain(
      `sessions of instances: write policy ${policyName} of role ${profile}: done (request `,
    )
    expect((await freeze("--lift")).code).toBe(0)
    expect(await denial()).toBeNull()
  })

  test("keeps denying what it terminated: credentials live on for hours", async () => {
    const mine = await launchAs(student)
    expect((await freeze("--terminate")).code).toBe(0)
    expect(await mayWork(mine)).toBe(false)
    await emulator.proxy.advance(3_600_000)
    expect((await cron()).stderr).toBe("")
    expect(await mayWork(mine)).toBe(false)
  })

  test("that IAM does not take says so, and cron makes up for it", async () => {
    const mine = await launchAs(student)
    const clear = emulator.proxy.faults.add({
      kind: "unavailable",
      action: "PutRolePolicy",
      times: Number.POSITIVE_INFINITY,
    })
    const { stderr, code } = await freeze()
    expect(stderr).toContain(`sessions of instance profile ${profile}: write policy ${policyName}`)
    expect(code).toBe(1)
    clear()
    expect((await cron()).stderr).toBe("")
    expect(await mayWork(mine)).toBe(false)
  })

  test("names the instances that the role has no room for", async () => {
    const mine = await launchAs(student)
    const full = { Effect: "Allow", Action: ["s3:*"], Resource: [`arn:aws:s3:::${"x".repeat(10_000)}`] }
    await writePolicy("more", JSON.stringify({ Version: "2012-10-17", Statement: [full] }))
    const { stderr, code } = await freeze()
    expect(stderr).toContain(
      `sessions of ${mine} are not revoked, since role cluster holds no more than 10240 characters of policies; terminate these instances`,
    )
    expect(code).toBe(1)
  })

  test("asks nothing of IAM where nobody was ever suspended", async () => {
    await launchAs(student)
    emulator.proxy.calls.length = 0
    expect((await cron()).code).toBe(0)
    expect(emulator.proxy.calls.map(({ action }) => action)).not.toContain("GetInstanceProfile")
  })
})
