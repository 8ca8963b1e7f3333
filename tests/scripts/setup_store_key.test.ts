/** `setup --store-key`: the account's key is replaced by one that has been judged, or stays. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
} from "@aws-sdk/client-iam"
import { startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
let course: Workspace
let path: string
let own: typeof emulator.proxy.world.knobs.own
beforeEach(async () => {
  await emulator.reset()
  own = emulator.proxy.world.knobs.own
  course = workspace({ endpoint: emulator.endpoint })
  path = join(course.dataDir, "root-access-key")
})
afterEach(() => {
  emulator.proxy.world.knobs.own = own
  course.remove()
})
afterAll(() => emulator.stop())

interface Key {
  id: string
  secret: string
}

/** A user of the account with that policy, and its key. */
async function keyOf(name: string, policy: string): Promise<Key> {
  await emulator.iam.send(new CreateUserCommand({ UserName: name }))
  const document = JSON.stringify(JSON.parse(policy))
  const { Policy } = await emulator.iam.send(
    new CreatePolicyCommand({ PolicyName: `rights-of-${name}`, PolicyDocument: document }),
  )
  await emulator.iam.send(new AttachUserPolicyCommand({ UserName: name, PolicyArn: Policy?.Arn }))
  const { AccessKey } = await emulator.iam.send(new CreateAccessKeyCommand({ UserName: name }))
  return { id: AccessKey?.AccessKeyId ?? "", secret: AccessKey?.SecretAccessKey ?? "" }
}
const least = async () => (await course.run("setup", ["--print-policy"])).stdout
const text = ({ id, secret }: Key) => JSON.stringify({ aws_access_key_id: id, aws_secret_access_key: secret })
const store = (key: Key | string, ...options: string[]) =>
  course.run("setup", ["--store-key", ...options], { stdin: typeof key === "string" ? key : text(key) })
const stored = () => JSON.parse(readFileSync(path, "utf8")).aws_access_key_id as string
const inDataDir = () => readdirSync(course.dataDir).filter((name) => name.startsWith("root-access-key"))

function expectKept(
  done: { stdout: string; stderr: string; code: number },
  before: string,
  code: number,
  reason: RegExp,
) {
  expect(done.stderr).toMatch(reason)
  expect([done.stdout, done.code]).toEqual(["", code])
  expect(done.stderr.trimEnd().split("\n").length).toBe(1)
  expect(readFileSync(path, "utf8")).toBe(before)
  expect(inDataDir()).toEqual(["root-access-key"])
}

