/** The security group that a student's launches share: made once, found by the ledger and the owner's tag, open to ssh only. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { type CourseDay, courseDay } from "../../support/course_day.ts"
import { depsOf, type TestDeps } from "../../support/deps.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"

let emulator: Emulator
let day: CourseDay
let deps: TestDeps
const login = "cs61c-aa"
const limits = { max_instances: 100, max_hourly_cost: 100, budget: 1000 }

beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  day = await courseDay(emulator, { limits }, [login, "cs61c-ab"])
  day.course.configure({ launch: { ssh_from: ["192.0.2.0/24"] } })
  deps = depsOf(day.course, { login })
})
afterEach(() => {
  deps.close()
  day.close()
})

const orderOf = (more: object = {}) =>
  toOrder({ image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default", ...more })
const launchOne = (more: object = {}, by = deps) => launch(by, orderOf(more))

async function groups() {
  const { SecurityGroups = [] } = await emulator.ec2.send(new DescribeSecurityGroupsCommand({}))
  return SecurityGroups.filter(({ GroupName }) => GroupName !== "default")
}

async function groupsOf(id: string): Promise<string[]> {
  const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
  return (Reservations?.[0]?.Instances?.[0]?.SecurityGroups ?? []).map(({ GroupId }) => GroupId ?? "")
}

const rulesOf = (group: Awaited<ReturnType<typeof groups>>[number] | undefined) =>
  (group?.IpPermissions ?? []).flatMap(({ IpProtocol, FromPort, ToPort, IpRanges }) =>
    (IpRanges ?? []).map(({ CidrIp }) => `${IpProtocol} ${FromPort}-${ToPort} ${CidrIp}`),
  )

/** Has the launches of this config from now on. */
function reconfigured(launchTable: Record<string, never> | object): TestDeps {
  day.course.configure({ limits, launch: launchTable as never })
  deps.close()
  deps = depsOf(day.course, { login })
  return deps
}

describe("a launch that names no group", () => {
  test("is in one of its student's own, which is theirs by its tag and lets in ssh from the course's network only", async () => {
    const first = await launchOne()
    const second = await launchOne({ count: 2 })
    const made = await groups()
    expect(made).toHaveLength(1)
    const tags = Object.fromEntries((made[0]?.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
    expect(tags["ec2-wrappers:owner"]).toBe(login)
    expect(rulesOf(made[0])).toEqual(["tcp 22-22 192.0.2.0/24"])
    for (const { id } of [...first.instances, ...second.instances])
      expect(await groupsOf(id)).toEqual([made[0]?.GroupId ?? ""])
    await launchOne({}, deps.as("cs61c-ab"))
    expect(await groups()).toHaveLength(2)
  })

  test("makes nothing as a dry run, and nothing where it names a group", async () => {
    await launchOne({ dry_run: true })
    const { instances } = await launchOne({ security_groups: ["default"] })
    expect(await groups()).toEqual([])
    expect(await groupsOf(instances[0]?.id ?? "")).toEqual([emulator.fixtures.defaultSecurityGroup])
  })

  test("is in the groups that the course lists, too", async () => {
    await launchOne({}, reconfigured({ ssh_from: [], security_groups: ["default"] }))
    const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({}))
    const [instance] = Reservations?.[0]?.Instances ?? []
    expect(instance?.SecurityGroups).toHaveLength(2)
  })

  test("opens nothing and says so where nobody knows this host's address", async () => {
    reconfigured({})
    const { hostname } = await import("node:os")
    deps.usageDb.transaction(() => deps.usageDb.lookups.set("address", hostname(), "", deps.clock.now()))
    const { notes, instances } = await launchOne()
    expect(notes.join()).toContain("launch.ssh_from names no network")
    expect(instances).toHaveLength(1)
    expect(rulesOf((await groups())[0])).toEqual([])
  })

  test("opens this host's own address where the config says nothing", async () => {
    await launchOne({}, reconfigured({}))
    expect(rulesOf((await groups())[0])).toEqual(["tcp 22-22 127.0.0.1/32"])
  })

  test("follows launch.ssh_from, and leaves a rule of the student's own alone", async () => {
    await launchOne()
    const [group] = await groups()
    const own = { IpProtocol: "tcp", FromPort: 8080, ToPort: 8080, IpRanges: [{ CidrIp: "198.51.100.7/32" }] }
    await emulator.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: group?.GroupId, IpPermissions: [own] }),
    )
    await launchOne({}, reconfigured({ ssh_from: ["anywhere"] }))
    expect(rulesOf((await groups())[0]).sort()).toEqual([
      "tcp 22-22 0.0.0.0/0",
      "tcp 8080-8080 198.51.100.7/32",
    ])
  })
})

