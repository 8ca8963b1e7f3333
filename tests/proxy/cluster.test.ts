/** `microproxy --cluster` against the emulated EC2: whose nodes are reached, and that it follows them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { RunInstancesCommand, TerminateInstancesCommand, waitUntilInstanceRunning } from "@aws-sdk/client-ec2"
import { credentials, type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"
import { type StartedProxy, startProxyCommand } from "./command.ts"

let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
  course = workspace({ endpoint: emulator.endpoint })
  for (const login of ["cs61c-aa", "cs61c-ab"]) {
    const folder = join(course.home(login), ".aws")
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, "credentials"),
      `[default]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`,
    )
  }
})
afterAll(async () => {
  course?.remove()
  await emulator?.stop()
})

interface Node {
  id: string
  hosts: string[]
}

/** A running instance with the tags that ec2-run gives to a cluster's node. */
async function node(owner: string, cluster: string): Promise<Node> {
  const tags = [
    { Key: "ec2-wrappers:owner", Value: owner },
    { Key: "ec2-wrappers:cluster", Value: cluster },
  ]
  const { Instances = [] } = await emulator.ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
      TagSpecifications: [{ ResourceType: "instance", Tags: tags }],
    }),
  )
  const { InstanceId = "", PrivateIpAddress = "", PrivateDnsName = "" } = Instances[0] ?? {}
  await waitUntilInstanceRunning(
    { client: emulator.ec2, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.1 },
    { InstanceIds: [InstanceId] },
  )
  return { id: InstanceId, hosts: [PrivateIpAddress, PrivateDnsName] }
}

const terminate = ({ id }: Node) => emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))

/** Whether the proxy would connect: what it refuses, it refuses before. */
async function permits(proxy: StartedProxy, host: string): Promise<boolean> {
  // The proxy's own page lists exactly what is allowed.
  const index = await proxy.get("/")
  expect(index).toStartWith("HTTP/1.1 200 ")
  return index.includes(`>${host}<`)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it does not come to hold")
    await Bun.sleep(250)
  }
}

describe("--cluster", () => {
  test("allows the caller's own nodes of exactly this cluster, and follows them as they come and go", async () => {
    const [first, second] = [await node("cs61c-aa", "words"), await node("cs61c-aa", "words")]
    const others = [
      await node("cs61c-ab", "words"),
      await node("cs61c-aa", "words2"),
      await node("cs61c-aa", "word"),
      await node("cs61c-a", "words"),
    ]
    const proxy = await startProxyCommand(["--cluster", "words"], course, { as: "cs61c-aa" })
    for (const host of [...first.hosts, ...second.hosts])
      expect([host, await permits(proxy, host)]).toEqual([host, true])
    for (const host of others.flatMap(({ hosts }) => hosts)) {
      expect([host, await permits(proxy, host)]).toEqual([host, false])
      expect(await proxy.get(`/${host}/8088/`)).toStartWith("HTTP/1.1 403 ")
    }
    const third = await node("cs61c-aa", "words")
    const host = third.hosts[0] as string
    /** Asking for a host that is not allowed makes the proxy look again, at most every other second. */
    const comesToPermit = (one: string, wanted: boolean) =>
      until(async () => {
        expect(await proxy.get("/10.255.255.1/8088/")).toStartWith("HTTP/1.1 403 ")
        return (await permits(proxy, one)) === wanted
      })
    await comesToPermit(host, true)
    await terminate(second)
    await comesToPermit(second.hosts[0] as string, false)
    expect(await permits(proxy, host)).toBe(true)
    // With its last node gone nothing stays allowed: the address may be anybody's next.
    await Promise.all([terminate(first), terminate(third)])
    await comesToPermit(host, false)
    expect(await proxy.get(`/${host}/8088/`)).toStartWith("HTTP/1.1 403 ")
    expect(await proxy.stop()).not.toContain(proxy.token)
  })

  test("says so where the cluster has no running node, or is another student's", async () => {
    await node("cs61c-ab", "theirs")
    for (const cluster of ["theirs", "none"]) {
      const { stdout, stderr, code } = await course.run("microproxy", ["0", "--cluster", cluster], {
        as: "cs61c-aa",
      })
      expect(stderr).toBe(`microproxy: --cluster: "${cluster}" of yours has no running node\n`)
      expect([stdout, code]).toEqual(["", 1])
    }
  })

  test("--check answers by the cluster's nodes", async () => {
    const { hosts } = await node("cs61c-ab", "checked")
    const check = (host: string) =>
      course.run("microproxy", ["--cluster", "checked", "--check", `http://${host}:8088/x`], {
        as: "cs61c-ab",
      })
    expect(await check(hosts[0] as string)).toMatchObject({ code: 0 })
    expect(await check("10.255.255.1")).toMatchObject({ code: 3 })
  })
})
