/** What a student does with the profile that --init writes: the real AWS CLI and boto3, for longer than a session lasts. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { CreateSecurityGroupCommand } from "@aws-sdk/client-ec2"
import { asStudent, awsClients } from "../support/aws_clients.ts"
import { root } from "../support/build.ts"
import { startEmulator } from "../support/emulator.ts"
import { faketimeLibrary } from "../support/faketime.ts"
import { skipWithout } from "../support/skips.ts"
import { type Finished, finished, type Workspace, workspace } from "../support/tools.ts"

const clients = awsClients()
const emulator = await startEmulator()
const { proxy } = emulator
const [student, other] = ["cs61c-aa", "cs61c-ab"] as const
const arn = `arn:aws:sts::123456789012:assumed-role/cs61c-student/${student}`
let course: Workspace
let env: Record<string, string>

beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint, config: { identity: { credentials: "sessions" } } })
  await course.run("init_dbs")
  await course.run("setup")
  for (const login of [student, other]) await course.run("ec2_util", ["--init"], { as: login })
  env = asStudent(course, student)
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const aws = (args: string, more: Record<string, string> = {}): Promise<Finished> =>
  finished(
    Bun.spawn([join(clients ?? "", "aws"), ...args.split(" "), "--profile", "cs61c"], {
      env: { ...env, ...more },
      stdout: "pipe",
      stderr: "pipe",
    }),
  )
const keysUsed = () =>
  new Set(proxy.calls.map(({ accessKeyId }) => accessKeyId).filter((id) => id.startsWith("ASIA")))

describe.skipIf(clients === null)("the AWS CLI with the course's profile", () => {
  test("is the student's session, and may do what the student may", async () => {
    proxy.world.knobs.enforcePolicies = true
    const who = await aws("sts get-caller-identity --output text --query Arn")
    expect(who).toEqual({ stdout: `${arn}\n`, stderr: "", code: 0 })
    expect((await aws("ec2 describe-instances --query Reservations")).code).toBe(0)
    expect((await aws(`iam create-access-key --user-name ${student}`)).stderr).toContain(
      "is not authorized to perform: iam:CreateAccessKey",
    )
    expect(proxy.calls.filter(({ action }) => action === "AssumeRole")).toHaveLength(1)
  })

  test("reaches the student's own objects and groups, and nobody else's", async () => {
    const make = ["s3api create-bucket --bucket cs61c", "s3 mb s3://elsewhere"]
    for (const args of make) {
      const account = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "x" }
      const [service = "", ...rest] = args.split(" ")
      await finished(
        Bun.spawn([join(clients ?? "", "aws"), service, ...rest, "--endpoint-url", emulator.endpoint], {
          env: { ...env, ...account, AWS_DEFAULT_REGION: "us-east-1" },
          stdout: "pipe",
          stderr: "pipe",
        }),
      )
    }
    const Tags = [{ Key: "ec2-wrappers:owner", Value: other }]
    const { GroupId } = await emulator.ec2.send(
      new CreateSecurityGroupCommand({
        ...{ GroupName: "theirs", Description: "x", VpcId: emulator.fixtures.vpcId },
        TagSpecifications: [{ ResourceType: "security-group", Tags }],
      }),
    )
    proxy.world.knobs.enforcePolicies = true
    const file = join(course.directory, "note")
    writeFileSync(file, "hello")
    expect((await aws(`s3 cp ${file} s3://cs61c/${student}/note`)).code).toBe(0)
    expect((await aws(`s3 ls s3://cs61c/${student}/`)).stdout).toContain(" note\n")
    for (const args of [
      `s3 cp ${file} s3://cs61c/${other}/note`,
      `s3 cp s3://cs61c/${other}/note -`,
      `s3 ls s3://cs61c/${other}/`,
      "s3 ls s3://cs61c/",
      `s3 cp ${file} s3://elsewhere/${student}/note`,
      `ec2 delete-security-group --group-id ${GroupId}`,
    ]) {
      const { stderr, code } = await aws(args)
      expect({
        args,
        refused: /AccessDenied|Forbidden|UnauthorizedOperation/.test(stderr),
        code: code > 0,
      }).toEqual({
        ...{ args, refused: true, code: true },
      })
    }
  })

  test("says our line where there is no session", async () => {
    await course.run("course_freeze", [student, "--yes", "--reason", "costs"])
    const { stdout, stderr, code } = await aws("sts get-caller-identity")
    expect(stdout).toBe("")
    expect(stderr).toContain("cs61c-aa is suspended (costs), see your course's staff")
    expect(code).not.toBe(0)
  })
})

describe.skipIf(clients === null || faketimeLibrary === null || skipWithout("faketime"))("for hours,", () => {
  test("boto3's one client and the AWS CLI go from session to session", async () => {
    proxy.world.knobs.tellsItsTime = true
    const offset = join(course.directory, "offset")
    const clock = {
      LD_PRELOAD: faketimeLibrary ?? "",
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DISABLE_SHM: "1",
      NO_FAKE_STAT: "1",
      TZ: "UTC",
    }
    writeFileSync(offset, "+0\n")
    const child = Bun.spawn(
      [join(clients ?? "", "python"), join(root, "tests", "support", "boto3_hours.py")],
      { env: { ...env, ...clock }, stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    )
    const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
    const seen: (string | undefined)[] = []
    for (let minutes = 0; minutes <= 200; minutes += 20) {
      writeFileSync(offset, `+${minutes}m\n`)
      if (minutes > 0) await proxy.advance(20 * 60_000)
      child.stdin.write("\n")
      await child.stdin.flush()
      seen.push((await answers.read()).value?.trim())
      if (minutes % 60 === 40)
        seen.push((await aws("sts get-caller-identity --output text --query Arn", clock)).stdout.trim())
    }
    await child.stdin.end()
    expect(seen).toEqual(seen.map(() => arn))
    // Three hours and twenty minutes, of sessions that are used until ten minutes are left.
    expect(keysUsed().size).toBeGreaterThanOrEqual(4)
    expect(keysUsed().size).toBeLessThanOrEqual(6)
  })
})
