/** `microproxy --cluster` of a student with sessions: it looks with the session, and goes on with the next one. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { asStudent } from "../support/aws_clients.ts"
import { handAt } from "../support/databases.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"
import { startProxyCommand } from "./command.ts"

const login = "cs61c-aa"
let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
  emulator.proxy.world.knobs.pendingMs = 0
  course = workspace({ endpoint: emulator.endpoint, config: { identity: { credentials: "sessions" } } })
  for (const [tool, args, as] of [
    ["init_dbs", [], "cs61c"],
    ["setup", [], "cs61c"],
    ["ec2_util", ["--init"], login],
  ] as const)
    expect((await course.run(tool, [...args], { as })).code).toBe(0)
  asStudent(course, login)
})
afterAll(async () => {
  course?.remove()
  await emulator?.stop()
})

async function node(): Promise<string> {
  const tags = { "ec2-wrappers:owner": login, "ec2-wrappers:cluster": "words" }
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  const { Instances } = await emulator.ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
      TagSpecifications: [{ ResourceType: "instance", Tags }],
    }),
  )
  return Instances?.[0]?.PrivateIpAddress ?? ""
}

const looks = () => [
  ...new Set(
    emulator.proxy.calls
      .filter(({ action }) => action === "DescribeInstances")
      .map(({ accessKeyId }) => accessKeyId),
  ),
]

test("microproxy --cluster looks with a session, and with the next one when that has ended", async () => {
  const first = await node()
  emulator.proxy.world.knobs.enforcePolicies = true
  const proxy = await startProxyCommand(["--cluster", "words"], course, { as: login })
  expect(await proxy.get("/")).toContain(`>${first}<`)
  const [session = "", ...others] = looks()
  expect(session).toStartWith("ASIA")
  expect(others).toEqual([])

  // An hour later; what is recorded has ended as well.
  const db = handAt(join(course.dataDir, "users.db"))
  db.run("UPDATE sessions SET ends_at_utc_ms = ?", [Date.now()])
  db.close()
  await emulator.proxy.advance(61 * 60_000)
  const second = await node()
  const deadline = Date.now() + 90_000
  // A host that is not allowed makes the proxy look again.
  while (!(await proxy.get("/")).includes(`>${second}<`)) {
    if (Date.now() > deadline) throw new Error("the proxy does not find the second node")
    expect(await proxy.get("/10.255.255.1/8088/")).toStartWith("HTTP/1.1 403 ")
    await Bun.sleep(300)
  }
  const next = looks().filter((key) => key !== session)
  expect(next).toEqual([expect.stringMatching(/^ASIA/)])
  const said = await proxy.stop()
  expect(said).not.toContain(proxy.token)
}, 240_000)
