/** setup of a course with sessions, cut off before each of its effects: the next run finishes, and no principal ever has more. */

import { afterAll, expect, test } from "bun:test"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"
import { rolePrincipal } from "../../emulator/principals.ts"
import type { SessionRecord } from "../../emulator/sessions.ts"
import { startEmulator } from "../../support/emulator.ts"
import { identityWorld, mutations } from "../../support/identities.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())

const owner = "ec2-wrappers:owner"
const instance = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"

/** What a session of the role as it is now may do: nothing where there is no role. */
async function rightsOf(login: string): Promise<Record<string, boolean>> {
  const session = {
    ...{
      roleName: "cs61c-student",
      roleId: "AROA",
      name: login,
      sourceIdentity: login,
      tags: { [owner]: login },
    },
    arn: `arn:aws:sts::123456789012:assumed-role/cs61c-student/${login}`,
    issuedUtcMs: Date.now(),
  } as unknown as SessionRecord
  const principal = await rolePrincipal(emulator.proxy.world, session).catch(() => null)
  const may = async (action: string, resource: string, whose?: string) =>
    principal !== null &&
    (
      await evaluatePolicies(principal.policies, {
        ...{ principalArn: session.arn, action, resource },
        context: { ...principal.context, ...(whose ? { [`aws:ResourceTag/${owner}`]: whose } : {}) },
      })
    ).allowed
  return {
    own: await may("ec2:TerminateInstances", instance, login),
    others: await may("ec2:TerminateInstances", instance, "cs61c-zz"),
    launch: await may("ec2:RunInstances", instance, login),
    iam: await may("iam:CreateUser", `arn:aws:iam::123456789012:user/${login}`),
  }
}

test("each cut leaves a state that the next run finishes, with the suspended denied from the first on", async () => {
  await emulator.reset()
  const world = await identityWorld(emulator, { identity: { credentials: "keys" } })
  try {
    world.course.configure({ identity: { credentials: "sessions" } })
    const { usageDb, clock } = world.denialDeps()
    usageDb.suspensions.begin({
      ...{ login: "cs61c-bb", suspendedBy: "cs61c", reason: "test" },
      suspendedAtUtcMs: clock.now(),
    })
    mutations(emulator)
    const changing = /^(Create|Put|Update|Delete|Tag|Untag)/
    let cuts = 0
    for (;;) {
      const restore = emulator.proxy.faults.add({
        kind: "refuse",
        service: "iam",
        matches: ({ action }) => changing.test(action),
        skip: cuts === 0 ? 0 : 1,
        times: Number.POSITIVE_INFINITY,
      })
      const isDone = await world.setUp().then(
        ({ actions }) => actions.length === 0,
        () => false,
      )
      restore()
      // Whoever is suspended never had anything.
      expect({ cuts, own: (await rightsOf("cs61c-bb")).own }).toEqual({ cuts, own: false })
      const { others, launch, iam } = await rightsOf("cs61c-aa")
      expect({ others, launch, iam }).toEqual({ others: false, launch: false, iam: false })
      cuts += 1
      if (isDone || cuts > 10) break
    }
    expect(cuts).toBeGreaterThanOrEqual(4)
    expect(await world.setUp()).toMatchObject({ actions: [], difference: "" })
    expect((await rightsOf("cs61c-aa")).own).toBe(true)
  } finally {
    world.close()
  }
})
