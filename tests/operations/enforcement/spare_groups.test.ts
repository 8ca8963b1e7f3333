/** The security groups that students make: bounded, whatever they are called and however they name each other. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
} from "@aws-sdk/client-ec2"
import { tagOf } from "../../../lib/base/instance.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const cron = () => day.run("usage_cron", ["--enforce"], { as: "cs61c" })

async function groupsOf(login: string, count: number, tags: Record<string, string> = {}): Promise<string[]> {
  const ids: string[] = []
  const all = { [tagOf.owner]: login, ...tags }
  for (let i = 0; i < count; i++) {
    const { GroupId = "" } = await emulator.ec2.send(
      new CreateSecurityGroupCommand({
        ...{ GroupName: `g-${login}-${ids.length}-${Object.keys(tags).length}`, Description: "x" },
        VpcId: emulator.fixtures.vpcId,
        TagSpecifications: [
          {
            ResourceType: "security-group",
            Tags: Object.entries(all).map(([Key, Value]) => ({ Key, Value })),
          },
        ],
      }),
    )
    ids.push(GroupId)
  }
  return ids
}

async function left(ids: string[]): Promise<string[]> {
  const { SecurityGroups = [] } = await emulator.ec2.send(new DescribeSecurityGroupsCommand({}))
  return SecurityGroups.map(({ GroupId = "" }) => GroupId).filter((id) => ids.includes(id))
}

const about = (GroupId: string, other: string) => ({
  GroupId,
  IpPermissions: [{ IpProtocol: "tcp", FromPort: 1, ToPort: 2, UserIdGroupPairs: [{ GroupId: other }] }],
})

describe("usage_cron --enforce", () => {
  test("removes a login's unused groups beyond 20, first those of no cluster, and never those in use", async () => {
    const cluster = await groupsOf(student, 18, { [tagOf.cluster]: "words" })
    const others = await groupsOf(student, 7)
    const used = others.slice(-2)
    await day.launch(...used.flatMap((id) => ["--security-group", id]))
    const { stderr, code } = await cron()
    expect([stderr, code]).toEqual(["", 0])
    expect(await left(cluster)).toHaveLength(18)
    expect((await left(others)).sort()).toEqual(used.toSorted())
    const log = await Bun.file(`${day.course.dataDir}/audit-log`).text()
    const line = `enforcement: remove 5 unused security groups of ${student}, who has 25`
    expect(log).toContain(`${line}\n`)
    expect(log).toContain(`${line}: 5 removed\n`)
  })

  test("also where rules in both directions, of the login's own groups and another's, name them", async () => {
    const many = await groupsOf(student, 24)
    const [other = ""] = await groupsOf("cs61c-ab", 1)
    const ring = many.map((id, i) => [id, many[(i + 1) % many.length] ?? ""] as const)
    for (const [one, next] of ring) {
      await emulator.ec2.send(new AuthorizeSecurityGroupIngressCommand(about(one, next)))
      await emulator.ec2.send(new AuthorizeSecurityGroupEgressCommand(about(next, one)))
    }
    for (const id of many.slice(0, 4))
      await emulator.ec2.send(new AuthorizeSecurityGroupIngressCommand(about(other, id)))
    expect((await cron()).stderr).toBe("")
    expect(await left(many)).toHaveLength(20)
    expect(await left([other])).toEqual([other])
  })

  test("leaves alone 20 of each login, groups without an owner, and logins that are none of the course", async () => {
    const kept = [...(await groupsOf(student, 20)), ...(await groupsOf("cs61c-ab", 20))]
    const foreign = await groupsOf("cs161-aa", 22)
    expect((await cron()).code).toBe(0)
    expect(await left(kept)).toHaveLength(40)
    expect(await left(foreign)).toHaveLength(22)
    const deleted = emulator.proxy.calls.filter(({ action }) => action === "DeleteSecurityGroup")
    expect(deleted).toEqual([])
  })

  test("says what AWS refuses, and ends leases all the same", async () => {
    await groupsOf(student, 21)
    emulator.proxy.faults.add({ kind: "refuse", action: "DeleteSecurityGroup", times: 5 })
    const { stderr } = await cron()
    expect(stderr).toContain("security groups in us-east-1: delete security group sg-")
  })
})
