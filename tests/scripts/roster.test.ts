/** roster, as staff uses it: who may use the course, who is dropped, and who has a login after somebody else. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { CreateVolumeCommand, DescribeKeyPairsCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2"
import { GetUserPolicyCommand, ListUsersCommand } from "@aws-sdk/client-iam"
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { tagOf } from "../../lib/base/instance.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { credentials, startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const other = "cs61c-ab"
const roster = (args: string[], stdin = "") => day.run("roster", args, { as: "cs61c", stdin })
const importing = (csv: string, ...args: string[]) => roster(["import", "-", ...args], csv)
const tryLaunch = (as = student) =>
  day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"], { as })
const class_ = (...rows: string[]) => `login,sid,section\n${rows.join("\n")}\n`

describe("roster import", () => {
  test("is for the staff alone, and leaves the config's globs until the first one", async () => {
    const refused = await day.run("roster", ["list"])
    expect(refused.stderr).toBe("roster: caller: cs61c-aa is not on the staff of cs61c\n")
    expect(refused.code).toBe(3)
    expect((await roster(["list"])).stdout).toStartWith("no roster has been imported")
    expect((await tryLaunch()).code).toBe(0)
  })

  test("shows what it would do, does it, and is undone by restore", async () => {
    expect((await importing(class_(`${student},1,101`, `${other},2,101`))).code).toBe(0)
    const [id] = await day.launch()
    const file = join(day.course.directory, "week2.csv")
    writeFileSync(file, class_(`${student},1,101`, "cs61c-ac,3,101"))
    const dry = await roster(["import", file, "--dry-run"])
    expect(dry.stdout).toBe(
      "add cs61c-ac (section 101)\ndrop cs61c-ab, who has no instances, $0.00 spent\n" +
        "1 added, 0 changed, 1 dropped, 1 unchanged\n",
    )
    expect(dry.stderr).toContain("would be refused: the import drops 1 of 2 people, more than a tenth")
    expect((await tryLaunch(other)).code).toBe(0)
    const doubted = await roster(["import", file])
    expect(doubted.stderr).toContain("if that is right, add --drop 1\n")
    expect(doubted.code).toBe(3)
    expect((await roster(["import", file, "--drop", "2"])).stderr).toContain("drops 1 person")
    const done = await roster(["import", file, "--drop", "1"])
    expect(done.stdout).toBe(
      dry.stdout
        .replace("has no instances", "has 1 instance (until")
        .replace(/ \(until.*/, done.stdout.match(/ \(until.*/)?.[0] ?? ""),
    )
    expect(done.code).toBe(0)
    const refused = await tryLaunch(other)
    expect(refused.stderr).toMatch(
      /^ec2_runner: cs61c-ab: is suspended since \S+ by cs61c: not on the roster any more\n$/,
    )
    expect(refused.code).toBe(3)
    expect(await day.running()).toHaveLength(2)
    // Whoever was dropped still sees what is left, and may end it.
    expect((await day.run("ec2_active", [], { as: other })).code).toBe(0)
    expect((await roster(["list"])).stdout).toContain("cs61c-ab was dropped at ")
    const back = await roster(["restore", "--drop", "1"])
    expect(back.stdout).toContain("add cs61c-ab (section 101)\n")
    expect(back.code).toBe(0)
    expect((await tryLaunch(other)).code).toBe(0)
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toContain(id as string)
  })

  test("keeps everybody out whom it does not name, and gives a section its limits", async () => {
    day.course.configure({
      limits: { max_instances: 1, sections: { "LAB 2": { max_instances: 2 } } },
    })
    await importing(class_(`${student},1,LAB 1`, `${other},2,LAB 2`))
    const stranger = await day.run("ec2_active", [], { as: "cs61c-zz" })
    expect(stranger.stderr).toBe(
      "ec2_active: caller: cs61c-zz is not on the roster of cs61c, see your course's staff\n",
    )
    for (const login of [student, other]) expect((await tryLaunch(login)).code).toBe(0)
    expect((await tryLaunch(student)).stderr).toContain("limit 1\nask for more: ")
    expect((await tryLaunch(other)).code).toBe(0)
  })

  test("drops nobody of another section", async () => {
    await importing(class_(`${student},1,101`, `${other},2,102`))
    const done = await importing(class_("cs61c-ac,3,102"), "--drop", "1")
    expect(done.stdout).toContain("drop cs61c-ab")
    expect(done.stdout).not.toContain(student)
    const whole = await importing("login\ncs61c-ac\n")
    expect(whole.stderr).toContain("give --section NAME, or --all-sections")
    expect(whole.code).toBe(3)
  })

  test("is finished by the next run where it was killed half-way", async () => {
    await day.run("setup", [], { as: "cs61c" })
    expect(await day.run("ec2_util", ["--init"], { as: other })).toMatchObject({ code: 0 })
    const clear = emulator.proxy.faults.add({ kind: "refuse", action: "PutUserPolicy", times: Infinity })
    const killed = await importing(class_(`${student},1,101`), "--drop", "1")
    expect(killed.stderr).toMatch(
      /^(.*\n)?roster: roster: suspend cs61c-ab, who was dropped: .*tries again\n$/,
    )
    expect(killed.code).toBe(1)
    expect((await tryLaunch(other)).code).toBe(3)
    clear()
    const cron = await day.run("usage_cron", [], { as: "cs61c" })
    expect(cron).toMatchObject({ stdout: "", code: 0 })
    const denial = await emulator.iam.send(
      new GetUserPolicyCommand({ UserName: other, PolicyName: "ec2-wrappers-suspended" }),
    )
    expect(denial.PolicyDocument).toBeDefined()
  })

  test("names what is left of somebody when drop_days are over, once", async () => {
    day.course.configure({ roster: { drop_days: 0 } })
    const [id = ""] = await day.launch()
    await importing(class_(`${other},1,101`), "--drop", "1")
    const first = await day.run("usage_cron", [], { as: "cs61c" })
    expect(first.stderr).toMatch(/cs61c-aa, dropped at \S+, still has 1 instance and 0 saved things: /)
    expect(first.stderr).toContain(id)
    expect((await day.run("usage_cron", [], { as: "cs61c" })).stderr).toBe("")
  })
})

