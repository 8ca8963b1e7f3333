/** course_freeze: nobody launches any more, nothing runs any more, and back. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  GetUserPolicyCommand,
  ListAccessKeysCommand,
} from "@aws-sdk/client-iam"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const freeze = (args: string[], stdin = "") => day.run("course_freeze", args, { as: "cs61c", stdin })
const tryLaunch = (as = student) =>
  day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"], { as })

describe("course_freeze", () => {
  test("is for the staff alone", async () => {
    const { stderr, code } = await day.run("course_freeze", ["--yes"])
    expect(stderr).toBe("course_freeze: caller: cs61c-aa is not on the staff of cs61c\n")
    expect(code).toBe(3)
  })

  test("does nothing before the course's name is typed", async () => {
    const { stdout, stderr, code } = await freeze(["--terminate"], "yes\n")
    expect(stdout).toContain("refuse every launch, restart and extension in cs61c\n")
    expect(stderr).toContain('"yes" was typed, wanted "cs61c"; nothing was done')
    expect(code).toBe(2)
    expect((await tryLaunch()).code).toBe(0)
  })

  test("refuses launches with its reason, terminates what runs, and lifts it again", async () => {
    const ids = [...(await day.launch()), ...(await day.launch("-k", `${student}-default`))]
    const dry = await freeze(["--terminate", "--dry-run"])
    for (const id of ids) expect(dry.stdout).toContain(`terminate ${id} (m1.small) of ${student}\n`)
    expect(await day.running()).toHaveLength(2)
    const { stdout, code } = await freeze(["--terminate", "--reason", "keys on GitHub"], "cs61c\n")
    expect(stdout).toBe(dry.stdout)
    expect(code).toBe(0)
    expect(await day.running()).toEqual([])
    const refused = await tryLaunch()
    expect(refused.stderr).toMatch(/^ec2_runner: cs61c: is frozen since \S+ by cs61c: keys on GitHub\n$/)
    expect(refused.code).toBe(3)
    expect((await freeze(["--lift", "--yes"])).code).toBe(0)
    expect((await tryLaunch()).code).toBe(0)
  })

  test.each([
    ["the course", []],
    ["a login", [student]],
  ])("ends what %s has where the course was before it moved to another region", async (_, whom: string[]) => {
    const [id = ""] = await day.launch()
    day.course.configure({ aws: { region: "us-west-2" } })
    const { stdout, code } = await freeze([...whom, "--terminate", "--yes"])
    expect(stdout).toContain(`terminate ${id} (m1.small) of ${student}\n`)
    expect(code).toBe(0)
    expect(await day.running()).toEqual([])
  })

  test.each([
    ["the course", []],
    ["a login", [student]],
  ])(
    "refuses launches of %s also where EC2 does not answer, and ends what runs when run again",
    async (_, whom: string[]) => {
      await day.launch()
      const args = [...whom, "--terminate", "--yes"]
      const clear = emulator.proxy.faults.add({
        kind: "drop-before",
        action: "DescribeInstances",
        times: Number.POSITIVE_INFINITY,
      })
      const dry = await freeze([...args, "--dry-run"])
      expect(dry.stderr).toStartWith("course_freeze: plan: describe instances: ")
      expect(dry.code).toBe(1)
      const first = await freeze(args)
      expect(first.stdout).toContain("terminate what else is found then, not known now: describe instances: ")
      expect(first.stderr).toMatch(/^course_freeze: freeze: describe instances: .*; run it again\n$/)
      expect(first.code).toBe(1)
      clear()
      expect((await tryLaunch()).code).toBe(3)
      expect(await day.running()).toHaveLength(1)
      expect((await freeze(args)).code).toBe(0)
      expect(await day.running()).toEqual([])
    },
  )

  test("with --stop terminates spot instances, which cannot be stopped, and shows so first", async () => {
    const [kept = ""] = await day.launch()
    await day.launch("--spot")
    const spot = (await day.running()).find(({ InstanceId }) => InstanceId !== kept)?.InstanceId
    const { stdout, stderr, code } = await freeze(["--stop", "--yes"])
    expect(stdout).toContain(`stop ${kept} (m1.small) of ${student}\n`)
    expect(stdout).toContain(`terminate ${spot} (m1.small) of ${student}: spot cannot be stopped\n`)
    expect([stderr, code]).toEqual(["done\n", 0])
    expect((await day.running()).map(({ InstanceId }) => InstanceId ?? "")).toEqual([kept])
  })

  test("suspends one login at AWS and here, across a deleted and remade account, until it is lifted", async () => {
    await emulator.iam.send(new CreateUserCommand({ UserName: student }))
    await emulator.iam.send(new CreateAccessKeyCommand({ UserName: student }))
    const keyStates = async () =>
      (await emulator.iam.send(new ListAccessKeysCommand({ UserName: student }))).AccessKeyMetadata?.map(
        ({ Status }) => Status as string,
      )
    const [id = ""] = await day.launch()
    expect((await freeze([student, "--stop", "--reason", "mining"], `${student}\n`)).code).toBe(0)
    expect(await keyStates()).toEqual(["Inactive"])
    const policy = { UserName: student, PolicyName: "ec2-wrappers-suspended" }
    expect((await emulator.iam.send(new GetUserPolicyCommand(policy))).PolicyDocument).toContain("Deny")
    await emulator.proxy.advance(120_000)
    const [stopped] = await day.running()
    expect([stopped?.InstanceId, stopped?.State?.Name]).toEqual([id, "stopped"])
    expect((await tryLaunch()).stderr).toContain(`${student}: is suspended since `)
    expect((await day.run("ec2_active", ["--start", id])).code).toBe(3)
    expect((await tryLaunch("cs61c-ab")).code).toBe(0)
    const lifted = await freeze([student, "--lift", "--yes"])
    expect(lifted.code).toBe(0)
    expect(lifted.stdout + lifted.stderr).toContain("make 1 access key active")
    expect(await keyStates()).toEqual(["Active"])
    expect((await day.run("ec2_active", ["--start", id])).code).toBe(0)
  })

  test("denies nothing to a user that is not the course's, or whose key the tools use", async () => {
    await emulator.iam.send(new CreateUserCommand({ UserName: "admin", Path: "/staff/" }))
    const other = await freeze(["admin", "--force", "--yes"])
    expect(other.stderr).toBe(
      "course_freeze: freeze: IAM: IAM user admin: is at /staff/, which is not this course's, and is left alone; run it again\n",
    )
    const lifted = await freeze(["admin", "--lift", "--force", "--yes"])
    expect(lifted.stdout).toContain("allow admin to launch again")
    expect(lifted.stderr).toBe(
      "course_freeze: lift: IAM: IAM user admin: is at /staff/, which is not this course's, and is left alone; run it again\n",
    )
    await emulator.iam.send(new CreateUserCommand({ UserName: student }))
    const { AccessKey } = await emulator.iam.send(new CreateAccessKeyCommand({ UserName: student }))
    writeFileSync(
      join(day.course.dataDir, "root-access-key"),
      JSON.stringify({
        aws_access_key_id: AccessKey?.AccessKeyId,
        aws_secret_access_key: AccessKey?.SecretAccessKey,
      }),
    )
    const own = await freeze([student, "--yes"])
    expect(own.stderr).toContain(
      `IAM user ${student}: has the key that these tools themselves work with, and is left alone`,
    )
    expect(own.code).toBe(1)
    const { AccessKeyMetadata } = await emulator.iam.send(new ListAccessKeysCommand({ UserName: student }))
    expect(AccessKeyMetadata?.[0]?.Status).toBe("Active")
    expect((await tryLaunch()).code).toBe(3)
  })

  test("suspends also where the next term is set already, and into it", async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
    day.course.configure({ course: { term_start: tomorrow } })
    expect((await freeze([student, "--yes"])).code).toBe(0)
    const refused = await tryLaunch()
    expect(refused.stderr).toContain(`${student}: is suspended since `)
    expect(refused.code).toBe(3)
    expect((await freeze([student, "--lift", "--yes"])).code).toBe(0)
    expect((await tryLaunch()).code).toBe(0)
  })

  test("refuses a login that nobody has, names the nearest, and suspends it all the same with --force", async () => {
    const typed = await freeze(["cs61c-aq", "--yes"])
    expect(typed.stderr).toBe(
      "course_freeze: arguments: cs61c-aq has no account here and is in no record, did you mean cs61c-aa? (--force goes on all the same)\n",
    )
    expect(typed.code).toBe(2)
    expect((await freeze(["zzzzzzzzz", "--yes"])).stderr).not.toContain("did you mean")
    expect(day.usageDb().suspensions.all(null)).toEqual([])
    expect((await freeze(["cs61c-aq", "--yes", "--force"])).code).toBe(0)
    // Known from now on: a suspension can be lifted as it was made.
    expect((await freeze(["cs61c-aq", "--lift", "--yes"])).code).toBe(0)
  })

  test("knows the logins of passwd and of the ledger, too", async () => {
    expect((await freeze(["daemon", "--yes", "--dry-run"])).code).toBe(0)
    const usageDb = day.usageDb()
    usageDb.transaction(() => usageDb.ledger.sums.know("cs61c-zz"))
    expect((await freeze(["cs61c-zz", "--dry-run"])).code).toBe(0)
  })

  test("--status says who is frozen or suspended, since when, by whom and why", async () => {
    const idle = await freeze(["--status"])
    expect([idle.stdout, idle.code]).toEqual(["cs61c is not frozen, nobody is suspended\n", 0])
    await freeze(["--yes", "--reason", "keys on\u001b[2J GitHub"])
    await freeze([student, "--yes", "--reason", "mining"])
    const { stdout, code } = await freeze(["--status"])
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^cs61c is frozen since \S+Z by cs61c: keys on\\x1b\[2J GitHub$/),
      expect.stringMatching(/^cs61c-aa is suspended since \S+Z by cs61c: mining$/),
      "",
    ])
    expect(code).toBe(0)
    const { frozen, suspended } = JSON.parse((await freeze(["--status", "--json"])).stdout)
    expect(frozen).toEqual({ since: expect.any(String), by: "cs61c", reason: "keys on\u001b[2J GitHub" })
    expect(suspended).toEqual([
      { user: student, since: expect.any(String), by: "cs61c", reason: "mining", inactive_keys: 0 },
    ])
    expect((await freeze(["cs61c-ab", "--status"])).stdout).toContain("cs61c is frozen since ")
    expect((await freeze(["--status", "--lift"])).code).toBe(2)
    expect((await day.run("course_freeze", ["--status"])).code).toBe(3)
    await freeze(["--lift", "--yes"])
    expect((await freeze(["cs61c-ab", "--status"])).stdout).toBe("cs61c-ab is not suspended\n")
  })

  test("its plan says counts and dollars: of what ends, and of what runs on", async () => {
    await day.launch()
    await day.launch()
    const ends = await freeze(["--terminate", "--dry-run"])
    expect(ends.stdout).toContain("in all: 2 instances of 1 login, 2 running at $0.17/h\n")
    const stays = await freeze(["--dry-run"])
    expect(stays.stdout).toMatch(
      /leave running what runs, until its lease ends \(2 instances at \$0\.17\/h, \$0\.\d\d at the most\)/,
    )
    expect((await freeze(["cs61c-ab", "--dry-run"])).stdout).toContain("(nothing of it runs)")
  })

  test("a suspension of an earlier term is not the next person's", async () => {
    await freeze([student, "--yes"])
    expect((await tryLaunch()).code).toBe(3)
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
    day.course.configure({ course: { term_start: tomorrow } })
    expect((await tryLaunch()).code).toBe(0)
  })
})
