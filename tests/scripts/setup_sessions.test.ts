/** setup for a course whose students have sessions: the role, its trust, and changes of the kind of credentials. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetGroupCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
} from "@aws-sdk/client-iam"
import { startEmulator } from "../support/emulator.ts"
import { mutations } from "../support/identities.ts"
import { type ConfigChanges, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
let course: Workspace
const made = async (config: ConfigChanges) => {
  course = workspace({ endpoint: emulator.endpoint, config })
  await course.run("init_dbs")
  mutations(emulator)
}
beforeEach(() => emulator.reset())
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const sessions = { identity: { credentials: "sessions", session_hours: 1 } }
const wide = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}'
const setup = (...args: string[]) => course.run("setup", args)
const RoleName = "cs61c-student"
const role = async () => (await emulator.iam.send(new GetRoleCommand({ RoleName }))).Role
const trust = async () => decodeURIComponent((await role())?.AssumeRolePolicyDocument ?? "")
const policies = async () =>
  (await emulator.iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames ?? []
const own = "arn:aws:iam::123456789012:user/course-key"
const rightText = "group students, role cs61c-student and their policies are as they should be\n"

describe("setup of a course with sessions", () => {
  test("makes the role and no group, shows the difference, and changes nothing the second time", async () => {
    await made(sessions)
    const first = await setup()
    expect(first.stderr).toBe("")
    expect(first.stdout).toContain(
      `+          "sts:RoleSessionName": "$\{aws:RequestTag/ec2-wrappers:owner}"`,
    )
    expect(first.stdout).toEndWith(
      "create role cs61c-student\nwrite policy student-policy of role cs61c-student\n",
    )
    expect(await role()).toMatchObject({ Path: "/cs61c/", MaxSessionDuration: 3600 })
    expect(await trust()).toContain(own)
    await expect(emulator.iam.send(new GetGroupCommand({ GroupName: "students" }))).rejects.toThrow(
      "not found",
    )
    mutations(emulator)
    expect(await setup()).toEqual({ stdout: rightText, stderr: "", code: 0 })
    expect(mutations(emulator)).toEqual([])
  })

  test("with --dry-run makes nothing", async () => {
    await made(sessions)
    expect((await setup("--dry-run")).stdout).toContain("would create role cs61c-student\n")
    expect(mutations(emulator)).toEqual([])
  })

  test("makes group and role where one login has the other kind", async () => {
    await made({ identity: { credentials: "keys", users: { "cs61c-aa": { credentials: "sessions" } } } })
    expect((await setup()).stdout).toEndWith(
      "create group students\nwrite policy student-policy of group students\n" +
        "create role cs61c-student\nwrite policy student-policy of role cs61c-student\n",
    )
  })

  test("keeps the group when a course changes to sessions, and the role when it changes back", async () => {
    await made({})
    await setup()
    course.configure(sessions)
    await setup()
    await emulator.iam.send(new GetGroupCommand({ GroupName: "students" }))
    course.configure({})
    mutations(emulator)
    expect((await setup()).stdout).toBe(rightText)
    expect(mutations(emulator)).toEqual([])
  })

  test("mends a trust policy that somebody changed, a longer session, and the owner's tag on the role", async () => {
    await made({ identity: { credentials: "sessions", session_hours: 2 } })
    await setup()
    const Tags = [{ Key: "ec2-wrappers:owner", Value: "cs61c-aa" }]
    await emulator.iam.send(new TagRoleCommand({ RoleName, Tags }))
    course.configure(sessions)
    const put = {
      RoleName,
      PolicyName: "student-policy",
      PolicyDocument: wide,
    }
    await emulator.iam.send(new PutRolePolicyCommand(put))
    expect((await setup()).stdout).toEndWith(
      "remove the tag ec2-wrappers:owner of role cs61c-student\nset the longest session of role cs61c-student\n" +
        "write policy student-policy of role cs61c-student\n",
    )
    expect((await setup()).stdout).toBe(rightText)
  })

  test("mends a trust that names a user made anew under the same name: it stores ids", async () => {
    await made(sessions)
    await setup()
    emulator.proxy.world.knobs.own.id = "AIDAMADEANEW000000001"
    expect(await trust()).toContain('"AWS": "AIDAOWNCREDENTIALS001"')
    const mended = await setup()
    expect(mended.stdout).toContain('-        "AWS": "AIDAOWNCREDENTIALS001"')
    expect(mended.stdout).toEndWith("write the trust policy of role cs61c-student\n")
    expect(await trust()).toContain(own)
  })

  test("trusts the role that our own credentials are a session of, and then only for an hour", async () => {
    await made({ identity: { credentials: "sessions", session_hours: 2 } })
    emulator.proxy.world.knobs.own.arn =
      "arn:aws:sts::123456789012:assumed-role/course-host/i-0123456789abcdef0"
    expect((await setup()).stderr).toBe(
      "setup: role: [identity] session_hours is 2, and AWS allows 1 where these tools' own credentials are a role's\n",
    )
    course.configure(sessions)
    expect((await setup()).code).toBe(0)
    expect(await trust()).toContain('"arn:aws:iam::123456789012:role/course-host"')
  })

  test("says that the account's root user can assume no role", async () => {
    await made(sessions)
    emulator.proxy.world.knobs.own.arn = "arn:aws:iam::123456789012:root"
    const { stderr, code } = await setup()
    expect(stderr).toStartWith(
      "setup: role: AWS lets the account's root user assume no role; make an IAM user",
    )
    expect(code).toBe(1)
    expect(mutations(emulator)).toEqual([])
  })

  test("leaves a role of that name alone that is not the course's", async () => {
    await made(sessions)
    await emulator.iam.send(
      new CreateRoleCommand({ RoleName, Path: "/ops/", AssumeRolePolicyDocument: '{"Statement":[]}' }),
    )
    mutations(emulator)
    const { stderr, code } = await setup()
    expect(stderr).toContain(
      "setup: role cs61c-student: is at /ops/, and is left alone; wanted one at /cs61c/",
    )
    expect(code).toBe(1)
    expect(mutations(emulator)).toEqual([])
  })

  test("warns of other policies of the role, and removes them when told", async () => {
    await made(sessions)
    await setup()
    await emulator.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "more", PolicyDocument: wide }))
    const { Policy } = await emulator.iam.send(
      new CreatePolicyCommand({ PolicyName: "everything", PolicyDocument: wide }),
    )
    await emulator.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: Policy?.Arn }))
    const warned = await setup()
    expect(warned.stderr).toContain(
      "setup: role cs61c-student also has policy more: students may do what it allows",
    )
    expect(warned.stderr).toContain("setup: role cs61c-student also has attached policy everything")
    expect(warned.code).toBe(1)
    expect((await setup("--remove-other-policies")).code).toBe(0)
    expect(await policies()).toEqual(["student-policy"])
  })

  test("writes the denials of a role that was made anew before its policy", async () => {
    await made(sessions)
    await setup()
    await course.run("course_freeze", ["cs61c-aa", "--yes", "--force"])
    for (const PolicyName of await policies())
      await emulator.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
    await emulator.iam.send(new DeleteRoleCommand({ RoleName }))
    mutations(emulator)
    await setup()
    expect(mutations(emulator)).toEqual(["CreateRole", "PutRolePolicy", "PutRolePolicy"])
    const denied = await emulator.iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: "ec2-wrappers-suspended" }),
    )
    expect(decodeURIComponent(denied.PolicyDocument ?? "")).toContain('"cs61c-aa"')
  })
})
