/** Clusters on the spot market, which gives, refuses and takes away. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { DescribeInstancesCommand, type Instance, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { interrupt } from "../emulator/happenings.ts"
import { finished } from "../support/tools.ts"
import { type Classroom, openClassroom } from "./support.ts"

let room: Classroom
beforeAll(async () => {
  room = await openClassroom()
})
afterAll(() => room.close())
beforeEach(async () => {
  const ids = (await live()).map(({ InstanceId }) => InstanceId ?? "")
  if (ids.length > 0) await room.emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }))
  Object.assign(room.emulator.proxy.world.knobs, { pendingMs: 0, spotVcpus: 64 })
})

async function live(): Promise<Instance[]> {
  const { Reservations = [] } = await room.emulator.ec2.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) =>
    ["pending", "running"].includes(State?.Name ?? ""),
  )
}

/** `sm on-demand`, `sw spot`: roles and market of all that run. */
async function markets(): Promise<string[]> {
  const nodes = (await live()).map(({ Tags = [], InstanceLifecycle }) => {
    const roles = Tags.find(({ Key }) => Key === tagOf.clusterRoles)?.Value
    return `${roles} ${InstanceLifecycle ?? "on-demand"}`
  })
  return nodes.sort()
}

const launch = (...options: string[]) =>
  room.hadoop("launch-cluster", "cheap", "1", "sm", "2", "sw", "--use-spot", "--timeout", "1s", ...options)

test("workers are spot instances, the master only where asked", async () => {
  await launch("--max-price", "0.05")
  expect(await markets()).toEqual(["sm on-demand", "sw spot", "sw spot"])
  await room.hadoop("terminate-cluster", "cheap", "--yes")
  await launch("--spot-master")
  expect(await markets()).toEqual(["sm spot", "sw spot", "sw spot"])
})

test("where the market has none, the launch ends and says why; with a fallback it goes on on demand", async () => {
  room.emulator.proxy.world.knobs.spotVcpus = 0
  const refused = await launch("--on-failure", "terminate")
  expect(refused.stderr).toMatch(/launch: .*spot.*; 1 instance of cheap launched and terminated again/i)
  expect(refused.code).toBe(1)
  expect(await markets()).toEqual([])
  const fallen = await launch("--spot-fallback", "on-demand")
  expect(fallen.stderr).toContain(
    "No spot capacity (MaxSpotInstanceCountExceeded), launching on demand instead",
  )
  expect(await markets()).toEqual(["sm on-demand", "sw on-demand", "sw on-demand"])
})

test("an interruption while it starts ends the wait with AWS's reason; --resume replaces what was taken", async () => {
  room.emulator.proxy.world.knobs.pendingMs = 60_000
  const child = room.start([
    "launch-cluster",
    "cheap",
    "1",
    "sm",
    "2",
    "sw",
    "--use-spot",
    "--timeout",
    "50s",
    "--on-failure",
    "keep",
  ])
  const output = finished(child)
  while ((await live()).length < 3) await Bun.sleep(50)
  const taken = (await live()).find(({ InstanceLifecycle }) => InstanceLifecycle === "spot")?.InstanceId ?? ""
  await interrupt(room.emulator.proxy.world, taken)
  const { stderr, code } = await output
  expect(stderr).toMatch(new RegExp(`wait: ${taken} \\(sw\\) is \\S+: Server\\.SpotInstanceTermination`))
  expect(stderr).toMatch(/2 instances of cheap still run: i-\w+ i-\w+ /)
  expect(code).toBe(4)
  room.emulator.proxy.world.knobs.pendingMs = 0
  await launch("--resume")
  expect(await markets()).toEqual(["sm on-demand", "sw spot", "sw spot"])
})
