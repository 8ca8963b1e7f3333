/** Two installations of one course in one account: one goes on, the other is told. */

import { afterAll, afterEach, beforeEach, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { DescribeKeyPairsCommand } from "@aws-sdk/client-ec2"
import { TagPolicyCommand } from "@aws-sdk/client-iam"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"
import { onPostgres } from "../support/postgres.ts"
import { type Finished, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const login = "cs61c-ab"
let first: Workspace
let second: Workspace
beforeEach(async () => {
  await emulator.reset()
  first = workspace({ endpoint: emulator.endpoint })
  second = workspace({ endpoint: emulator.endpoint })
  // Each makes its own id.
  for (const course of [first, second]) rmSync(join(course.dataDir, "installation-id"))
})
afterEach(() => {
  first.remove()
  second.remove()
})
afterAll(() => emulator.stop())

const done = async (running: Promise<Finished>) => {
  const { stdout, stderr, code } = await running
  expect(`${stderr} ${code}`).toEndWith(" 0")
  return stdout
}
const initialise = async (course: Workspace) => {
  await done(course.run("init_dbs"))
  await done(course.run("setup"))
}
const launch = (course: Workspace) =>
  course.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "t3.micro"], { as: login })
const keyPairs = async () =>
  (await emulator.ec2.send(new DescribeKeyPairsCommand({}))).KeyPairs?.map(({ KeyPairId }) => KeyPairId)
const marks = () => emulator.proxy.calls.splice(0).filter(({ action }) => action === "ListPolicyTags").length

/** The hour since the last look is over. */
function forgetLook(course: Workspace): void {
  const db = handAt(join(course.dataDir, "usage.db"))
  db.run("UPDATE installation SET looked_at_utc_ms = 0")
  db.close()
}

test("the second changes nothing of the first's, exits with 3 and names setup --take-over", async () => {
  await initialise(first)
  await done(first.run("ec2_util", ["--init"], { as: login }))
  const before = await keyPairs()
  await done(second.run("init_dbs"))
  const refusal = /course cs61c: belongs to another installation, on \S+, .*staff must run setup --take-over/
  const tries: [tool: string, args: string[], as: string][] = [
    ["setup", [], "cs61c"],
    ["setup", ["--dry-run"], "cs61c"],
    ["ec2_util", ["--init"], login],
    ["ec2_util", ["--delete-account"], login],
  ]
  for (const [tool, args, as] of tries) {
    const { stderr, code } = await second.run(tool, args, { as })
    expect(`${tool} ${stderr}`).toMatch(refusal)
    expect(`${tool} ${code}`).toBe(`${tool} 3`)
  }
  expect((await launch(second)).code).toBe(3)
  expect(await keyPairs()).toEqual(before)
  const doctor = await second.run("doctor", ["--quiet"])
  expect(doctor.stdout).toMatch(
    /error {4}course cs61c: belongs to another installation.* -- run setup --take-over/,
  )

  // cron of the second looks at nothing of the kind, and works.
  marks()
  await done(second.run("usage_cron"))
  expect(marks()).toBe(0)
})

test("--take-over makes it the second's; the first hears of it when its hour is over", async () => {
  await initialise(first)
  await done(first.run("ec2_util", ["--init"], { as: login }))
  marks()
  await done(launch(first))
  // --init has just looked.
  expect(marks()).toBe(0)
  await done(second.run("init_dbs"))
  expect(await done(second.run("setup", ["--take-over"]))).toMatch(/^take the course over from /m)
  expect(await done(second.run("setup"))).not.toContain("mark")
  await done(second.run("ec2_util", ["--init"], { as: login }))
  await done(launch(first))
  forgetLook(first)
  const { stderr, code } = await launch(first)
  expect([stderr, code]).toEqual([expect.stringContaining("belongs to another installation"), 3])
})

test("setup before init_dbs: both have one id", async () => {
  await done(first.run("setup"))
  await done(first.run("init_dbs"))
  expect(await done(first.run("setup"))).toContain("as they should be")
  await done(first.run("ec2_util", ["--init"], { as: login }))
})

test("a course of before, an endpoint that knows no marks and a key that may not ask go on", async () => {
  await done(first.run("init_dbs"))
  emulator.proxy.faults.add({ kind: "refuse", action: "ListPolicyTags", times: Number.POSITIVE_INFINITY })
  const { stderr, code } = await first.run("setup")
  expect([stderr, code]).toEqual([
    expect.stringContaining("the course is not marked as this installation's"),
    0,
  ])
  await done(first.run("ec2_util", ["--init"], { as: login }))
  await done(launch(first))
  emulator.proxy.faults.clear()
  await done(launch(first))
})

// Hosts of one PostgreSQL are one installation, on whatever machine.
test.skipIf(onPostgres)("a copy of the ledger on another machine is told from it", async () => {
  await initialise(first)
  await done(first.run("ec2_util", ["--init"], { as: login }))
  const elsewhere = { Key: "ec2-wrappers:machine", Value: "0123456789abcdef0123456789abcdef" }
  await emulator.iam.send(
    new TagPolicyCommand({
      PolicyArn: "arn:aws:iam::123456789012:policy/cs61c/cs61c-installation",
      Tags: [elsewhere],
    }),
  )
  forgetLook(first)
  const { stderr, code } = await launch(first)
  expect([stderr, code]).toEqual([
    expect.stringContaining(
      "this is a copy of its ledger on another machine; nothing is launched or changed here",
    ),
    3,
  ])
  await done(first.run("setup", ["--take-over"]))
  await done(launch(first))
})
