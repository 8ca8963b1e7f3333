/** What doctor advises: each advice that can be run here is run, and mends what it is for. */
import { Database } from "bun:sqlite"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DeleteSubnetCommand, DescribeSubnetsCommand } from "@aws-sdk/client-ec2"
import { PutGroupPolicyCommand } from "@aws-sdk/client-iam"
import { loadConfig } from "../../lib/host/config/config.ts"
import type { Finding } from "../../lib/operations/doctor/finding.ts"
import {
  checkAccounts,
  checkDefaults,
  checkReadable,
  freshLogin,
} from "../../lib/operations/doctor/students.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator?.stop())
beforeEach(async () => {
  await emulator.reset()
  course = workspace({
    endpoint: emulator.endpoint,
    config: {
      limits: { course_budget: 1000 },
      launch: { image: emulator.fixtures.image, instance_type: "t3.micro" },
    },
  })
})
afterEach(() => course.remove())

async function findings(...options: string[]): Promise<Finding[]> {
  const { stdout, stderr } = await course.run("doctor", ["--json", ...options])
  expect(stderr).toBe("")
  return JSON.parse(stdout).findings
}

const about = (all: Finding[], what: string | RegExp) =>
  all.find((finding) => (typeof what === "string" ? finding.what === what : what.test(finding.what)))

describe("an advice mends what it is for", () => {
  test("init_dbs, usage_cron, backup_dbs, setup and setup --remove-other-policies", async () => {
    const errorsNow = async () => (await findings()).filter(({ level }) => level !== "ok")
    const before = await errorsNow()
    expect(about(before, join(course.dataDir, "users.db"))?.todo).toBe("run init_dbs as the account")
    await course.run("init_dbs")
    const second = await errorsNow()
    expect(about(second, join(course.dataDir, "users.db"))).toBeUndefined()
    expect(about(second, /^last look/)?.todo).toContain("usage_cron")
    expect(about(second, /backups$/)?.todo).toContain("backup_dbs")
    expect(about(second, "IAM group students")?.todo).toBe("run setup")
    for (const tool of ["usage_cron", "backup_dbs", "setup"]) await course.run(tool)
    await emulator.iam.send(
      new PutGroupPolicyCommand({
        GroupName: "students",
        PolicyName: "more",
        PolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action: "ec2:RunInstances", Resource: "*" }],
        }),
      }),
    )
    const third = await errorsNow()
    for (const what of [/^last look/, /backups$/]) expect(about(third, what)).toBeUndefined()
    expect(about(third, "IAM group students")?.todo).toBe("run setup --remove-other-policies")
    await course.run("setup", ["--remove-other-policies"])
    const last = await findings()
    expect(about(last, "IAM group students")?.level).toBe("ok")
    expect(about(last, /^first day/)).toMatchObject({ level: "ok" })
  })

  test("a default VPC, a type that exists, and the endpoint's address", async () => {
    await course.run("init_dbs")
    const firstDay = async () => about(await findings(), /^first day/)
    course.configure({ launch: { instance_type: "t3.mcro" } })
    expect(about(await findings(), /^launching/)?.todo).toContain("[launch] image and instance_type")
    course.configure({ limits: { instance_types: ["m7i.*"] } })
    expect(await firstDay()).toMatchObject({
      found: expect.stringContaining("would end at ec2-run: instance type: "),
      todo: expect.stringContaining("instance_types"),
    })
    course.configure({})
    const { Subnets = [] } = await emulator.ec2.send(new DescribeSubnetsCommand({}))
    for (const { SubnetId } of Subnets) await emulator.ec2.send(new DeleteSubnetCommand({ SubnetId }))
    const without = await findings()
    for (const what of [/^launching/, /^first day/])
      expect(about(without, what)).toMatchObject({
        level: "error",
        todo: expect.stringContaining("aws ec2 create-default-vpc"),
      })
    course.configure({ aws: { endpoint: "http://127.0.0.1:1" } })
    expect(about(await findings(), "access key")?.todo).toStartWith("let this host reach AWS")
  })

  test("a course that is frozen is said to be, and course_freeze --lift is the advice", async () => {
    await course.run("init_dbs")
    await course.run("course_freeze", ["--yes", "--reason", "a leak"])
    expect(about(await findings(), /^first day/)).toMatchObject({
      found: expect.stringContaining("a leak"),
      todo: expect.stringContaining("course_freeze --lift"),
    })
    await course.run("course_freeze", ["--lift", "--yes"])
    expect(about(await findings(), /^first day/)?.level).toBe("ok")
  })
})

