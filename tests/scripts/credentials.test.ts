/** `ec2-util --credentials` and `--console` as processes, in a course whose students have sessions. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DescribeInstancesCommand, EC2Client, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { CreateAccessKeyCommand, GetRolePolicyCommand, IAMClient } from "@aws-sdk/client-iam"
import { openAws } from "../../lib/aws/aws.ts"
import { later, msPerHour, utcMsOf } from "../../lib/base/time.ts"
import { settingsFor } from "../support/aws_settings.ts"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"
import { type ConfigChanges, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const student = "cs61c-aa"
const other = "cs61c-ab"
let course: Workspace
beforeEach(async () => {
  await emulator.reset()
  course = workspace({
    endpoint: emulator.endpoint,
    config: {
      identity: { credentials: "sessions", federation_endpoint: `${emulator.endpoint}/federation` },
    } as ConfigChanges,
  })
  await course.run("init_dbs")
  await course.run("setup")
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const util = (login: string, ...args: string[]) => course.run("ec2_util", args, { as: login })
const init = (login = student) => util(login, "--init")
const credentials = (login = student, ...args: string[]) => util(login, "--credentials", ...args)
const assumed = () => proxy.calls.filter(({ action }) => action === "AssumeRole")
const auditLog = () => readFileSync(join(course.dataDir, "audit-log"), "utf8")
const rows = (table = "sessions") => {
  const db = handAt(join(course.dataDir, "users.db"))
  const found = db.query<Record<string, unknown>, []>(`SELECT * FROM ${table}`).all()
  db.close()
  return found
}
const change = (column: "ends_at_utc_ms" | "recorded_at_utc_ms", value: number) => {
  const db = handAt(join(course.dataDir, "users.db"))
  db.run(`UPDATE sessions SET ${column} = ?`, [value])
  db.close()
}
const endSoon = (minutes: number) => change("ends_at_utc_ms", Date.now() + minutes * 60_000)

describe("--credentials", () => {
  test("prints a session of the role for credential_process, and nothing else", async () => {
    await init()
    const { stdout, stderr, code } = await credentials()
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 })
    const session = JSON.parse(stdout)
    expect(Object.keys(session)).toEqual([
      "Version",
      "AccessKeyId",
      "SecretAccessKey",
      "SessionToken",
      "Expiration",
    ])
    expect(session.Version).toBe(1)
    expect(stdout.split("\n")).toHaveLength(2)
    const leftMs = Date.parse(session.Expiration) - Date.now()
    expect(leftMs).toBeGreaterThan(55 * 60_000)
    expect(leftMs).toBeLessThanOrEqual(60 * 60_000)
    expect(assumed().map(({ parameters }) => parameters)).toEqual([
      expect.objectContaining({
        RoleArn: "arn:aws:iam::123456789012:role/cs61c/cs61c-student",
        RoleSessionName: student,
        SourceIdentity: student,
        "Tags.member.1.Key": "ec2-wrappers:owner",
        "Tags.member.1.Value": student,
        DurationSeconds: "3600",
      }),
    ])
  })

  test("gives the recorded session while it has more than ten minutes left, and then a new one", async () => {
    await init()
    const first = await credentials()
    expect((await credentials()).stdout).toBe(first.stdout)
    endSoon(11)
    expect((await credentials()).stdout).toBe(first.stdout)
    endSoon(9)
    expect((await credentials()).stdout).not.toBe(first.stdout)
    expect(assumed()).toHaveLength(2)
    expect(rows()).toHaveLength(1)
  })

  test("prints a shell's exports and a JSON object, too", async () => {
    await init()
    const { AccessKeyId, SessionToken } = JSON.parse((await credentials()).stdout)
    const env = (await credentials(student, "--format", "env")).stdout
    expect(env).toMatch(/^unset [A-Z_ ]+\n(export [A-Z_]+='[^']+'\n){4}$/)
    const shell = Bun.spawnSync([
      "sh",
      "-c",
      `eval "$1"; printf '%s %s' "$AWS_ACCESS_KEY_ID" "$AWS_SESSION_TOKEN"`,
      "sh",
      env,
    ])
    expect(String(shell.stdout)).toBe(`${AccessKeyId} ${SessionToken}`)
    expect(JSON.parse((await credentials(student, "--format", "json")).stdout)).toMatchObject({
      login: student,
      access_key: AccessKeyId,
    })
    expect((await credentials(student, "--format", "xml")).stderr).toBe(
      'ec2_util: options: --format is "xml", wanted process, env, json\n',
    )
  })

  test("is used by itself", async () => {
    expect(await credentials(student, "--init")).toEqual({
      stdout: "",
      stderr: "ec2_util: options: --credentials is used by itself, without --init\n",
      code: 2,
    })
    expect((await credentials(student, "--console")).code).toBe(2)
    expect((await util(student, "--init", "--format", "env")).stderr).toContain("--format belongs to")
  })

  test("keeps its secrets out of the log and of everything but the one row", async () => {
    await init()
    const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse((await credentials()).stdout)
    const log = auditLog()
    expect(log).toContain(
      `${student}: identity: done: assume role cs61c-student: session ${AccessKeyId} until `,
    )
    for (const secret of [SecretAccessKey, SessionToken]) expect(log).not.toContain(secret)
    const before = log.length
    await credentials()
    expect(auditLog()).toHaveLength(before)
  })

  test("asks AWS once for 40 calls of four logins at once", async () => {
    const logins = ["cs61c-aa", "cs61c-ab", "cs61c-ac", "cs61c-ad"]
    for (const login of logins) await init(login)
    proxy.faults.add({ kind: "delay", action: "AssumeRole", delayMs: 300, times: Number.POSITIVE_INFINITY })
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => credentials(logins[i % 4])))
    expect(all.map(({ code }) => code)).toEqual(all.map(() => 0))
    expect(
      assumed()
        .map(({ parameters }) => parameters.RoleSessionName)
        .toSorted(),
    ).toEqual(logins)
    // Nobody got another's.
    for (const [i, { stdout }] of all.entries()) {
      const session = proxy.world.sessions.get(JSON.parse(stdout).AccessKeyId)
      expect(session?.name).toBe(logins[i % 4] ?? "")
    }
  })

  test("tries once for all who wait where AWS refuses", async () => {
    await init()
    const fault = { kind: "refuse", action: "AssumeRole", times: Number.POSITIVE_INFINITY } as const
    proxy.faults.add({ ...fault, until: Bun.sleep(1500) })
    const all = await Promise.all(Array.from({ length: 6 }, () => credentials()))
    expect(new Set(all.map(({ stderr }) => stderr)).size).toBe(1)
    expect(all[0]?.stdout).toBe("")
    expect(assumed()).toHaveLength(1)
  })
})

describe("a session is given to nobody who may not have it:", () => {
  test("without an account, with keys, suspended, outside the course", async () => {
    expect((await credentials()).stderr).toBe(
      "ec2_util: credentials: cs61c-aa has no account yet; ec2-util --init makes it\n",
    )
    await init()
    await credentials()
    await course.run("course_freeze", [student, "--yes", "--reason", "costs"])
    expect(rows()).toEqual([])
    expect(await credentials()).toEqual({
      stdout: "",
      stderr: "ec2_util: account: cs61c-aa is suspended (costs), see your course's staff\n",
      code: 3,
    })
    expect((await util(other, "--init")).code).toBe(0)
    course.configure({ identity: { credentials: "sessions", users: { [other]: { credentials: "keys" } } } })
    expect(await credentials(other)).toEqual({
      stdout: "",
      stderr: `ec2_util: credentials: ${other} has an access key instead of sessions; ec2-util --init writes it into your home\n`,
      code: 3,
    })
    expect((await credentials("cs61c-xyz")).code).toBe(3)
  })

  test("of another uid, person or policy: a recorded one is bound to all three", async () => {
    await init()
    const first = (await credentials()).stdout
    const changed = async (change: ConfigChanges) => {
      course.configure(change)
      return (await credentials()).stdout !== first
    }
    expect(await changed({})).toBe(false)
    expect(await changed({ course: { term_start: "2026-08-20" } })).toBe(true)
    expect(await changed({ course: { bucket: "another" } })).toBe(true)
  })

  test("suspended while AWS was asked: it is neither printed nor kept", async () => {
    await init()
    proxy.faults.add({
      kind: "watched",
      action: "AssumeRole",
      onceDone: () => course.run("course_freeze", [student, "--yes", "--reason", "now"]),
    })
    expect(await credentials()).toMatchObject({ stdout: "", code: 3 })
    expect(rows()).toEqual([])
  })

  test("removed: the session is forgotten, and what AWS issued is denied", async () => {
    await init()
    await credentials()
    expect((await util(student, "--delete-account")).code).toBe(0)
    expect(rows()).toEqual([])
    expect((await credentials()).stdout).toBe("")
    expect(rows("ended_sessions")).toMatchObject([{ user_name: student }])
  })
})

describe("a hostile student", () => {
  test("who asks in a loop where AWS refuses, fills neither AWS nor the log", async () => {
    await init()
    proxy.world.knobs.own.id = "AIDAMADEANEW000000001"
    const before = auditLog().length
    const first = await credentials()
    const at = Date.now()
    expect((await credentials()).stderr).toBe(first.stderr)
    if (Date.now() - at < 4000) expect(assumed()).toHaveLength(1)
    expect(auditLog().length - before).toBeLessThan(1200)
  })

  test("who deletes the account holds no lock that a suspension needs", async () => {
    await init()
    await credentials()
    const lock = join(course.dataDir, "locks", "denials of sessions")
    const holder = Bun.spawn(["flock", lock, "sh", "-c", "echo held; exec cat"], {
      stdin: "pipe",
      stdout: "pipe",
    })
    await holder.stdout.getReader().read()
    expect((await util(student, "--delete-account")).code).toBe(0)
    await holder.stdin.end()
    await holder.exited
    await course.run("usage_cron")
    const denied = await emulator.iam.send(
      new GetRolePolicyCommand({ RoleName: "cs61c-student", PolicyName: "ec2-wrappers-suspended" }),
    )
    expect(decodeURIComponent(denied.PolicyDocument ?? "")).toContain(`"${student}"`)
  })

  test("who links a file of ours elsewhere, or puts a directory in its way, gets an account all the same", async () => {
    symlinkSync("/etc/passwd", join(course.home(student), ".boto"))
    mkdirSync(join(course.home(student), ".s3cfg"))
    expect((await init()).code).toBe(0)
    expect(readlinkSync(join(course.home(student), ".boto"))).toBe("/etc/passwd")
  })
})

test("a host's clock that is set back makes no ended session usable", async () => {
  await init()
  await credentials()
  change("recorded_at_utc_ms", Date.now() + 3_600_000)
  change("ends_at_utc_ms", Date.now() + 7_200_000)
  await credentials()
  expect(assumed()).toHaveLength(2)
})

describe("AWS gives no session:", () => {
  const refusals: [string, () => unknown, string][] = [
    [
      "the trust policy was changed",
      () => (proxy.world.knobs.own.id = "AIDAMADEANEW000000001"),
      "AWS does not let these tools assume the role cs61c-student (AccessDenied); ask your course's staff, who run doctor and setup",
    ],
    [
      "the role is gone",
      () =>
        proxy.world.moto
          .query("iam", "us-east-1", "DeleteRolePolicy", {
            RoleName: "cs61c-student",
            PolicyName: "student-policy",
          })
          .then(() =>
            proxy.world.moto.query("iam", "us-east-1", "DeleteRole", { RoleName: "cs61c-student" }),
          ),
      "AWS does not let these tools assume the role cs61c-student (AccessDenied); ask your course's staff, who run doctor and setup",
    ],
    [
      "the key is the root user's",
      () => (proxy.world.knobs.own.arn = "arn:aws:iam::123456789012:root"),
      "AWS does not let these tools assume the role cs61c-student (AccessDenied); ask your course's staff, who run doctor and setup",
    ],
  ]
  test.each(refusals)("%s", async (_what, arrange, reason) => {
    await init()
    await arrange()
    expect(await credentials()).toEqual({ stdout: "", stderr: `ec2_util: credentials: ${reason}\n`, code: 1 })
    expect(rows()).toEqual([])
  })

  test("one call fails on the way, and the next one works", async () => {
    await init()
    for (const kind of ["drop-after", "half-answer", "garbage", "html-error"] as const) {
      proxy.faults.add({ kind, action: "AssumeRole" })
      expect((await credentials()).code).toBe(0)
      endSoon(1)
    }
  })
})

describe("what a session may do", () => {
  const clientsOf = async (login: string) => {
    const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse((await credentials(login)).stdout)
    const signed = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
    const settings = { region: "us-east-1", endpoint: emulator.endpoint, credentials: signed, maxAttempts: 1 }
    return { ec2: new EC2Client(settings), iam: new IAMClient(settings) }
  }

  test("ends an hour after its issue, and with a suspension at once", async () => {
    await init()
    await init(other)
    const mine = await clientsOf(student)
    const theirs = await clientsOf(other)
    proxy.world.knobs.enforcePolicies = true
    await mine.ec2.send(new DescribeInstancesCommand({}))
    await expect(mine.iam.send(new CreateAccessKeyCommand({ UserName: student }))).rejects.toThrow(
      "not authorized",
    )
    await course.run("course_freeze", [student, "--yes"])
    await expect(mine.ec2.send(new DescribeInstancesCommand({}))).rejects.toThrow("not authorized")
    await theirs.ec2.send(new DescribeInstancesCommand({}))
    await course.run("course_freeze", [student, "--yes", "--lift"])
    await expect(mine.ec2.send(new DescribeInstancesCommand({}))).rejects.toThrow("not authorized")
    const fresh = await clientsOf(student)
    await fresh.ec2.send(new DescribeInstancesCommand({}))
    await proxy.advance(61 * 60_000)
    await expect(theirs.ec2.send(new DescribeInstancesCommand({}))).rejects.toThrow("expired")
  })

  test("stands in CloudTrail's history with its role and source identity", async () => {
    proxy.world.knobs.pendingMs = 0
    await init()
    const args = ["-a", emulator.fixtures.image, "-t", "m1.small"]
    const [id = ""] = JSON.parse((await course.run("ec2_runner", args, { as: student })).stdout)
    const { ec2 } = await clientsOf(student)
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    const aws = openAws(() => settingsFor(emulator.endpoint))
    const now = utcMsOf(proxy.world.clock.now())
    const events = await (await aws.cloudTrail()).instanceEvents(id, later(now, -msPerHour), now)
    expect(events[0]).toMatchObject({
      name: "TerminateInstances",
      user: `assumed-role/cs61c-student/${student} (source identity ${student})`,
    })
    aws.close()
  })
})

describe("--console", () => {
  const link = () => util(student, "--console", "--format", "url")

  test("prints a link that signs in for as long as the session lasts, and no longer", async () => {
    await init()
    await credentials()
    endSoon(20)
    const { stdout, stderr, code } = await link()
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 })
    const url = new URL(stdout.trim())
    const signIn = proxy.world.signIns.get(url.searchParams.get("SigninToken") ?? "")
    expect(signIn?.arn).toBe(`arn:aws:sts::123456789012:assumed-role/cs61c-student/${student}`)
    const minutes = ((signIn?.untilUtcMs ?? 0) - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(18)
    expect(minutes).toBeLessThanOrEqual(20)
    const opened = await fetch(url, { redirect: "manual" })
    expect(opened.headers.get("location")).toBe(
      "https://console.aws.amazon.com/console/home?region=us-east-1",
    )
    expect(assumed()).toHaveLength(1)
  })

  test("takes a new session where less than the shortest console session is left", async () => {
    await init()
    await credentials()
    endSoon(12)
    expect((await link()).code).toBe(0)
    expect(assumed()).toHaveLength(2)
  })

  test("asks for no duration where our own credentials are a role's, and so begins a session", async () => {
    proxy.world.knobs.own.arn = "arn:aws:sts::123456789012:assumed-role/course-host/i-0123456789abcdef0"
    await course.run("setup")
    await init()
    await credentials()
    change("recorded_at_utc_ms", Date.now() - 60_000)
    for (let i = 0; i < 2; i++) expect((await link()).code).toBe(0)
    // A loop of calls makes no session each.
    expect(assumed()).toHaveLength(2)
    expect(assumed().every(({ parameters }) => parameters.DurationSeconds === undefined)).toBe(true)
  })

  test("is not written into a pipe unasked, nor into the log", async () => {
    await init()
    expect(await util(student, "--console")).toEqual({
      stdout: "",
      stderr:
        "ec2_util: console: the link is a secret and would go into a pipe or a file; --format url writes it there\n",
      code: 2,
    })
    const token = new URL((await link()).stdout.trim()).searchParams.get("SigninToken") ?? "-"
    expect(auditLog()).not.toContain(token)
  })

  test("says on a terminal how long the link is good for", async () => {
    await init()
    const terminal = course.onTerminal("ec2_util", ["--console"], { as: student })
    expect(await terminal.exited).toBe(0)
    expect(terminal.screen()).toContain("Action=login")
    expect(terminal.screen()).toContain(
      "The link can be opened for 15 min; whoever has it is you. You are signed in for 59 min",
    )
  })

  test("goes to no address of AWS's where the account is an emulator's", async () => {
    course.configure({ identity: { credentials: "sessions" } })
    const config = readFileSync(course.configPath, "utf8").replace(/^federation_endpoint.*\n/m, "")
    writeFileSync(course.configPath, config)
    await init()
    expect((await link()).stderr).toContain(
      "[identity] federation_endpoint no endpoint of its; staff must set it",
    )
  })
})

describe("--init of a login with sessions", () => {
  const home = (path: string) => join(course.home(student), path)
  const text = (path: string) => readFileSync(home(path), "utf8")

  test("writes no secret, and a profile that asks for the session", async () => {
    const { stdout, code } = await init()
    expect(code).toBe(0)
    expect(stdout).toContain("--import-ssh-key < ~/.ssh/id_ed25519.pub uses yours")
    expect(stdout).not.toContain("pasword")
    expect(text(".aws/config")).toContain(
      "credential_process = /opt/ec2-wrappers/bin/ec2-util --credentials\n",
    )
    expect(text("ec2-environment.sh")).toBe(
      '# Written by ec2-util --init: source it, do not edit it.\neval "$(/opt/ec2-wrappers/bin/ec2-util --credentials --format env)"\n',
    )
    for (const path of [".boto", ".aws-creds", ".s3cfg", ".aws/credentials"])
      expect(existsSync(home(path))).toBe(false)
    expect(
      proxy.calls.map(({ action }) => action).filter((action) => /User|Login|AccessKey/.test(action)),
    ).toEqual([])
    expect(rows("users")).toMatchObject([{ user_name: student, login_password: null }])
    expect((await util(student, "--show-password")).code).toBe(3)
    expect((await util(student, "--rotate-secret")).stderr).toContain("has sessions, which end by themselves")
  })

  test("moves files of before aside once, and keeps what a person wrote", async () => {
    course.configure({ identity: { credentials: "keys" } })
    await course.run("setup")
    await init()
    writeFileSync(
      home(".aws/credentials"),
      `[private]\naws_access_key_id = MINE\n\n# mine\n${text(".aws/credentials")}`,
    )
    writeFileSync(home(".s3cfg"), "[default]\naccess_key = somebody-else\n")
    const key = /aws_access_key_id = (AKIA\w+)/.exec(text(".boto"))?.[1] ?? "-"
    course.configure({})
    const { stdout } = await init()
    expect(stdout).toContain(
      "Moving .boto to .boto.old: it holds an access key, and you have sessions now.\n",
    )
    expect(stdout).not.toContain(".s3cfg")
    expect(text(".boto.old")).toContain(key)
    expect(text(".aws/credentials")).toBe("[private]\naws_access_key_id = MINE\n\n# mine\n[cs61c]\n")
    expect(text(".s3cfg")).toContain("somebody-else")
    expect((await init()).stdout).not.toContain("Moving")
    // And back: nothing is lost, the key is the one of before.
    course.configure({ identity: { credentials: "keys" } })
    await init()
    expect(text(".boto")).toContain(key)
    expect(text(".aws/config")).not.toContain("credential_process")
  })

  test("lets the login launch", async () => {
    await init()
    const args = ["-a", emulator.fixtures.image, "-t", "m1.small"]
    const { stdout, stderr } = await course.run("ec2_runner", args, { as: student })
    expect({ ids: JSON.parse(stdout || "[]").length, stderr }).toMatchObject({ ids: 1 })
  })
})