describe("setup --store-key", () => {
  test("replaces the key by one with the least rights, and keeps no copy and shows no secret", async () => {
    const key = await keyOf("privileged", await least())
    const { stdout, stderr, code } = await store(key)
    expect(stderr).toBe("")
    expect(stdout).toMatch(
      /^stored the key of arn:aws:iam::123456789012:user\/privileged, permissions: (\d+) of \1 are given; what was there before: arn:aws:iam::123456789012:\S+\n$/,
    )
    expect(code).toBe(0)
    expect(stored()).toBe(key.id)
    expect(inDataDir()).toEqual(["root-access-key"])
    expect(statSync(path).mode & 0o7777).toBe(0o400)
    const audit = readFileSync(join(course.dataDir, "audit-log"), "utf8")
    expect(audit).toContain(
      "root access key: done: stored the one of arn:aws:iam::123456789012:user/privileged",
    )
    for (const said of [stdout, audit]) expect(said).not.toContain(key.secret)
    // It works, and takes over again.
    expect((await course.run("setup")).code).toBe(0)
  })

  test("takes what aws iam create-access-key prints, and makes the file where there is none", async () => {
    rmSync(path, { force: true })
    const { id, secret } = await keyOf("privileged", await least())
    const done = await store(
      JSON.stringify({
        AccessKey: { UserName: "privileged", AccessKeyId: id, SecretAccessKey: secret, Status: "Active" },
      }),
      "--json",
    )
    expect(JSON.parse(done.stdout)).toMatchObject({
      arn: "arn:aws:iam::123456789012:user/privileged",
      before: null,
    })
    expect(stored()).toBe(id)
  })

  test("refuses a key of another account", async () => {
    expect((await store(await keyOf("privileged", await least()))).code).toBe(0)
    const before = readFileSync(path, "utf8")
    emulator.proxy.world.knobs.own = { ...own, arn: "arn:aws:iam::999999999999:user/other" }
    const done = await store({ id: "AKIAOTHERACCOUNT1234", secret: "never-shown" })
    expectKept(
      done,
      before,
      3,
      /it is of AWS account 999999999999, the course is in 123456789012; nothing was changed\n$/,
    )
  })

  test("refuses a key that lacks rights, a student's, and another course's", async () => {
    const before = readFileSync(path, "utf8")
    const policy = JSON.parse(await least()) as { Statement: { Action: string[] }[] }
    for (const statement of policy.Statement)
      statement.Action = statement.Action.filter((action) => action !== "ec2:RunInstances")
    expectKept(
      await store(await keyOf("no-launches", JSON.stringify(policy))),
      before,
      3,
      /it lacks ec2:RunInstances; attach/,
    )
    const reading =
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}'
    expectKept(
      await store(await keyOf("reader", reading)),
      before,
      3,
      /it lacks .* and \d+ more; attach|its rights cannot be asked/,
    )
    const other = (await least())
      .replaceAll("/cs61c/", "/cs162/")
      .replaceAll("group/students", "group/cs162-students")
    expectKept(await store(await keyOf("other-course", other)), before, 3, /it lacks iam:|its rights/)
  })

  test.each([
    ["nothing", ""],
    ["no JSON", "AKIAIOSFODNN7EXAMPLE s3cr3t-never-shown"],
    ["another object", '{"secret":"s3cr3t-never-shown"}'],
    ["a key id of a few letters", '{"aws_access_key_id":"AK","aws_secret_access_key":"s3cr3t-never-shown"}'],
    ["too much", "x".repeat(20_000)],
  ])("refuses %s, and shows none of it", async (_what, input) => {
    const before = readFileSync(path, "utf8")
    const done = await store(input)
    expectKept(done, before, input.length > 1000 ? 2 : 1, /^setup: (key on stdin|stdin): /)
    expect(done.stderr).not.toContain("s3cr3t")
  })

  test("keeps the old key where the new one is not known to AWS", async () => {
    const key = await keyOf("privileged", await least())
    await emulator.iam.send(new DeleteAccessKeyCommand({ UserName: "privileged", AccessKeyId: key.id }))
    expectKept(await store(key), readFileSync(path, "utf8"), 1, /^setup: /)
  })

  test("does not guess the account where the old key is dead, and says what to do", async () => {
    const dead = await keyOf("dead", await least())
    expect((await store(dead)).code).toBe(0)
    await emulator.iam.send(new DeleteAccessKeyCommand({ UserName: "dead", AccessKeyId: dead.id }))
    const key = await keyOf("privileged", await least())
    expectKept(
      await store(key),
      readFileSync(path, "utf8"),
      1,
      /the old key does not say of which account it is .* move \S+root-access-key away first\n$/,
    )
    rmSync(path, { force: true })
    expect((await store(key)).code).toBe(0)
  })

  test("is for staff alone, and for a config that reads the file", async () => {
    const key = await keyOf("privileged", await least())
    const before = readFileSync(path, "utf8")
    expectKept(
      await course.run("setup", ["--store-key"], { as: "cs61c-aa", stdin: text(key) }),
      before,
      3,
      /not on the staff/,
    )
    course.configure({ aws: { endpoint: emulator.endpoint, region: "us-east-1", credentials: "default" } })
    expectKept(await store(key), before, 3, /credentials\] is "default"|credentials is "default"/)
  })

  test("twice at once, and killed anywhere, leaves one working key", async () => {
    const keys = [await keyOf("one", await least()), await keyOf("two", await least())] as const
    const known = new Set([stored(), ...keys.map(({ id }) => id)])
    for (let killMs = 100; killMs <= 700; killMs += 200) {
      const runs = keys.map((key) => {
        const run = course.start("setup", ["--store-key"])
        run.stdin.write(text(key))
        run.stdin.end()
        return run
      })
      await Bun.sleep(killMs)
      runs[0]?.kill("SIGKILL")
      await Promise.all(runs.map(({ exited }) => exited))
      expect(known.has(stored())).toBe(true)
    }
    // What a killed run may have left goes with the next one.
    writeFileSync(`${path}.incoming`, "half a key", { mode: 0o400 })
    chmodSync(`${path}.incoming`, 0o400)
    expect((await store(keys[1])).code).toBe(0)
    expect(stored()).toBe(keys[1].id)
    expect(inDataDir()).toEqual(["root-access-key"])
    expect((await course.run("setup")).code).toBe(0)
  })
})
