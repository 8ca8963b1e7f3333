import { Database } from "bun:sqlite"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DetachUserPolicyCommand,
  PutGroupPolicyCommand,
} from "@aws-sdk/client-iam"
import type { PolicyDocument } from "../../lib/decisions/identities/policy_document.ts"
import { privilegedPolicy } from "../../lib/decisions/identities/privileged_policy.ts"
import { studentPolicy, studentPolicyName } from "../../lib/decisions/identities/student_policy.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import type { Finding } from "../../lib/operations/doctor/finding.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator?.stop())
beforeEach(async () => {
  course = workspace({ endpoint: emulator.endpoint, config: { limits: { course_budget: 1000 } } })
  await course.run("init_dbs")
})
afterEach(() => course.remove())

async function examine(...options: string[]) {
  const { stdout, stderr, code } = await course.run("doctor", ["--json", ...options])
  expect(stderr).toBe("")
  const { worst, findings } = JSON.parse(stdout) as { worst: string; findings: Finding[] }
  const about = (what: string | RegExp) =>
    findings.filter((finding) => (typeof what === "string" ? finding.what === what : what.test(finding.what)))
  return { worst, findings, about, code }
}

const data = (name: string) => join(course.dataDir, name)

describe("doctor", () => {
  test("finds the programs missing where nothing is installed, and exits with 1", async () => {
    const { about, code, worst } = await examine("--offline", "--prefix", data("nowhere"))
    expect(about("programs")[0]?.found).toBe(`${data("nowhere")} does not exist`)
    expect(about("programs")[0]?.todo).toBe("run the installer")
    expect([code, worst]).toEqual([1, "error"])
  })

  test("says each finding on one line: level, what, what is, what to do", async () => {
    const { stdout } = await course.run("doctor", ["--offline", "--prefix", "/nowhere"])
    for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^(ok|warning|error) +\S.*: .+$/)
    expect(stdout).toContain("ok       [limits] budget: $100.00 per user and term\n")
  })

  test("finds the data directory, the databases and the file system in order", async () => {
    const { about } = await examine("--offline")
    for (const what of [
      course.dataDir,
      data("users.db"),
      data("usage.db"),
      `${course.dataDir}: file system`,
    ]) {
      expect(`${what} ${about(what).map(({ level }) => level)}`).toBe(`${what} ok`)
    }
  })

  test("finds files that are open to others, links, and a missing key", async () => {
    writeFileSync(data("audit-log"), "")
    chmodSync(data("audit-log"), 0o644)
    symlinkSync("/etc/passwd", data("link"))
    rmSync(data("root-access-key"))
    const { about, code } = await examine("--offline")
    expect(about(data("audit-log"))[0]?.found).toBe("is open to others")
    expect(about(data("link"))[0]?.level).toBe("warning")
    expect(about(data("root-access-key"))[0]?.found).toBe("is missing")
    expect(code).toBe(1)
  })

  test("errs while lines wait for the audit log, and no longer once the log has taken them", async () => {
    const log = auditLog(data("audit-log"), systemClock, { lateDirectories: [course.dataDir] })
    mkdirSync(data("audit-log"), { mode: 0o700 })
    log.record("enforcement", "terminate i-1", "regardless")
    rmSync(data("audit-log"), { recursive: true })
    expect((await examine("--offline")).about(data("audit-log"))).toMatchObject([
      { level: "error", found: "lacks 1 line that could not be written" },
    ])
    log.catchUp()
    expect(readFileSync(data("audit-log"), "utf8")).toEndWith(": enforcement: terminate i-1\n")
    expect((await examine("--offline")).about(data("audit-log"))).toMatchObject([{ level: "ok" }])
  })

  test("finds a damaged database", async () => {
    writeFileSync(data("usage.db"), "x".repeat(10_000), { mode: 0o600 })
    const [finding] = (await examine("--offline")).about(data("usage.db"))
    expect(finding).toMatchObject({ level: "error", found: "file is not a database" })
    expect(finding?.todo).toMatch(/backup_dbs --restore/)
  })

  test("warns when the newest backup is old or there is none", async () => {
    expect((await examine("--offline")).about(/backups/)[0]?.found).toBe("holds no backup")
    mkdirSync(data("backups"), { mode: 0o700 })
    mkdirSync(data("backups/20260101T000000Z"), { mode: 0o700 })
    expect((await examine("--offline")).about(/backups/)[0]?.level).toBe("warning")
    await course.run("backup_dbs")
    expect((await examine("--offline")).about(/backups/)[0]?.level).toBe("ok")
  })

  test("finds cron never, lately or long ago to have looked at the account", async () => {
    const look = (minutesAgo: number, error: string | null = null) => {
      const db = new Database(data("usage.db"))
      const at = Date.now() - minutesAgo * 60_000
      db.query("INSERT INTO snapshots VALUES (NULL, 'us-east-1', ?, ?, 3, ?)").run(at - 500, at, error)
      db.close()
    }
    const found = async () => (await examine("--offline")).about("last look at us-east-1")[0]
    expect(await found()).toMatchObject({ level: "error", found: "never" })
    look(300)
    expect(await found()).toMatchObject({ level: "error", found: "5 h 00 min ago, 3 instances" })
    look(20)
    expect((await found())?.level).toBe("warning")
    look(2)
    expect((await found())?.level).toBe("ok")
    look(1, "EC2 does not answer")
    const { about } = await examine("--offline")
    const [last] = about("last look at us-east-1")
    expect([last?.level, last?.found]).toEqual([
      "warning",
      expect.stringMatching(/instances; since then: EC2 does not answer$/),
    ])
  })

  test("warns of a term that has not begun: all that was ever spent counts until then", async () => {
    expect((await examine("--offline")).about("[course] term_start")).toEqual([])
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
    course.configure({ course: { term_start: tomorrow } })
    const [finding] = (await examine("--offline")).about("[course] term_start")
    expect(finding).toMatchObject({
      level: "warning",
      found: expect.stringContaining(`is ${tomorrow}: until then all counts`),
    })
  })

  test("finds limits of a login that is nobody's", async () => {
    course.configure({
      limits: { users: { "cs61c-ab": { budget: 5 }, "cs61c-ta": {}, "cs61-ab": { budget: 5 } } },
    })
    const { findings } = await examine("--offline")
    expect(findings.filter(({ what }) => what.startsWith("[limits.users"))).toEqual([
      {
        level: "warning",
        what: "[limits.users.cs61-ab]",
        found: "is no login of accounts or staff",
        todo: "correct it: so it limits nobody",
      },
    ])
  })

  test("finds that less is reserved than runs until cron comes", async () => {
    course.configure({ leases: { enforcement_minutes: 4.5 } })
    const { about } = await examine("--offline")
    expect(about("[leases] enforcement_minutes")).toMatchObject([{ level: "warning", found: "is 4.5" }])
    course.configure({ leases: { enforcement_minutes: 5 } })
    expect((await examine("--offline")).about("[leases] enforcement_minutes")).toEqual([])
  })

  test("finds a missing budget to be an error", async () => {
    const path = course.configPath
    course.configure({})
    const without = (await Bun.file(path).text()).replace(/^budget.*$/m, "").replace(/^course_budget.*$/m, "")
    writeFileSync(path, without)
    const { about, code } = await examine("--offline")
    expect(about("[limits] budget")[0]).toMatchObject({ level: "error", found: "is not set" })
    expect(about("[limits] course_budget")[0]?.level).toBe("warning")
    expect(code).toBe(1)
  })

  test("finds a mistake in the config", async () => {
    writeFileSync(course.configPath, "[course]\nnam = 1\n")
    const { findings, code } = await examine("--offline")
    expect(findings).toMatchObject([
      { level: "error", what: "config", found: expect.stringContaining("nam") },
    ])
    expect(code).toBe(1)
  })

  test("is not for students", async () => {
    expect((await course.run("doctor", ["--offline"], { as: "cs61c-ab" })).code).toBe(3)
  })
})

