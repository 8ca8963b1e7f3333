/** [launch.tags]: what an organisation demands of everything. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  DescribeNetworkInterfacesCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2"
import { ListUserTagsCommand } from "@aws-sdk/client-iam"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"

let emulator: Emulator
let day: CourseDay
beforeAll(async () => {
  emulator = await startEmulator()
  day = await courseDay(emulator, {
    launch: { tags: { CostCenter: "cs", Owner: "cs61c" } },
  } as never)
})
afterAll(async () => {
  day.close()
  await emulator.stop()
})

const pair = { Key: "CostCenter", Value: "cs" }

describe("[launch.tags]", () => {
  test("are on instances, volumes and interfaces, and win over the caller's", async () => {
    const [id = ""] = await day.launch("--tag", "CostCenter=mine", "--tag", "Name=lab")
    const [instance] = await day.running()
    expect(instance?.Tags).toContainEqual(pair)
    expect(instance?.Tags).toContainEqual({ Key: "Name", Value: "lab" })
    const { Volumes } = await emulator.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [id] }] }),
    )
    expect(Volumes?.map(({ Tags }) => Tags)).toEqual([expect.arrayContaining([pair])])
    const { NetworkInterfaces } = await emulator.ec2.send(
      new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [id] }] }),
    )
    expect(NetworkInterfaces?.[0]?.TagSet).toContainEqual(pair)
  })

  test("are on users and key pairs that --init makes, also where they were made before", async () => {
    expect((await day.run("setup", [], { as: "cs61c" })).code).toBe(0)
    expect((await day.run("ec2_util", ["--init"])).code).toBe(0)
    const { Tags } = await emulator.iam.send(new ListUserTagsCommand({ UserName: student }))
    expect(Tags).toContainEqual(pair)
    const made = await day.run("ec2_util", ["--create-ssh-key", "--key-name", "lab"])
    expect(made.stderr).toBe("")
    const { Tags: all } = await emulator.ec2.send(
      new DescribeTagsCommand({ Filters: [{ Name: "resource-type", Values: ["key-pair"] }] }),
    )
    expect(all?.filter(({ Key }) => Key === "CostCenter").length).toBeGreaterThan(0)
  })

  test.each(["ec2-wrappers:owner", "aws:thing"])("may not be %s", async (key) => {
    const other = await courseDay(emulator, { launch: { tags: { [key]: "x" } } } as never).catch(
      (error: Error) => error.message,
    )
    expect(String(other)).toContain("is in a namespace that AWS or these tools use")
  })
})
