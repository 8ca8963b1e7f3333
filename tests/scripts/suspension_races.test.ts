/** A suspension against what the login is doing at the same moment, in another process: one transaction decides. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { ListAccessKeysCommand, ListUserPoliciesCommand } from "@aws-sdk/client-iam"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"
import { finished } from "../support/tools.ts"

const emulator = await startEmulator()
const { proxy } = emulator
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator, {}, [student])
  expect((await day.run("setup", [], { as: "cs61c" })).code).toBe(0)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const init = (...args: string[]) => day.run("ec2_util", ["--init", ...args])
const suspend = (...args: string[]) =>
  day.run("course_freeze", [student, "--yes", "--force", ...args], { as: "cs61c" })
const isSuspended = () => day.usageDb().suspensions.current(student, null) !== null

/** Null where there is no user. */
async function atIam(): Promise<{ keys: (string | undefined)[]; policies: string[] } | null> {
  try {
    const keys = await emulator.iam.send(new ListAccessKeysCommand({ UserName: student }))
    const policies = await emulator.iam.send(new ListUserPoliciesCommand({ UserName: student }))
    return {
      keys: (keys.AccessKeyMetadata ?? []).map(({ Status }) => Status),
      policies: policies.PolicyNames ?? [],
    }
  } catch (error) {
    if ((error as Error).name.startsWith("NoSuchEntity")) return null
    throw error
  }
}

/** Holds the next call of this name until told. */
function held(action: string): { begun: Promise<void>; release(): void } {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  proxy.faults.add({
    ...{ kind: "delay", delayMs: 0, action, until: gate.promise },
    matches() {
      begun.resolve()
      return true
    },
  })
  return { begun: begun.promise, release: gate.resolve }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(20)
}

async function expectNothingWorks(): Promise<void> {
  const state = await atIam()
  if (state) {
    expect(state.keys).not.toContain("Active")
    expect(state.policies).toContain("ec2-wrappers-suspended")
  }
  expect((await init()).stderr).toContain(`${student} is suspended`)
  const after = await atIam()
  expect(after?.keys ?? []).not.toContain("Active")
}

describe("a suspension while --delete-account --init makes the account anew", () => {
  for (const action of ["DeleteUser", "CreateUser", "CreateAccessKey", "PutUserPolicy"]) {
    test(`and is at ${action} leaves no key that works, and no account without the denial`, async () => {
      expect((await init()).code).toBe(0)
      const hold = held(action)
      const remaking = day.course.start("ec2_util", ["--delete-account", "--init"], { as: student })
      remaking.stdin.end()
      await hold.begun
      const suspending = suspend("--reason", "mining")
      await until(isSuspended)
      hold.release()
      const [remade, suspended] = await Promise.all([finished(remaking), suspending])
      expect(suspended.stderr).toBe("done\n")
      expect(suspended.code).toBe(0)
      expect(remade.stderr).toContain(`account: ${student} is suspended (mining), see your course's staff`)
      expect(remade.code).toBe(3)
      await expectNothingWorks()
    })
  }

  test("and comes when it is over finds the new key", async () => {
    expect((await init()).code).toBe(0)
    expect((await day.run("ec2_util", ["--delete-account", "--init"])).code).toBe(0)
    expect((await atIam())?.keys).toEqual(["Active"])
    expect((await suspend()).code).toBe(0)
    expect(await atIam()).toMatchObject({ keys: ["Inactive"] })
    await expectNothingWorks()
  })
})

describe("a suspension while a launch", () => {
  const launching = () =>
    day.course.start("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"], { as: student })

  test("looks at what the student has refuses it: nothing is asked of RunInstances", async () => {
    const hold = held("DescribeInstances")
    const launch = launching()
    launch.stdin.end()
    await hold.begun
    const suspending = suspend("--terminate")
    await until(isSuspended)
    hold.release()
    const [launched, suspended] = await Promise.all([finished(launch), suspending])
    expect(launched.stderr).toMatch(new RegExp(`^ec2_runner: ${student}: is suspended since `))
    expect(launched.code).toBe(3)
    expect(suspended.code).toBe(0)
    expect(proxy.calls.some(({ action }) => action === "RunInstances")).toBe(false)
    expect(await day.running()).toEqual([])
  })

  test("is at AWS waits for it, and ends it", async () => {
    const hold = held("RunInstances")
    const launch = launching()
    launch.stdin.end()
    await hold.begun
    const suspending = suspend("--terminate")
    await until(isSuspended)
    hold.release()
    expect((await finished(launch)).code).toBe(0)
    const suspended = await suspending
    expect([suspended.stderr.trim().split("\n").at(-1), suspended.code]).toEqual(["done", 0])
    expect(await day.running()).toEqual([])
  })

  test("is at AWS for long says that it may still arrive, and ends it the next time", async () => {
    const hold = held("RunInstances")
    const launch = launching()
    launch.stdin.end()
    await hold.begun
    const suspended = await suspend("--terminate")
    expect(suspended.stderr).toContain("1 launch admitted before may still arrive; run it again")
    expect(suspended.code).toBe(1)
    hold.release()
    expect((await finished(launch)).code).toBe(0)
    expect(await day.running()).toHaveLength(1)
    expect((await suspend("--terminate")).code).toBe(0)
    expect(await day.running()).toEqual([])
  })
})
