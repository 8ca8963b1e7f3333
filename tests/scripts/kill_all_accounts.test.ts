import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { CreateUserCommand, ListUsersCommand } from "@aws-sdk/client-iam"
import { convergeIdentity } from "../../lib/operations/identities/converge.ts"
import { startEmulator } from "../support/emulator.ts"
import { type IdentityWorld, identityWorld } from "../support/identities.ts"

const emulator = await startEmulator()
let world: IdentityWorld
beforeEach(async () => {
  await emulator.reset()
  world = await identityWorld(emulator)
  for (const login of ["cs61c-aa", "cs61c-ab"]) await convergeIdentity(world.deps(login))
})
afterEach(() => world.close())
afterAll(() => emulator.stop())

const killAll = (args: string[] = [], stdin = "cs61c\n") =>
  world.course.run("kill_all_accounts", args, { stdin })
const users = async () => {
  const { Users } = await emulator.iam.send(new ListUsersCommand({}))
  return Users?.map(({ UserName }) => UserName).sort()
}
const tag = (Key: string, Value: string) => ({ Key, Value })
const create = (UserName: string, Path: string, ...Tags: { Key: string; Value: string }[]) =>
  emulator.iam.send(new CreateUserCommand({ UserName, Path, Tags }))

describe("kill_all_accounts", () => {
  test("shows its plan, and removes all of this course and nobody else", async () => {
    await create("admin", "/")
    await create("cs161-ab", "/cs161/")
    await create("of-another-course", "/", tag("ec2-wrappers:course", "cs161"))
    await create("unknown-to-the-database", "/cs61c/")
    await create("only-tagged", "/", tag("ec2-wrappers:course", "cs61c"))
    const { stdout, stderr, code } = await killAll()
    expect(stdout.split("\n")).toEqual([
      "cs61c-aa: at AWS and in users.db",
      "cs61c-ab: at AWS and in users.db",
      "only-tagged: at AWS",
      "unknown-to-the-database: at AWS",
      "cs61c-aa: removed",
      "cs61c-ab: removed",
      "only-tagged: removed",
      "unknown-to-the-database: removed",
      "",
    ])
    expect(stderr).toContain("Type the course's name, cs61c, to remove 4 accounts:\n")
    expect(code).toBe(0)
    expect(await users()).toEqual(["admin", "cs161-ab", "of-another-course"])
    expect(world.deps("cs61c-aa").usersDb.users.logins()).toEqual([])
  })

  test.each([
    ["yes", "yes\n"],
    ["another course's name", "cs161\n"],
    ["nothing", ""],
  ])("removes nothing where %s is typed", async (_what, typed) => {
    const { stderr, code } = await killAll([], typed)
    expect(stderr).toContain('wanted "cs61c"; nothing was removed')
    expect(code).toBe(2)
    expect(await users()).toEqual(["cs61c-aa", "cs61c-ab"])
  })

  test("with --dry-run asks for nothing and removes nothing", async () => {
    const { stdout, stderr, code } = await killAll(["--dry-run"], "")
    expect(stdout).toEndWith("2 accounts of cs61c; nothing was removed\n")
    expect(stderr).toBe("")
    expect(code).toBe(0)
    expect(await users()).toEqual(["cs61c-aa", "cs61c-ab"])
  })

  test("leaves who has instances, says so and fails; with --terminate-instances they go", async () => {
    const { Instances } = await emulator.ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
        TagSpecifications: [{ ResourceType: "instance", Tags: [tag("ec2-wrappers:owner", "cs61c-aa")] }],
      }),
    )
    const id = Instances?.[0]?.InstanceId ?? ""
    const { stdout, code } = await killAll()
    expect(stdout).toContain(`cs61c-aa: at AWS and in users.db, with ${id}\n`)
    expect(stdout).toContain(`cs61c-aa: left: account: cs61c-aa has 1 instance (${id})`)
    expect(stdout).toContain("cs61c-ab: removed\n")
    expect(code).toBe(1)
    expect(await users()).toEqual(["cs61c-aa"])
    expect((await killAll(["--terminate-instances"])).code).toBe(0)
    expect(await users()).toEqual([])
  })

  test("names what is left of whom, and removes the others", async () => {
    const ofOne = { matches: ({ body }: { body: string }) => body.includes("cs61c-aa") }
    emulator.proxy.faults.add({ kind: "unavailable", action: "DeleteUser", times: 8, ...ofOne })
    const { stdout, code } = await killAll()
    expect(stdout).toContain("cs61c-aa: left: IAM user cs61c-aa: ")
    expect(stdout).toContain("cs61c-ab: removed\n")
    expect(code).toBe(1)
    emulator.proxy.faults.clear()
    expect((await killAll()).code).toBe(0)
    expect((await killAll([], "")).stdout).toBe("0 accounts of cs61c; nothing was removed\n")
  })

  test("with --json prints one object", async () => {
    const { stdout } = await killAll(["--json"])
    expect(JSON.parse(stdout)).toMatchObject({ course: "cs61c", removed: ["cs61c-aa", "cs61c-ab"], left: [] })
  })
})