describe("doctor asks AWS", () => {
  test("and says who the key is, what the time is and what is missing in IAM", async () => {
    const { about } = await examine()
    expect(about("access key")[0]).toMatchObject({
      level: "ok",
      found: expect.stringMatching(/^is arn:aws:/),
    })
    expect(about("clock")[0]?.level).toBe("ok")
    expect(about("IAM group students")[0]).toMatchObject({
      level: "error",
      found: "does not exist",
      todo: "run setup",
    })
  })

  test("and finds the group's policy as wanted, other than wanted, or not alone", async () => {
    const put = (name: string, document: string) =>
      emulator.iam.send(
        new PutGroupPolicyCommand({ GroupName: "students", PolicyName: name, PolicyDocument: document }),
      )
    const group = async () => (await examine()).about("IAM group students")[0]
    const other = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "ec2:RunInstances", Resource: "*" }],
    })
    await emulator.iam.send(new CreateGroupCommand({ GroupName: "students" }))
    expect((await group())?.found).toBe("has no policy student-policy")
    await put(
      studentPolicyName,
      JSON.stringify(studentPolicy({ partition: "aws", id: "123456789012" }, "cs61c", [])),
    )
    expect(await group()).toMatchObject({ level: "ok" })
    await put("more", other)
    expect((await group())?.found).toBe("has more policies, which may allow what costs money: more")
    await put(studentPolicyName, other)
    expect((await group())?.found).toBe("policy differs from ours")
  })

  test("and says what keeps a course from having sessions: no role, a changed one, an account user made anew", async () => {
    await emulator.reset()
    course.configure({ identity: { credentials: "sessions" } })
    const role = async () => (await examine()).about(/^(role|sessions|IAM group)/)
    expect(await role()).toMatchObject([{ level: "error", found: "does not exist", todo: "run setup" }])
    await course.run("setup")
    expect(await role()).toMatchObject([
      { level: "ok" },
      { level: "ok", what: "sessions", found: "are given by AWS" },
    ])
    emulator.proxy.world.knobs.own.id = "AIDAMADEANEW000000001"
    expect((await role())[0]?.found).toStartWith(
      "trusts AIDAOWNCREDENTIALS001, the id of a user or role that is gone: nobody gets a session",
    )
    await course.run("setup")
    expect((await role()).map(({ level }) => level)).toEqual(["ok", "ok"])
    course.configure({ identity: { credentials: "sessions", session_hours: 2 } })
    expect((await role())[0]?.found).toBe("differs from ours: set the longest session of role cs61c-student")
  })

  test("and names each permission that the key lacks", async () => {
    const config = { ...loadConfig(course.configPath) }
    const wanted = privilegedPolicy(config, { partition: "aws", id: "123456789012" })
    await emulator.iam.send(new CreateUserCommand({ UserName: "course-key" }))
    const { AccessKey } = await emulator.iam.send(new CreateAccessKeyCommand({ UserName: "course-key" }))
    const key = {
      aws_access_key_id: AccessKey?.AccessKeyId,
      aws_secret_access_key: AccessKey?.SecretAccessKey,
    }
    writeFileSync(data("root-access-key"), JSON.stringify(key), { mode: 0o600 })
    // Inline it would not fit: docs/install.md has it attached.
    let attached: string | undefined
    const give = async (document: PolicyDocument) => {
      const UserName = "course-key"
      if (attached) await emulator.iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn: attached }))
      const { Policy } = await emulator.iam.send(
        new CreatePolicyCommand({
          PolicyName: `key-${document.Statement.flatMap(({ Action }) => Action).length}`,
          PolicyDocument: JSON.stringify(document),
        }),
      )
      attached = Policy?.Arn
      await emulator.iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: attached }))
    }
    await give(wanted)
    expect((await examine()).about(/^permission/)).toMatchObject([{ what: "permissions", level: "ok" }])
    const without = wanted.Statement.map((statement) => ({
      ...statement,
      Action: statement.Action.filter((action) => action !== "ec2:TerminateInstances"),
    }))
    await give({ ...wanted, Statement: without })
    expect((await examine()).about(/^permission/)).toMatchObject([
      { what: "permission ec2:TerminateInstances", level: "error", found: "is not given" },
    ])
  })

  test("and tries a launch where the config names what to launch", async () => {
    course.configure({ launch: { image: emulator.fixtures.image, instance_type: "t3.micro" } })
    expect((await examine()).about(/^launching/)[0]).toMatchObject({ level: "ok" })
    course.configure({ launch: { image: "ami-00000000000000000", instance_type: "t3.micro" } })
    expect((await examine()).about(/^launching/)[0]).toMatchObject({ level: "error" })
  })

  test("and says plainly that it cannot", async () => {
    course.configure({ aws: { endpoint: "http://127.0.0.1:1" } })
    const { about, code } = await examine()
    expect(about("access key")[0]?.level).toBe("error")
    expect(code).toBe(1)
  })
})

