/** From the policy of `${aws:username}` to that of the owner tag: at each step, killed there, everybody has what they had. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  ListUserTagsCommand,
  PutGroupPolicyCommand,
  TagUserCommand,
} from "@aws-sdk/client-iam"
import { studentPolicy } from "../../../lib/decisions/identities/student_policy.ts"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"
import { userPrincipal } from "../../emulator/principals.ts"
import { startEmulator } from "../../support/emulator.ts"
import { type IdentityWorld, identityWorld, mutations } from "../../support/identities.ts"

const account = { partition: "aws", id: "123456789012" }
// One login is the beginning of the other. The third was made by hand, and is in the group for some reason.
const [own, other, byHand] = ["cs61c-a", "cs61c-ab", "alice"] as const
const group = { GroupName: "students" }
const owner = "ec2-wrappers:owner"

const emulator = await startEmulator()
let world: IdentityWorld
beforeEach(async () => {
  await emulator.reset()
  world = await identityWorld(emulator, { course: { accounts: ["cs61c-*"] } })
})
afterEach(() => world.close())
afterAll(() => emulator.stop())

/** The group as a setup of before left it: its policy goes by the name, and its users have no tags. */
async function asBefore(): Promise<void> {
  const document = JSON.stringify(studentPolicy(account, "cs61c", []))
    .replaceAll(`\${aws:PrincipalTag/${owner}}`, `\${aws:${"username"}}`)
    .replaceAll(`,"Condition":{"Null":{"aws:PrincipalTag/${owner}":"false"}}`, "")
  const put = { ...group, PolicyName: "student-policy", PolicyDocument: document }
  await emulator.iam.send(new CreateGroupCommand(group)).catch(() => undefined)
  await emulator.iam.send(new PutGroupPolicyCommand(put))
  for (const UserName of [own, other, byHand]) {
    await emulator.iam.send(new CreateUserCommand({ UserName }))
    await emulator.iam.send(new AddUserToGroupCommand({ ...group, UserName }))
  }
  mutations(emulator)
}

const setup = () => world.setUp()
const tagOfUser = async (UserName: string) =>
  (await emulator.iam.send(new ListUserTagsCommand({ UserName }))).Tags?.find(({ Key }) => Key === owner)
    ?.Value

/** What IAM, as it is now, lets a user do with its own instance, another's and none. */
async function rightsOf(login: string): Promise<Record<string, boolean>> {
  const { arn, policies, context } = await userPrincipal(emulator.proxy.world, login)
  const may = async (action: string, resource: string, more: Record<string, string> = {}) =>
    (
      await evaluatePolicies(policies, {
        principalArn: arn,
        action,
        resource,
        context: { ...context, ...more },
      })
    ).allowed
  const instance = `arn:aws:ec2:us-east-1:${account.id}:instance/i-0123456789abcdef0`
  const ownedBy = (whose: string) => ({ [`aws:ResourceTag/${owner}`]: whose })
  return {
    list: await may("ec2:DescribeInstances", "*"),
    own: await may("ec2:TerminateInstances", instance, ownedBy(login)),
    others: await may("ec2:TerminateInstances", instance, ownedBy(login === own ? other : own)),
    nobodys: await may("ec2:TerminateInstances", instance),
    launch: await may("ec2:RunInstances", instance, ownedBy(login)),
  }
}
const wanted = { list: true, own: true, others: false, nobodys: false, launch: false }

describe("setup", () => {
  test("tags each user of the group with its own name before it writes the policy", async () => {
    await asBefore()
    const { actions } = await setup()
    expect(actions.at(-1)).toBe("write policy student-policy of group students")
    expect(actions.slice(0, -1).sort()).toEqual([
      "tag user alice as its own owner",
      "tag user cs61c-a as its own owner",
      "tag user cs61c-ab as its own owner",
    ])
    expect(await Promise.all([own, other, byHand].map(tagOfUser))).toEqual([own, other, byHand])
    expect(await setup()).toMatchObject({ actions: [], difference: "" })
  })

  test("killed after any of its steps, takes nothing from anybody and gives nothing", async () => {
    await asBefore()
    for (const login of [own, other, byHand]) expect(await rightsOf(login)).toEqual(wanted)
    for (let steps = 0; steps < 4; steps++) {
      const restore = emulator.proxy.faults.add({
        kind: "refuse",
        matches: ({ action }) => action === "TagUser" || action === "PutGroupPolicy",
        skip: 1,
        times: Number.POSITIVE_INFINITY,
      })
      await setup().catch(() => undefined)
      restore()
      for (const login of [own, other, byHand])
        expect({ steps, ...(await rightsOf(login)) }).toEqual({ steps, ...wanted })
    }
    expect(mutations(emulator).filter((action) => action === "PutGroupPolicy")).not.toEqual([])
    expect(await setup()).toMatchObject({ actions: [] })
  })

  test("changes nothing while a user of the group carries another login's name", async () => {
    await asBefore()
    await emulator.iam.send(new TagUserCommand({ UserName: byHand, Tags: [{ Key: owner, Value: own }] }))
    mutations(emulator)
    await expect(setup()).rejects.toThrow(
      `IAM user alice: has the owner tag of ${own} and would get that login's rights; take it out of the group students`,
    )
    expect(mutations(emulator)).toEqual([])
  })

  test("leaves a user that joined without a tag with nothing, and the next setup tags it", async () => {
    await setup()
    await emulator.iam.send(new CreateUserCommand({ UserName: own }))
    await emulator.iam.send(new AddUserToGroupCommand({ ...group, UserName: own }))
    expect(await rightsOf(own)).toEqual({ ...wanted, list: false, own: false })
    await setup()
    expect(await rightsOf(own)).toEqual(wanted)
  })
})

test("--init makes a user that the shared policy knows", async () => {
  await convergeIdentity(world.deps(own))
  expect(await rightsOf(own)).toEqual(wanted)
})