describe("the one group of a student", () => {
  test("is made once by 40 launches at once", async () => {
    const all = Array.from({ length: 40 }, () => depsOf(day.course, { login }))
    try {
      const launched = await Promise.all(all.map((one) => launch(one, orderOf())))
      const made = await groups()
      expect(made).toHaveLength(1)
      expect(rulesOf(made[0])).toEqual(["tcp 22-22 192.0.2.0/24"])
      for (const { instances } of launched)
        expect(instances[0]?.securityGroups.map(({ id }) => id)).toEqual([made[0]?.GroupId ?? ""])
    } finally {
      for (const one of all) one.close()
    }
  }, 120_000)

  test.each([
    ["CreateSecurityGroup", "drop-before"],
    ["CreateSecurityGroup", "drop-after"],
    ["CreateSecurityGroup", "half-answer"],
    ["AuthorizeSecurityGroupIngress", "refuse"],
  ] as const)(
    "is found again where %s is cut off by %s",
    async (action, kind) => {
      emulator.proxy.faults.add({ action, kind, times: Number.POSITIVE_INFINITY })
      await expect(launchOne()).rejects.toThrow()
      emulator.proxy.faults.clear()
      await launchOne()
      const made = await groups()
      expect(made).toHaveLength(1)
      expect(rulesOf(made[0])).toEqual(["tcp 22-22 192.0.2.0/24"])
    },
    60_000,
  )

  test("is made anew where its student deleted it", async () => {
    const { instances } = await launchOne()
    const [first] = await groups()
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances[0]?.id ?? ""] }))
    await emulator.proxy.advance(60_000)
    await emulator.ec2.send(new DeleteSecurityGroupCommand({ GroupId: first?.GroupId }))
    await launchOne()
    const made = await groups()
    expect(made).toHaveLength(1)
    expect(made[0]?.GroupId).not.toBe(first?.GroupId)
  })

  test("is not the one that another student made under its name", async () => {
    const token = "0badc0de-0000-4000-8000-000000000000"
    const place = { login, region: "us-east-1", vpcId: emulator.fixtures.vpcId }
    deps.usageDb.transaction(() => deps.usageDb.sshGroups.begin(place, token, deps.clock.now()))
    const squatted = await emulator.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: `ec2-wrappers-${login}-0badc0de`,
        Description: "squatted",
        VpcId: emulator.fixtures.vpcId,
        TagSpecifications: [
          { ResourceType: "security-group", Tags: [{ Key: "ec2-wrappers:owner", Value: "cs61c-ab" }] },
        ],
      }),
    )
    const { instances } = await launchOne()
    expect(await groupsOf(instances[0]?.id ?? "")).not.toContain(squatted.GroupId)
  }, 30_000)

  test("is not one whose owner's tag is another's now", async () => {
    await launchOne()
    const [first] = await groups()
    await emulator.ec2.send(
      new CreateTagsCommand({
        Resources: [first?.GroupId ?? ""],
        Tags: [{ Key: "ec2-wrappers:owner", Value: "cs61c-ab" }],
      }),
    )
    const { instances } = await launchOne({}, reconfigured({ ssh_from: ["198.51.100.0/24"] }))
    expect(await groupsOf(instances[0]?.id ?? "")).not.toContain(first?.GroupId)
  })

  test("is refused at AWS's quota; nothing is launched into another", async () => {
    emulator.proxy.world.knobs.securityGroups = 1
    await expect(launchOne()).rejects.toThrow("there is room for no more of them")
    const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({}))
    expect(Reservations).toEqual([])
  })
})