describe("doctor changes nothing", () => {
  const contents = () =>
    readdirSync(course.dataDir)
      .filter((name) => !/-(wal|shm)$/.test(name) && name !== "turn.lock")
      .sort()
      .map((name) => [name, Bun.hash(readFileSync(join(course.dataDir, name)))])

  test("of an old tool's database, and of one of today with a student in it", async () => {
    for (const [name, text] of [
      ["usage.db", readFileSync(join(import.meta.dir, "..", "fixtures", "old_usage_db.sql"), "utf8")],
      ["users.db", "CREATE TABLE users(user_name TEXT PRIMARY KEY, create_time TEXT)"],
    ] as const) {
      const old = new Database(join(course.dataDir, name))
      old.run(text)
      old.close()
      chmodSync(join(course.dataDir, name), 0o600)
    }
    const before = contents()
    const found = await findings()
    expect(about(found, /usage.db: schema$/)?.todo).toBe("run init_dbs as the account")
    expect(contents()).toEqual(before)
    for (const name of ["usage.db", "users.db"]) rmSync(join(course.dataDir, name))
    await course.run("init_dbs")
    await course.run("usage_cron")
    const after = contents()
    await findings()
    expect(contents()).toEqual(after)
  })

  test("lost+found of a file system of its own is no finding", async () => {
    await course.run("init_dbs")
    mkdirSync(join(course.dataDir, "lost+found"), { mode: 0o755 })
    expect(about(await findings("--offline"), course.dataDir)?.level).toBe("ok")
  })
})

describe("what keeps students out is an error", () => {
  const config = (accounts: string[]) => {
    course.configure({ course: { accounts } })
    return loadConfig(course.configPath)
  }

  test("a config that they cannot read, with the chmod that mends it", () => {
    const place = mkdtempSync(join(tmpdir(), "doctor-config-"))
    const path = join(place, "config.toml")
    writeFileSync(path, "", { mode: 0o600 })
    const level = () => checkReadable({ path })[0]
    expect(level()).toMatchObject({ level: "error", todo: `chmod a+r ${path}` })
    chmodSync(path, 0o644)
    expect(level()).toMatchObject({ level: "error", todo: `chmod a+x ${place}` })
    chmodSync(place, 0o711)
    expect(level()?.level).toBe("ok")
    rmSync(place, { recursive: true })
  })

  test.each<[string[], string | null, string[], string]>([
    [[], "cs61c", [], "error"],
    [["cs61c-??"], "cs61c", ["cs61c-aa", "root"], "ok"],
    [["ee16a-??"], "cs61c", [], "error"],
    [["*"], "cs61c", ["cs61c-aa"], "ok"],
    [["*"], "cs61c", ["cs61c-aa", "jdoe"], "error"],
    [["cs6*"], "cs61c", ["cs61c-aa"], "ok"],
    [["anything"], "", ["anything"], "ok"],
  ])("accounts %p with wrappers for %p and logins %p: %s", (accounts, prefix, logins, level) => {
    expect(checkAccounts({ config: config(accounts), prefix, logins })[0]?.level).toBe(
      level as Finding["level"],
    )
  })

  test("no image and type to launch, and a lease longer than the longest", () => {
    course.configure({ launch: { image: "", instance_type: "" }, leases: { default_hours: 9, max_hours: 8 } })
    const found = checkDefaults(loadConfig(course.configPath))
    expect(found.map(({ level, what }) => [level, what])).toEqual([
      ["error", "[launch]"],
      ["error", "[leases] default_hours"],
    ])
    course.configure({ leases: { default_hours: 8, max_hours: 8 } })
    expect(checkDefaults(loadConfig(course.configPath)).map(({ level }) => level)).toEqual(["ok", "ok"])
  })

  test("the first day is played as a login that nobody has used", () => {
    const known = new Set(["cs61c-aa", "cs61c-ab"])
    expect(freshLogin(config(["cs61c-??"]), (login) => known.has(login))).toBe("cs61c-ac")
    expect(freshLogin(config([]), () => false)).toBeNull()
  })
})
