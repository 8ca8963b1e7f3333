import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AttachGroupPolicyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  GetGroupPolicyCommand,
  ListGroupPoliciesCommand,
  PutGroupPolicyCommand,
} from "@aws-sdk/client-iam"
import { startEmulator } from "../support/emulator.ts"
import { mutations } from "../support/identities.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
let course: Workspace
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint })
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const setup = (...args: string[]) => course.run("setup", args)
const wide = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}'
const group = { GroupName: "students" }
const policyNames = async () =>
  (await emulator.iam.send(new ListGroupPoliciesCommand(group))).PolicyNames ?? []

describe("setup", () => {
  test("makes group and policy, and the second time changes nothing", async () => {
    const first = await setup()
    expect(first.stdout).toEndWith("create group students\nwrite policy student-policy of group students\n")
    expect(first.code).toBe(0)
    mutations(emulator)
    expect(await setup()).toEqual({
      stdout: "group students and its policy are as they should be\n",
      stderr: "",
      code: 0,
    })
    expect(mutations(emulator)).toEqual([])
  })

  test("shows how the policy that it finds differs, and mends it", async () => {
    await setup()
    const { PolicyDocument } = await emulator.iam.send(
      new GetGroupPolicyCommand({ ...group, PolicyName: "student-policy" }),
    )
    const changed = decodeURIComponent(PolicyDocument ?? "").replace(
      "ec2:StopInstances",
      "ec2:StartInstances",
    )
    const put = { ...group, PolicyName: "student-policy", PolicyDocument: changed }
    await emulator.iam.send(new PutGroupPolicyCommand(put))
    const dry = await setup("--dry-run")
    expect(dry.stdout).toContain('-        "ec2:StartInstances",\n+        "ec2:StopInstances",\n')
    expect(dry.stdout.split("\n").filter((line) => /^[-+] /.test(line))).toHaveLength(2)
    expect(dry.stdout).toEndWith("would write policy student-policy of group students\n")
    expect((await setup()).stdout).toContain('-        "ec2:StartInstances"')
    expect((await setup()).stdout).toContain("as they should be")
  })

  test("with --dry-run makes nothing", async () => {
    mutations(emulator)
    expect((await setup("--dry-run")).stdout).toContain("would create group students\n")
    expect(mutations(emulator)).toEqual([])
  })

  test("warns of whatever else the group allows, and removes it when told", async () => {
    await emulator.iam.send(new CreateGroupCommand(group))
    const put = { ...group, PolicyName: "of-2010", PolicyDocument: wide }
    await emulator.iam.send(new PutGroupPolicyCommand(put))
    const { Policy } = await emulator.iam.send(
      new CreatePolicyCommand({ PolicyName: "everything", PolicyDocument: wide }),
    )
    await emulator.iam.send(new AttachGroupPolicyCommand({ ...group, PolicyArn: Policy?.Arn }))
    const warned = await setup()
    expect(warned.stderr).toContain(
      "setup: group students also has policy of-2010: students may do what it allows",
    )
    expect(warned.stderr).toContain("setup: group students also has attached policy everything")
    expect(warned.code).toBe(1)
    expect(await policyNames()).toContain("of-2010")
    const removed = await setup("--remove-other-policies")
    expect(removed).toMatchObject({ stderr: "", code: 0 })
    expect(removed.stdout).toContain("remove policy of-2010 of group students\n")
    expect(await policyNames()).toEqual(["student-policy"])
    expect((await setup()).code).toBe(0)
  })

  test("--print-policy prints the privileged key's own least policy, and asks AWS nothing", async () => {
    mutations(emulator)
    const { stdout, code } = await setup("--print-policy")
    expect(JSON.parse(stdout)).toMatchObject({ Version: "2012-10-17" })
    expect(stdout).toContain('"arn:aws:iam::*:user/cs61c/*"')
    expect(code).toBe(0)
    expect(emulator.proxy.calls).toEqual([])
  })

  test("--json prints one object", async () => {
    const { stdout } = await setup("--json")
    expect(JSON.parse(stdout)).toMatchObject({
      group: "students",
      policy: "student-policy",
      actions: [
        "create policy cs61c-installation, which marks the course as this installation's",
        "create group students",
        "write policy student-policy of group students",
      ],
      others: [],
    })
  })
})