describe("a login that comes back with another person", () => {
  test("begins anew: nothing of the person before is within reach, and the budget is whole", async () => {
    const s3 = new S3Client({
      endpoint: emulator.endpoint,
      region: "us-east-1",
      credentials,
      forcePathStyle: true,
    })
    await s3.send(new CreateBucketCommand({ Bucket: "cs61c" }))
    await s3.send(new PutObjectCommand({ Bucket: "cs61c", Key: `${student}/proj 1/ä.txt`, Body: "x" }))
    await s3.send(new PutObjectCommand({ Bucket: "cs61c", Key: `${other}/keep`, Body: "x" }))
    await importing(class_(`${student},1,101`, `${other},2,101`))
    await day.run("setup", [], { as: "cs61c" })
    expect(await day.run("ec2_util", ["--init"])).toMatchObject({ code: 0 })
    await day.launch()
    const Tags = Object.entries({ [tagOf.owner]: student, [tagOf.course]: "cs61c" }).map(([Key, Value]) => ({
      Key,
      Value,
    }))
    await emulator.ec2.send(
      new CreateVolumeCommand({
        ...{ AvailabilityZone: "us-east-1a", Size: 10, VolumeType: "gp3" },
        TagSpecifications: [{ ResourceType: "volume", Tags }],
      }),
    )
    expect((await day.run("usage_cron", [], { as: "cs61c" })).code).toBe(0)
    const done = await importing(class_(`${student},9,101`, `${other},2,101`))
    expect(done.stdout).toMatch(
      /change cs61c-aa: person 1 → 9; begins anew: the person before has 1 instance \(until \S+\), 1 volume or snapshot at \$0\.8\d a month/,
    )
    expect({ stderr: done.stderr, code: done.code }).toMatchObject({ code: 0 })
    expect(await day.running()).toEqual([])
    const users = await emulator.iam.send(new ListUsersCommand({}))
    expect(users.Users?.map(({ UserName }) => UserName)).not.toContain(student)
    const keys = await emulator.ec2.send(new DescribeKeyPairsCommand({}))
    expect(keys.KeyPairs?.map(({ KeyName }) => KeyName)).not.toContain(`${student}-default`)
    const volumes = await emulator.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: "size", Values: ["10"] }] }),
    )
    expect(volumes.Volumes?.[0]?.Tags).toContainEqual({ Key: tagOf.owner, Value: `${student}:1` })
    const objects = await s3.send(new ListObjectsV2Command({ Bucket: "cs61c" }))
    expect(objects.Contents?.map(({ Key }) => Key)).toEqual([`${student}:1/proj 1/ä.txt`, `${other}/keep`])
    // What is kept costs the person who left it, also after the next look.
    expect((await day.run("usage_cron", [], { as: "cs61c" })).code).toBe(0)
    const open = day
      .usageDb()
      .ledger.flatRates.open(null)
      .filter(({ description }) => description.includes("10 GiB"))
    expect(open.map(({ login }) => login)).toEqual([`${student}:1`])
    // The new person makes an account, and launches.
    expect((await day.run("ec2_util", ["--init"])).code).toBe(0)
    expect((await tryLaunch()).code).toBe(0)
    const quota = JSON.parse((await day.run("ec2_active", ["--quota", "--json"])).stdout)
    expect(JSON.stringify(quota)).not.toContain(`${student}:1`)
  }, 60_000)
})
