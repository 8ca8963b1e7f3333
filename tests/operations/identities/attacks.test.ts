/** What one student tries against the keys of another. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { CreateKeyPairCommand, DescribeKeyPairsCommand, RunInstancesCommand } from "@aws-sdk/client-ec2"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
import { removeIdentity } from "../../../lib/operations/identities/removal.ts"
import { deleteSshKey, ensureSshKey } from "../../../lib/operations/identities/ssh_keys.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"
import { type IdentityWorld, identityWorld } from "../../support/identities.ts"

let emulator: Emulator
let world: IdentityWorld
beforeAll(async () => {
  emulator = await startEmulator()
  world = await identityWorld(emulator, { course: { accounts: ["cs61c-*"] } })
})
afterAll(async () => {
  world.close()
  await emulator.stop()
})

const fingerprintOf = async (name: string) => {
  const { KeyPairs } = await emulator.ec2.send(new DescribeKeyPairsCommand({ KeyNames: [name] }))
  return KeyPairs?.[0]?.KeyFingerprint
}

describe("where the login of one begins as that of another", () => {
  test("a key named to be another's default neither replaces nor deletes it", async () => {
    const victim = world.deps("cs61c-a-b")
    const attacker = world.deps("cs61c-a")
    await convergeIdentity(victim)
    await convergeIdentity(attacker)
    const name = "cs61c-a-b-default"
    const before = await fingerprintOf(name)
    await expect(ensureSshKey(attacker, name, null)).rejects.toThrow(`key pair ${name}: belongs to cs61c-a-b`)
    await expect(deleteSshKey(attacker, name)).rejects.toThrow(`key pair ${name}: belongs to cs61c-a-b`)
    expect(await fingerprintOf(name)).toBe(before)
    expect(victim.usersDb.sshKeys.get("cs61c-a-b", name)?.fingerprint).toBe(before)
  })
})

describe("where another course of the account has the same login", () => {
  const tags = (owner: string) => [
    { Key: "ec2-wrappers:owner", Value: owner },
    { Key: "ec2-wrappers:course", Value: "ee290" },
  ]

  test("its key pair is neither replaced nor deleted", async () => {
    const login = "cs61c-ee"
    const name = `${login}-default`
    const TagSpecifications = [{ ResourceType: "key-pair" as const, Tags: tags(login) }]
    await emulator.ec2.send(new CreateKeyPairCommand({ KeyName: name, TagSpecifications }))
    const before = await fingerprintOf(name)
    const says = `key pair ${name}: belongs to ${login} in the course ee290, and is left alone`
    await expect(convergeIdentity(world.deps(login))).rejects.toThrow(says)
    await expect(deleteSshKey(world.deps(login), name)).rejects.toThrow(says)
    await removeIdentity(world.deps(login), { terminateInstances: true })
    expect(await fingerprintOf(name)).toBe(before)
  })

  test("its instances are neither counted nor terminated by --delete-account", async () => {
    const login = "cs61c-ff"
    await emulator.ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
        TagSpecifications: [{ ResourceType: "instance", Tags: tags(login) }],
      }),
    )
    expect((await removeIdentity(world.deps(login), { terminateInstances: false })).removed).toEqual([])
  })
})
