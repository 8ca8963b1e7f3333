/** An organisation that forbids everything of IAM: a student with sessions needs nothing there. */

import { afterAll, expect, test } from "bun:test"
import { startEmulator } from "../support/emulator.ts"
import { workspace } from "../support/tools.ts"

const emulator = await startEmulator()
await emulator.reset()
const course = workspace({ endpoint: emulator.endpoint, config: { identity: { credentials: "sessions" } } })
afterAll(async () => {
  course.remove()
  await emulator.stop()
})

test("--init, a session and a launch work where IAM refuses all", async () => {
  for (const tool of ["init_dbs", "setup"]) expect((await course.run(tool)).code).toBe(0)
  emulator.proxy.faults.add({ kind: "refuse", service: "iam", times: Number.POSITIVE_INFINITY })
  emulator.proxy.calls.length = 0
  const as = { as: "cs61c-ab" }
  expect(await course.run("ec2_util", ["--init"], as)).toMatchObject({ stderr: "", code: 0 })
  expect((await course.run("ec2_util", ["--credentials"], as)).code).toBe(0)
  const launched = await course.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "t3.micro"], as)
  expect([launched.code, JSON.parse(launched.stdout)]).toEqual([0, [expect.stringMatching(/^i-/)]])
  // Only whose the course is was asked, and no answer is no reason to stop.
  const asked = emulator.proxy.calls.filter(({ service }) => service === "iam").map(({ action }) => action)
  expect([...new Set(asked)]).toEqual(["ListPolicyTags"])
})
