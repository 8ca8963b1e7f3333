/** A course that changes from keys to sessions and back: nothing is lost, and no key stays behind. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ListAccessKeysCommand, ListUsersCommand } from "@aws-sdk/client-iam"
import { systemClock } from "../../../lib/host/clock.ts"
import { loadConfig } from "../../../lib/host/config/config.ts"
import { backUp } from "../../../lib/operations/installation/backups.ts"
import { startEmulator } from "../../support/emulator.ts"
import { onPostgres } from "../../support/postgres.ts"
import { type Workspace, workspace } from "../../support/tools.ts"

const emulator = await startEmulator()
const [a, b] = ["cs61c-aa", "cs61c-ab"] as const
let course: Workspace
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint })
  await course.run("init_dbs")
  await course.run("setup")
  for (const login of [a, b]) await init(login)
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const init = (login: string) => course.run("ec2_util", ["--init"], { as: login })
const list = async (login: string) =>
  JSON.parse((await course.run("ec2_util", ["--list", "--json"], { as: login })).stdout)
const retire = (args: string[] = [], stdin?: string) =>
  course.run("setup", ["--retire-keys", ...args], stdin === undefined ? {} : { stdin })
const users = async () =>
  ((await emulator.iam.send(new ListUsersCommand({}))).Users ?? []).map(({ UserName }) => UserName)
const keysOf = async (UserName: string) =>
  ((await emulator.iam.send(new ListAccessKeysCommand({ UserName }))).AccessKeyMetadata ?? []).map(
    ({ AccessKeyId }) => AccessKeyId,
  )
const toSessions = async () => {
  course.configure({ identity: { credentials: "sessions", users: { [b]: { credentials: "keys" } } } })
  await course.run("setup")
}

describe("a course that changes to sessions", () => {
  test("keeps every key until it is told to retire them, and then only those of logins with sessions", async () => {
    const before = await list(a)
    await toSessions()
    expect(await keysOf(a)).toEqual([before.access_key])
    const dry = await retire(["--dry-run"])
    expect(dry.stdout).toBe(
      `${a}: would remove access key ${before.access_key}, password, IAM user ${a} ` +
        "(has not run ec2-util --init since the change, and still uses it)\n",
    )
    await init(a)
    expect((await retire(["--dry-run"])).stdout).not.toContain("still uses it")
    const refused = await retire([], "other\n")
    expect(refused.stderr).toContain(
      'setup: confirmation: "other" was typed, wanted "cs61c"; nothing was removed',
    )
    expect(await users()).toEqual([a, b])
    const done = await retire([], "cs61c\n")
    expect(done).toMatchObject({ code: 0 })
    expect(done.stdout).toEndWith("removed those of 1 login\n")
    expect(await users()).toEqual([b])
    expect(await list(a)).toMatchObject({ access_key: null, ssh_keys: before.ssh_keys })
    expect((await retire()).stdout).toBe("no login with sessions has a key, a password or an IAM user\n")
  })

  test("goes on where a run was cut off", async () => {
    await toSessions()
    for (const action of ["DeleteAccessKey", "DeleteUser"]) {
      emulator.proxy.faults.add({ kind: "refuse", action })
      const { stdout, code } = await retire([], "cs61c\n")
      expect({ action, left: stdout.includes(`${a}: left:`), code }).toEqual({ action, left: true, code: 1 })
    }
    expect((await retire([], "cs61c\n")).code).toBe(0)
    expect(await users()).toEqual([b])
  })

  test("and back: the next --init makes user and key anew, and the SSH key is the same", async () => {
    const before = await list(a)
    await toSessions()
    await init(a)
    await retire([], "cs61c\n")
    course.configure({ identity: { credentials: "keys" } })
    await course.run("setup")
    expect((await init(a)).code).toBe(0)
    const after = await list(a)
    expect(after.ssh_keys).toEqual(before.ssh_keys)
    expect(await keysOf(a)).toEqual([after.access_key])
    expect(readFileSync(join(course.home(a), ".boto"), "utf8")).toContain(after.access_key)
  })
})

test.skipIf(onPostgres)("a session is in no backup", async () => {
  await toSessions()
  await init(a)
  const { stdout } = await course.run("ec2_util", ["--credentials"], { as: a })
  const { SecretAccessKey, SessionToken } = JSON.parse(stdout)
  const config = loadConfig(course.configPath)
  const directory = backUp({ config, clock: systemClock }, join(course.directory, "backups"), 3)
  const copy = readFileSync(join(directory, "users.db"), "latin1")
  for (const secret of [SecretAccessKey, SessionToken]) expect(copy.includes(secret)).toBe(false)
  expect(readFileSync(config.paths.userDb, "latin1").includes(SessionToken)).toBe(true)
})