describe("doctor --check-config", () => {
  test("judges a config that is not in use, and asks nothing of the one that is", async () => {
    const course = workspace()
    const file = join(course.directory, "new.toml")
    const text = readFileSync(course.configPath, "utf8")
    const judge = (changed: string) => {
      writeFileSync(file, changed, { mode: 0o600 })
      writeFileSync(course.configPath, "not = [TOML", { mode: 0o600 })
      return course.run("doctor", ["--check-config", file, "--json"])
    }
    const good = await judge(text)
    const { worst, findings } = JSON.parse(good.stdout)
    expect([good.stderr, good.code, worst]).toEqual(["", 1, "error"])
    expect(findings[0]).toMatchObject({ level: "ok", what: "config", found: file })
    expect(findings).toContainEqual(expect.objectContaining({ what: "[launch]", level: "error" }))
    const launch = '[launch]\nimage = "ami-1"\ninstance_type = "t3.micro"\n'
    const whole = await judge(`${text}\n${launch}`)
    expect([whole.code, JSON.parse(whole.stdout).worst]).toEqual([0, "warning"])
    const none = JSON.parse((await judge(text.replace(/^budget.*$/m, ""))).stdout)
    expect(none.findings).toContainEqual(expect.objectContaining({ what: "[limits] budget", level: "error" }))
    const mistyped = await judge(text.replace(/^budget/m, "bugdet"))
    expect(mistyped.stdout).toContain("did you mean limits.budget?")
    expect(mistyped.code).toBe(1)
    course.remove()
  })
})
