/** What one student tries against the keys of another. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { DescribeKeyPairsCommand } from "@aws-sdk/client-ec2"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
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
    await expect(ensureSshKey(attacker, name, null)).rejects.toThrow(`ssh key ${name}: belongs to cs61c-a-b`)
    await expect(deleteSshKey(attacker, name)).rejects.toThrow(`ssh key ${name}: belongs to cs61c-a-b`)
    expect(await fingerprintOf(name)).toBe(before)
    expect(victim.usersDb.sshKeys.get("cs61c-a-b", name)?.fingerprint).toBe(before)
  })
})
