/** ec2_util as its callers see it: real processes, output lines and exit codes. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { DescribeInstancesCommand, DescribeKeyPairsCommand, RunInstancesCommand } from "@aws-sdk/client-ec2"
import {
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  GetLoginProfileCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  ListUsersCommand,
  UpdateAccountPasswordPolicyCommand,
  UploadSigningCertificateCommand,
} from "@aws-sdk/client-iam"
import { utcMsOf } from "../../lib/base/time.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { handAt, usageDbAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"
import { keysInHome } from "../support/identities.ts"
import { type RunOptions, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const login = "cs61c-ab"
let course: Workspace
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint })
  for (const tool of ["init_dbs", "setup"]) expect((await course.run(tool)).code).toBe(0)
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const util = (args: string[], options: RunOptions = {}) =>
  course.run("ec2_util", args, { as: login, ...options })
const rows = (sql: string) => {
  const db = handAt(join(course.dataDir, "users.db"))
  try {
    return db
      .query<Record<string, unknown>, []>(sql)
      .all()
      .map((row) => Object.values(row))
  } finally {
    db.close()
  }
}
const keyPairs = async () =>
  (await emulator.ec2.send(new DescribeKeyPairsCommand({}))).KeyPairs?.map(({ KeyName }) => KeyName)
const launch = async (tags: Record<string, string>, KeyName: string) => {
  const { Instances } = await emulator.ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1, KeyName },
      TagSpecifications: Object.keys(tags).length
        ? [{ ResourceType: "instance", Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }]
        : [],
    }),
  )
  return Instances?.[0]?.InstanceId ?? ""
}
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@laptop"

describe("ec2_util --init", () => {
  test("says its lines as ever, and writes the files as ever", async () => {
    const { stdout, stderr, code } = await util(["--init"])
    expect(stderr).toBe("")
    expect(stdout.trimEnd().split("\n")).toEqual([
      "Creating account...",
      expect.stringMatching(/^AWS profile pasword is \S{20}$/),
      "Creating SSH key cs61c-ab-default",
      "Dumping SSH key cs61c-ab-default to $HOME/cs61c-ab-default.pem",
      expect.stringMatching(/^Your AWS access key is AKIA\w+$/),
      expect.stringMatching(/^Your AWS secret access key is \S+$/),
      expect.stringMatching(/^SSH Key cs61c-ab-default \(fingerprint \S+\)$/),
    ])
    expect(code).toBe(0)
    const home = course.home(login)
    for (const path of [
      "cs61c-ab-default.pem",
      "ec2-environment.sh",
      ".boto",
      ".aws-creds",
      ".s3cfg",
      ".hadoop-cloud/clusters.cfg",
      ".aws/credentials",
      ".aws/config",
    ]) {
      expect([path, statSync(join(home, path)).mode & 0o7777]).toEqual([path, 0o600])
    }
    // ssh-keygen reads the private key, and it is an ed25519 one.
    const { stdout: shown } = Bun.spawnSync(["ssh-keygen", "-y", "-f", join(home, "cs61c-ab-default.pem")])
    expect(String(shown)).toStartWith("ssh-ed25519 ")
  })

  test("says that the account was there, and leaves keys and password", async () => {
    const first = await util(["--init"])
    const second = await util(["--init"])
    expect(second.stdout).toStartWith("Using existing account.\n")
    const lasting = (text: string) =>
      text.split("\n").filter((line) => /pasword|Your AWS|fingerprint/.test(line))
    expect(lasting(second.stdout)).toEqual(lasting(first.stdout))
  })

  test("two at once make one account, with one key", async () => {
    const [a, b] = await Promise.all([util(["--init"]), util(["--init"])])
    expect([a.code, b.code]).toEqual([0, 0])
    const { AccessKeyMetadata } = await emulator.iam.send(new ListAccessKeysCommand({ UserName: login }))
    expect(AccessKeyMetadata).toHaveLength(1)
  })

  test("with --json prints one object", async () => {
    const { stdout } = await util(["--init", "--json"])
    expect(JSON.parse(stdout)).toMatchObject({
      login,
      created: true,
      password: expect.any(String),
      access_key: expect.stringMatching(/^AKIA/),
      ssh_keys: [{ name: "cs61c-ab-default" }],
    })
  })

  test("with --dry-run makes nothing", async () => {
    const { stdout, code } = await util(["--init", "--dry-run"])
    expect(stdout).toContain("Would create user cs61c-ab\n")
    expect(code).toBe(0)
    expect((await emulator.iam.send(new ListUsersCommand({}))).Users).toEqual([])
    expect(existsSync(join(course.home(login), ".boto"))).toBe(false)
  })

  test("works with the bare emulator", async () => {
    course.configure({ aws: { endpoint: emulator.bareEndpoint } })
    expect(await util(["--init"])).toMatchObject({ code: 0, stderr: "" })
    expect(await util(["--rotate-secret"])).toMatchObject({ code: 0 })
    expect(await util(["--delete-account"])).toMatchObject({ code: 0 })
  })

  test("makes a password that the account's own policy takes", async () => {
    await emulator.iam.send(
      new UpdateAccountPasswordPolicyCommand({
        MinimumPasswordLength: 40,
        RequireSymbols: true,
        RequireNumbers: true,
        RequireUppercaseCharacters: true,
        RequireLowercaseCharacters: true,
      }),
    )
    expect((await util(["--init"])).stdout).toMatch(/AWS profile pasword is \S{40}\n/)
  })

  test("is refused to who is not of the course", async () => {
    const { stderr, code } = await util(["--init"], { as: "nobody" })
    expect(stderr).toContain("nobody is not an account of cs61c")
    expect(code).toBe(3)
  })

  test("legacy defect: accounts of another course with the same beginning passed too", async () => {
    expect(await util(["--init"], { as: "cs61cl-ab" })).toMatchObject({ code: 3 })
  })
})

describe("ec2_util and SSH keys", () => {
  test("makes, lists, dumps and deletes them by names with or without the prefix", async () => {
    await util(["--init"])
    const made = await util(["--create-ssh-key", "--key-name", "lab"])
    expect(made.stdout).toBe(
      "Creating SSH key cs61c-ab-lab\nDumping SSH key cs61c-ab-lab to $HOME/cs61c-ab-lab.pem\n",
    )
    expect((await util(["--list"])).stdout).toContain("SSH Key cs61c-ab-lab (fingerprint ")
    expect((await util(["--dump-ssh-key", "--key-name", "cs61c-ab-lab"])).code).toBe(0)
    expect((await util(["--delete-ssh-key", "--key-name", "lab"])).code).toBe(0)
    expect((await util(["--list"])).stdout).not.toContain("cs61c-ab-lab")
  })

  test("legacy defect: the deleted key pair stayed in EC2", async () => {
    await util(["--init", "--create-ssh-key", "--key-name", "lab"])
    expect(await keyPairs()).toContain("cs61c-ab-lab")
    await util(["--delete-ssh-key", "--key-name", "lab"])
    expect(await keyPairs()).not.toContain("cs61c-ab-lab")
  })

  test("--delete-ssh-key needs --key-name", async () => {
    expect(await util(["--delete-ssh-key"])).toMatchObject({
      stderr: "ec2_util: delete ssh key: needs --key-name\n",
      code: 2,
    })
  })

  test("cannot name another student's key", async () => {
    await util(["--init"], { as: "cs61c-ac" })
    await util(["--init"])
    for (const args of [["--dump-ssh-key"], ["--delete-ssh-key"]]) {
      const { stderr, code } = await util([...args, "--key-name", "cs61c-ac-default"])
      expect(stderr).toContain('there is no key "cs61c-ab-cs61c-ac-default" of cs61c-ab')
      expect(code).toBe(1)
    }
    expect(await keyPairs()).toContain("cs61c-ac-default")
  })

  test("--import-ssh-key takes a public key on stdin, and no private one is stored or written", async () => {
    const { stdout, code } = await util(["--init", "--import-ssh-key"], { stdin: `${publicKey}\n` })
    expect(stdout).toContain("Creating SSH key cs61c-ab-default\n")
    expect(stdout).not.toContain("Dumping")
    expect(code).toBe(0)
    expect(rows("SELECT private_key FROM ssh_keys")).toEqual([[null]])
    expect(existsSync(join(course.home(login), "cs61c-ab-default.pem"))).toBe(false)
    const imported = await util(["--import-ssh-key", "--key-name", "lab"], { stdin: publicKey })
    expect(imported.stdout).toBe("Importing SSH key cs61c-ab-lab\n")
    expect((await util(["--import-ssh-key", "--key-name", "lab"], { stdin: publicKey })).code).toBe(0)
    const other = publicKey.replace("GKJl", "GKJm")
    expect(await util(["--import-ssh-key", "--key-name", "lab"], { stdin: other })).toMatchObject({ code: 3 })
  })

  test.each([
    ["nothing", "", "wanted one line on stdin"],
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "has a private key"],
    ["a long line", "x".repeat(20_000), "has a line of more than 8192 bytes"],
    ["an old type", "ssh-dss AAAAB3NzaC1kc3M=", "wanted ssh-ed25519 or ssh-rsa"],
  ])("--import-ssh-key refuses %s", async (_what, stdin, reason) => {
    const { stderr, code } = await util(["--import-ssh-key"], { stdin })
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})

describe("ec2_util and passwords", () => {
  test("legacy defect: --set-password always failed", async () => {
    await util(["--init"])
    const { stdout, code } = await util(["--set-password"], { stdin: "Long-enough-1\nLong-enough-1\n" })
    expect(stdout).toBe("AWS profile password changed.\n")
    expect(code).toBe(0)
    expect((await util(["--show-password"])).stdout).toBe("AWS profile pasword is Long-enough-1\n")
  })

  test.each([
    ["differ", "Long-enough-1\nLong-enough-2\n", "are not the same"],
    ["are too short", "Sh0rt\nSh0rt\n", "wanted at least 8"],
    ["are missing", "", "none was given on stdin"],
  ])("--set-password changes nothing where they %s", async (_what, stdin, reason) => {
    const before = (await util(["--init", "--show-password"])).stdout
    const { stderr, code } = await util(["--set-password"], { stdin })
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
    expect(before).toContain((await util(["--show-password"])).stdout)
  })

  test("a password that IAM refuses is said so, and the old one stays", async () => {
    await util(["--init"])
    const before = (await util(["--show-password"])).stdout
    // AWS's default wants three kinds of characters.
    const { stderr, code } = await util(["--set-password"], { stdin: "onlylowercase\nonlylowercase\n" })
    expect(stderr).toContain("PasswordPolicyViolation")
    expect(code).toBe(1)
    expect((await util(["--init", "--show-password"])).stdout).toContain(before)
  })

  test("--set-password shows nothing of what is typed on a terminal", async () => {
    await util(["--init"])
    const program = `
import os, pty, sys, select, time
pid, fd = pty.fork()
if pid == 0:
    os.execve(sys.argv[1], sys.argv[1:], dict(os.environ))
seen = b""
def until(text):
    global seen
    while text not in seen:
        seen += os.read(fd, 4096)
until(b"New AWS profile password:"); os.write(fd, b"Secret-word-1\\n")
until(b"same again:"); os.write(fd, b"Secret-word-1\\n")
until(b"password changed.")
print(seen.decode())`
    const tool = join(import.meta.dir, "../../scripts/ec2_util.ts")
    const child = Bun.spawn(["python3", "-c", program, process.execPath, tool, "--set-password"], {
      env: {
        PATH: "/usr/bin:/bin",
        HOME: course.home(login),
        REAL_USERNAME: login,
        EC2_WRAPPERS_CONFIG: course.configPath,
      },
      stdout: "pipe",
    })
    const shown = await new Response(child.stdout).text()
    expect(shown).toContain("AWS profile password changed.")
    expect(shown).not.toContain("Secret-word-1")
  })
})

describe("ec2_util --delete-account", () => {
  test("legacy defect: it never deleted the login profile, the user or the key pairs", async () => {
    await util(["--init", "--create-ssh-key", "--key-name", "lab"])
    const { stdout, code } = await util(["--delete-account"])
    expect(stdout).toContain("Deleted login profile of cs61c-ab\n")
    expect(stdout).toContain("Deleted IAM user cs61c-ab\n")
    expect(stdout).toContain("Deleted key pair cs61c-ab-lab\n")
    expect(code).toBe(0)
    expect((await emulator.iam.send(new ListUsersCommand({}))).Users).toEqual([])
    expect(await keyPairs()).toEqual([])
    for (const table of ["users", "access_keys", "ssh_keys"])
      expect(rows(`SELECT * FROM ${table}`)).toEqual([])
  })

  test("removes certificates and MFA devices too", async () => {
    await util(["--init"])
    const { VirtualMFADevice } = await emulator.iam.send(
      new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "phone" }),
    )
    await emulator.iam.send(
      new EnableMFADeviceCommand({
        UserName: login,
        SerialNumber: VirtualMFADevice?.SerialNumber,
        AuthenticationCode1: "123456",
        AuthenticationCode2: "654321",
      }),
    )
    const made = Bun.spawnSync(
      "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=x -days 1".split(" "),
    )
    await emulator.iam.send(
      new UploadSigningCertificateCommand({ UserName: login, CertificateBody: String(made.stdout) }),
    )
    const { stdout, code } = await util(["--delete-account"])
    expect(stdout).toContain("Deleted MFA device arn:aws:iam::")
    expect(stdout).toContain("Deleted signing certificate ")
    expect(code).toBe(0)
  })

  test("goes on with --init and makes it afresh, with other keys", async () => {
    const first = await util(["--init"])
    const { stdout, code } = await util(["--delete-account", "--init"])
    expect(stdout.indexOf("Deleted IAM user")).toBeLessThan(stdout.indexOf("Creating account..."))
    expect(code).toBe(0)
    const keyOf = (text: string) => /access key is (AKIA\w+)/.exec(text)?.[1]
    expect(keyOf(stdout)).not.toBe(keyOf(first.stdout))
    expect(new Set(Object.values(keysInHome(course.home(login))))).toEqual(new Set([keyOf(stdout) ?? ""]))
  })

  test.each([
    ["by its tag", { "ec2-wrappers:owner": login }, "cs61c-ab-default"],
    ["by its key, as the old tools launched", {}, "cs61c-ab-default"],
  ])("is refused while an instance runs that is the caller's %s", async (_how, tags, keyName) => {
    await util(["--init"])
    const id = await launch(tags, keyName)
    const refused = await util(["--delete-account"])
    expect(refused.stderr).toContain(`${login} has 1 instance (${id})`)
    expect(refused.code).toBe(3)
    expect((await emulator.iam.send(new GetUserCommand({ UserName: login }))).User).toBeDefined()
    expect((await util(["--delete-account", "--terminate-instances"])).code).toBe(0)
    const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
    expect(["shutting-down", "terminated"]).toContain(Reservations?.[0]?.Instances?.[0]?.State?.Name ?? "")
  })

  test("does not see an instance that is another's by its tag", async () => {
    await util(["--init"])
    await launch({ "ec2-wrappers:owner": "cs61c-ac" }, "cs61c-ab-default")
    expect((await util(["--delete-account"])).code).toBe(0)
  })

  test("names what it could not remove, removes the rest, and finishes the next time", async () => {
    await util(["--init"])
    emulator.proxy.faults.add({ kind: "unavailable", action: "DeleteLoginProfile", times: 4 })
    const { stdout, stderr, code } = await util(["--delete-account"])
    expect(stderr).toContain("could not be removed: login profile of cs61c-ab (")
    expect(stderr).toContain("IAM user cs61c-ab (")
    expect(stdout).toContain("Deleted policy cs61c-ab-user\n")
    expect(code).toBe(1)
    expect(rows("SELECT user_name FROM users")).toEqual([[login]])
    emulator.proxy.faults.clear()
    expect((await util(["--delete-account"])).code).toBe(0)
    await expect(emulator.iam.send(new GetLoginProfileCommand({ UserName: login }))).rejects.toThrow()
  })

  test("with --dry-run names everything and removes nothing", async () => {
    await util(["--init"])
    const { stdout } = await util(["--delete-account", "--dry-run"])
    expect(stdout).toContain("Would delete IAM user cs61c-ab\n")
    expect(rows("SELECT user_name FROM users")).toEqual([[login]])
  })

  test("leaves other students alone", async () => {
    await util(["--init"], { as: "cs61c-aa" })
    await util(["--init"])
    await util(["--delete-account"])
    expect(await keyPairs()).toEqual(["cs61c-aa-default"])
    expect(rows("SELECT user_name FROM users")).toEqual([["cs61c-aa"]])
  })

  test("where there is nothing, there is nothing to do", async () => {
    expect(await util(["--delete-account"])).toMatchObject({ stdout: "There is no account.\n", code: 0 })
  })
})

test("a suspended login is refused what would give it a working key, and may still delete its account", async () => {
  await util(["--init"])
  const usageDb = usageDbAt({ path: join(course.dataDir, "usage.db"), clock: systemClock })
  usageDb.suspensions.begin({
    login,
    suspendedBy: "cs61c",
    reason: "mining",
    suspendedAtUtcMs: utcMsOf(Date.now()),
  })
  usageDb.close()
  for (const option of ["--init", "--rotate-secret", "--create-ssh-key"]) {
    const { stderr, code } = await util([option])
    expect(stderr).toContain("cs61c-ab is suspended (mining)")
    expect(code).toBe(3)
  }
  expect((await util(["--delete-account"])).code).toBe(0)
  expect(await util(["--init"])).toMatchObject({ code: 3 })
})

test("asking for nothing is an error that says so", async () => {
  expect(await util([])).toMatchObject({
    stderr: "ec2_util: options: nothing was asked for (see --help)\n",
    code: 2,
  })
})

test("--list says what to do where there is no account", async () => {
  expect(await util(["--list"])).toEqual({
    stdout: "",
    stderr: "cs61c-ab has no account yet; --init makes it\n",
    code: 0,
  })
})

test("an endpoint that is down is one line, and nothing is half done", async () => {
  course.configure({ aws: { endpoint: "http://127.0.0.1:9" } })
  const { stderr, code } = await util(["--init"])
  expect(stderr).toMatch(/^ec2_util: .* cannot be reached .*\n$/)
  expect(code).toBe(1)
  expect(rows("SELECT * FROM users")).toEqual([])
})

test("no secret is on the audit log, whose lines have the old form", async () => {
  await util(["--init", "--rotate-secret"])
  const log = readFileSync(join(course.dataDir, "audit-log"), "utf8")
  const secrets = rows(
    "SELECT secret_access_key FROM access_keys UNION SELECT login_password FROM users",
  ).flat()
  for (const secret of secrets) expect(log).not.toContain(String(secret))
  expect(log).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+: cs61c-ab: identity: create user$/m)
})
