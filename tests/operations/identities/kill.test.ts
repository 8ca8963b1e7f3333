/** kill -9 before every single effect of `--init` and of `--rotate-secret`: the next `--init` makes all whole. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ListAccessKeysCommand } from "@aws-sdk/client-iam"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"
import { type IdentityWorld, identityWorld, keysInHome, mutations } from "../../support/identities.ts"

let emulator: Emulator
let world: IdentityWorld
beforeEach(async () => {
  emulator = await startEmulator()
  world = await identityWorld(emulator)
})
afterEach(async () => {
  world.close()
  await emulator.stop()
})

const child = join(import.meta.dir, "../../support/identity_child.ts")

/** Runs it; returns how many effects it had, or null where it was killed. */
async function run(login: string, command: "init" | "rotate", fatal: number): Promise<number | null> {
  const spawned = Bun.spawn(
    ["bun", child, world.course.configPath, login, world.course.home(login), command, String(fatal)],
    { stdout: "pipe", stderr: "inherit" },
  )
  const output = await new Response(spawned.stdout).text()
  await spawned.exited
  if (spawned.signalCode === "SIGKILL") return null
  expect(spawned.exitCode).toBe(0)
  return Number(output)
}

const activeKeys = async (login: string) =>
  (await emulator.iam.send(new ListAccessKeysCommand({ UserName: login }))).AccessKeyMetadata?.filter(
    ({ Status }) => Status === "Active",
  ).map(({ AccessKeyId }) => AccessKeyId) ?? []

async function expectWhole(login: string): Promise<void> {
  const { usersDb } = world.deps(login)
  await convergeIdentity(world.deps(login))
  const keys = await activeKeys(login)
  const inFiles = [...new Set(Object.values(keysInHome(world.course.home(login))))]
  expect(usersDb.accessKeys.ofUser(login).map(({ id }) => id)).toEqual(inFiles as string[])
  expect(keys).toEqual(inFiles as string[])
  mutations(emulator)
  await convergeIdentity(world.deps(login))
  expect(mutations(emulator)).toEqual([])
}

const loginOf = (effect: number) =>
  `cs61c-${String.fromCharCode(97 + Math.floor(effect / 26))}${String.fromCharCode(97 + (effect % 26))}`

/** Some at a time, each with a login of its own. */
async function killEach(effects: number, command: "init" | "rotate"): Promise<void> {
  const left = Array.from({ length: effects }, (_, effect) => effect).values()
  const inTurn = async () => {
    for (const effect of left) {
      expect([effect, await run(loginOf(effect), command, effect)]).toEqual([effect, null])
    }
  }
  await Promise.all([inTurn(), inTurn(), inTurn()])
}

/** What an account with sessions is: recorded, with a key pair, a profile that asks for sessions, and no access key anywhere. */
async function expectWholeWithSessions(login: string): Promise<void> {
  const { usersDb } = world.deps(login)
  await convergeIdentity(world.deps(login))
  expect(usersDb.users.get(login)?.login).toBe(login)
  expect(usersDb.accessKeys.ofUser(login)).toEqual([])
  expect(usersDb.sshKeys.ofUser(login).map(({ name }) => name)).toEqual([`${login}-default`])
  const profile = readFileSync(join(world.course.home(login), ".aws", "config"), "utf8")
  expect(profile.match(/credential_process = .*ec2-util --credentials/g)).toHaveLength(1)
  expect(Object.values(keysInHome(world.course.home(login))).filter((key) => key)).toEqual([])
  mutations(emulator)
  await convergeIdentity(world.deps(login))
  expect(mutations(emulator)).toEqual([])
}

test("kill -9 before any effect of --init with sessions: the next --init makes all whole, without a key", async () => {
  world.close()
  world = await identityWorld(emulator, { identity: { credentials: "sessions" } })
  const effects = (await run("cs61c-zz", "init", -1)) ?? 0
  expect(effects).toBeGreaterThan(8)
  await killEach(effects, "init")
  for (let effect = 0; effect < effects; effect++) await expectWholeWithSessions(loginOf(effect))
}, 300_000)

describe("kill -9", () => {
  test("before any effect of --init: the next --init makes all whole, with one key", async () => {
    const effects = (await run("cs61c-zz", "init", -1)) ?? 0
    expect(effects).toBeGreaterThan(30)
    await killEach(effects, "init")
    for (let effect = 0; effect < effects; effect++) await expectWhole(loginOf(effect))
  }, 300_000)

  test("before any effect of --rotate-secret: what the files hold works, and the next --init makes all whole", async () => {
    await convergeIdentity(world.deps("cs61c-zz"))
    const effects = (await run("cs61c-zz", "rotate", -1)) ?? 0
    expect(effects).toBeGreaterThan(15)
    for (let effect = 0; effect < effects; effect++) await convergeIdentity(world.deps(loginOf(effect)))
    await killEach(effects, "rotate")
    for (let effect = 0; effect < effects; effect++) {
      const login = loginOf(effect)
      const active = await activeKeys(login)
      for (const key of Object.values(keysInHome(world.course.home(login))))
        expect(active).toContain(key ?? "")
      await expectWhole(login)
    }
  }, 300_000)
})
