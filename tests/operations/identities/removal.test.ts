import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { CreateKeyPairCommand, DescribeKeyPairsCommand } from "@aws-sdk/client-ec2"
import { GetUserCommand } from "@aws-sdk/client-iam"
import type { Iam } from "../../../lib/aws/iam/interfaces.ts"
import type { Aws, Ec2 } from "../../../lib/aws/interfaces.ts"
import { AwsError } from "../../../lib/aws/protocol/errors.ts"
import type { SpotRequest } from "../../../lib/base/instance.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
import type { IdentityDeps } from "../../../lib/operations/identities/deps.ts"
import { removeIdentity } from "../../../lib/operations/identities/removal.ts"
import { startEmulator } from "../../support/emulator.ts"
import { type IdentityWorld, identityWorld } from "../../support/identities.ts"

const emulator = await startEmulator()
const login = "cs61c-ab"
let world: IdentityWorld
let deps: IdentityDeps
beforeEach(async () => {
  await emulator.reset()
  world = await identityWorld(emulator)
  deps = world.deps(login)
  await convergeIdentity(deps)
})
afterEach(() => world.close())
afterAll(() => emulator.stop())

const remove = (aws: Aws = deps.aws) => {
  let now = Date.now()
  const clock = {
    now: () => utcMsOf(now),
    sleep: async (ms: number) => {
      now += ms
    },
  }
  return removeIdentity({ ...deps, aws, clock }, { terminateInstances: false })
}
const withIam = (change: (iam: Iam) => Partial<Iam>): Aws => ({
  ...deps.aws,
  iam: async () => {
    const iam = await deps.aws.iam()
    return { ...iam, ...change(iam) }
  },
})
const conflict = () =>
  new AwsError("delete user", "must delete access keys first", "DeleteConflict", false, "")

describe("removing an identity", () => {
  test("waits where IAM still sees what has just gone", async () => {
    let conflicts = 3
    const aws = withIam((iam) => ({
      deleteUser: (name) => (conflicts-- > 0 ? Promise.reject(conflict()) : iam.deleteUser(name)),
    }))
    expect((await remove(aws)).failed).toEqual([])
    await expect(emulator.iam.send(new GetUserCommand({ UserName: login }))).rejects.toThrow()
  })

  test("names a user that something unknown hangs on, and keeps its row", async () => {
    const aws = withIam(() => ({ deleteUser: () => Promise.reject(conflict()) }))
    expect((await remove(aws)).failed).toEqual([
      { what: `IAM user ${login}`, reason: "delete user: must delete access keys first" },
    ])
    expect(deps.usersDb.users.get(login)).not.toBeNull()
    expect(deps.usersDb.accessKeys.ofUser(login)).toEqual([])
    expect((await remove()).failed).toEqual([])
    expect(deps.usersDb.users.logins()).toEqual([])
  })

  test("names a kind that cannot be listed, and removes the others", async () => {
    const aws = withIam(() => ({ mfaDevices: () => Promise.reject(new Error("no answer")) }))
    const { failed, removed } = await remove(aws)
    expect(failed[0]).toEqual({ what: "MFA device", reason: "no answer" })
    expect(removed).toContain(`policy ${login}-user`)
  })

  test("cancels open spot requests that are the login's, by tag or by key", async () => {
    const cancelled: string[] = []
    const open = (id: string, keyName: string, tags: Record<string, string> = {}) =>
      ({ id, keyName, tags, state: "open" }) as SpotRequest
    const aws: Aws = {
      ...deps.aws,
      ec2: async (region): Promise<Ec2> => ({
        ...(await deps.aws.ec2(region)),
        spotRequests: async () => [
          open("sir-tagged", "x", { "ec2-wrappers:owner": login }),
          open("sir-keyed", `${login}-default`),
          open("sir-other", "cs61c-ac-default"),
          open("sir-others-tag", `${login}-default`, { "ec2-wrappers:owner": "cs61c-ac" }),
        ],
        cancelSpotRequest: async (id) => {
          cancelled.push(id)
          return { requestId: "r" }
        },
      }),
    }
    await remove(aws)
    expect(cancelled).toEqual(["sir-tagged", "sir-keyed"])
  })

  test("takes the old tools' key pairs by their names, and not those of a longer login", async () => {
    await convergeIdentity(world.deps("cs61c-ab-x"))
    for (const KeyName of ["cs61c-ab-untagged", "cs61c-ab-x-untagged", "cs61c-abc"]) {
      await emulator.ec2.send(new CreateKeyPairCommand({ KeyName }))
    }
    await remove()
    const { KeyPairs } = await emulator.ec2.send(new DescribeKeyPairsCommand({}))
    expect(KeyPairs?.map(({ KeyName }) => KeyName).sort()).toEqual([
      "cs61c-ab-x-default",
      "cs61c-ab-x-untagged",
      "cs61c-abc",
    ])
  })

  test("killed half-way, it is finished by the next run, or --init makes a whole account of it", async () => {
    const stop = new Error("killed")
    for (const call of ["deleteAccessKey", "deleteUserPolicy", "removeFromGroup", "deleteUser"] as const) {
      const aws = withIam(() => ({ [call]: () => Promise.reject(stop) }))
      expect((await remove(aws)).failed.length).toBeGreaterThan(0)
      await convergeIdentity(deps)
      expect(deps.usersDb.accessKeys.ofUser(login)).toHaveLength(1)
    }
    expect((await remove()).failed).toEqual([])
  })
})
