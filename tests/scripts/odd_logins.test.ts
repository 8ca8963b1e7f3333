/** Logins of campus directories, through every tool: names at IAM and EC2, files in the home, reports. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DescribeInstancesCommand, DescribeKeyPairsCommand } from "@aws-sdk/client-ec2"
import { GetUserCommand, GetUserPolicyCommand } from "@aws-sdk/client-iam"
import { startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
let course: Workspace
beforeEach(() => emulator.reset())
afterEach(() => course.remove())
afterAll(() => emulator.stop())

async function begin(credentials: "keys" | "sessions") {
  course = workspace({
    endpoint: emulator.endpoint,
    config: { course: { accounts: ["*"] }, identity: { credentials } },
  })
  for (const tool of ["init_dbs", "setup"])
    expect(await course.run(tool)).toMatchObject({ stderr: "", code: 0 })
}

describe.each([
  ["keys", "=J.Doe+a_b@campus.edu"],
  ["sessions", "20231234".repeat(4)],
] as const)("with %s", (credentials, login) => {
  test(`${login} can do everything`, async () => {
    await begin(credentials)
    const as = { as: login }
    const key = `${login}-default`
    const init = await course.run("ec2_util", ["--init"], as)
    expect({ ...init, stdout: "" }).toEqual({ stdout: "", stderr: "", code: 0 })
    expect(existsSync(join(course.home(login), `${key}.pem`))).toBe(true)
    const { KeyPairs } = await emulator.ec2.send(new DescribeKeyPairsCommand({ KeyNames: [key] }))
    expect(KeyPairs?.[0]?.Tags).toContainEqual({ Key: "ec2-wrappers:owner", Value: login })
    if (credentials === "keys") {
      const { User } = await emulator.iam.send(new GetUserCommand({ UserName: login }))
      expect(User?.Arn).toEndWith(`:user/cs61c/${login}`)
      const policy = { UserName: login, PolicyName: `${login}-user` }
      const { PolicyDocument } = await emulator.iam.send(new GetUserPolicyCommand(policy))
      expect(decodeURIComponent(PolicyDocument ?? "")).toContain(`arn:aws:s3:::cs61c/${login}/*`)
    } else {
      const answer = await course.run("ec2_util", ["--credentials"], as)
      expect(answer.code).toBe(0)
      expect(JSON.parse(answer.stdout).SessionToken).toBeString()
    }
    const lab = await course.run("ec2_util", ["--create-ssh-key", "--key-name", "my lab!"], as)
    expect([lab.code, lab.stdout]).toEqual([0, expect.stringContaining(`Creating SSH key ${login}-mylab\n`)])

    const request = ["-a", emulator.fixtures.image, "-t", "t3.micro", "-k", "mylab"]
    const launched = await course.run("ec2_runner", request, as)
    expect([launched.stderr, launched.code]).toEqual([expect.anything(), 0])
    const [id] = JSON.parse(launched.stdout) as string[]
    const { Reservations } = await emulator.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [id ?? ""] }),
    )
    const [instance] = Reservations?.[0]?.Instances ?? []
    expect(instance?.KeyName).toBe(`${login}-mylab`)
    expect(instance?.Tags).toContainEqual({ Key: "ec2-wrappers:owner", Value: login })

    expect((await course.run("usage_cron")).code).toBe(0)
    expect((await course.run("ec2_active", [], as)).stdout).toContain(`Username: ${login}\n`)
    expect((await course.run("usage_report", [login])).stdout).toContain(`Usage report for ${login}:\n`)
    expect((await course.run("usage_report", ["ALL"])).stdout).toContain(`${login.padEnd(20)} $`)
    const csv = await course.run("usage_report", ["ALL", "--csv"])
    const field = login.startsWith("=") ? `'${login}` : login
    expect(csv.stdout.split("\n")[1]).toStartWith(`${field},`)
    const clusters = readFileSync(join(course.home(login), ".hadoop-cloud/clusters.cfg"), "utf8")
    expect(clusters).toContain(`[${login}-testing]\n`)
    const checked = await course.run("hadoop_ec2", ["config", "check"], as)
    expect([checked.stderr, checked.code]).toEqual(["", 0])

    const ended = await course.run("ec2_util", ["--delete-account", "--terminate-instances"], as)
    expect(ended.code).toBe(0)
    expect((await emulator.ec2.send(new DescribeKeyPairsCommand({}))).KeyPairs).toEqual([])
    expect(readFileSync(join(course.dataDir, "audit-log"), "utf8")).toContain(`: ${login}: launched `)
  })
})

test("of two logins that differ in case only, the second is refused", async () => {
  await begin("sessions")
  expect((await course.run("ec2_util", ["--init"], { as: "jdoe" })).code).toBe(0)
  const { stderr, code } = await course.run("ec2_util", ["--init"], { as: "JDoe" })
  expect(stderr).toMatch(/^ec2_util: account: JDoe differs from jdoe in case only, .* staff must rename/)
  expect(code).toBe(3)
  expect(readdirSync(course.home("JDoe"))).toEqual([])
})

test("a user at IAM whose name differs in case only is left alone", async () => {
  await begin("keys")
  const other = workspace({
    endpoint: emulator.endpoint,
    config: { course: { name: "ee290", accounts: ["*"] } },
  })
  for (const tool of ["init_dbs", "setup"]) await other.run(tool)
  expect((await other.run("ec2_util", ["--init"], { as: "jdoe" })).code).toBe(0)
  const { stderr, code } = await course.run("ec2_util", ["--init"], { as: "JDoe" })
  expect(stderr).toMatch(/^ec2_util: IAM user JDoe: exists, or another one whose name differs in case only/)
  expect(code).toBe(3)
  other.remove()
})

test("a login that AWS does not take is refused by every tool, with the rule", async () => {
  course = workspace({ endpoint: emulator.endpoint, config: { course: { accounts: ["*"] } } })
  const { stderr, code } = await course.run("ec2_util", ["--init"], { env: { REAL_USERNAME: "jd,x" } })
  expect(stderr).toMatch(/caller: login "jd,x" cannot be a name at AWS, which takes 2 to 32 letters/)
  expect(code).toBe(1)
})
