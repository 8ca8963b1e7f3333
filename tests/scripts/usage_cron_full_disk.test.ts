/** usage_cron and usage_report whose data directory is on a full disk: a small tmpfs in a mount namespace of its own. */

import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { utcMsOf } from "../../lib/base/time.ts"
import { compiledTool, root } from "../support/build.ts"
import { courseDay, student } from "../support/course_day.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { noteSkipped } from "../support/skips.ts"
import { smallDisk, whyNoSmallDisk } from "../support/small_disk.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const reason = whyNoSmallDisk()
if (reason !== null) noteSkipped(`usage_cron and usage_report on a full disk: ${reason}`)

let emulator: Emulator
beforeAll(async () => {
  if (reason === null) emulator = await startEmulator()
})
afterAll(() => emulator?.stop())

async function launch(count: number): Promise<void> {
  const Tags = [{ Key: "ec2-wrappers:owner", Value: "cs61c-ab" }]
  await emulator.ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: count, MaxCount: count },
      TagSpecifications: [{ ResourceType: "instance", Tags }],
    }),
  )
  await emulator.proxy.advance(1000)
}

/** What was recorded, read from a copy as root left it on the small disk. */
function contentOf(database: string) {
  const db = new Database(database)
  const check = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get()
  const rows = ["instances", "intervals", "tracked_instances", "rentals", "evidence"].map((table) =>
    db.query(`SELECT * FROM ${table} ORDER BY 1`).all(),
  )
  db.close()
  return { sound: check?.integrity_check, rows }
}

/** The tool as it is installed, in `npm test`. */
const program = (tool: string) =>
  process.env.TEST_TOOLS === "compiled"
    ? compiledTool(tool)
    : `${process.execPath} ${join(root, "scripts", tool)}.ts`

/** A course's tools and files where its small disk is seen. */
async function onSmallDisk(course: Workspace) {
  const { dataDir, directory, configPath } = course
  const disk = await smallDisk(course)
  return {
    ...disk,
    run: (tool: string, ...given: (string | { as: string })[]) => {
      const args = given.filter((arg) => typeof arg === "string")
      const who = given.find((arg) => typeof arg !== "string")?.as ?? "cs61c"
      return disk.inside(
        `HOME=${directory} REAL_USERNAME=${who} EC2_WRAPPERS_CONFIG=${configPath} exec ${program(tool)} ${args.join(" ")}`,
      )
    },
    leftInMemory: async () => (await disk.inside("ls /dev/shm | grep ^ec2-wrappers- || true")).stdout,
    async recorded(name: string) {
      await disk.inside(`mkdir ${directory}/${name}; cp ${dataDir}/usage.db* ${directory}/${name}/`)
      return contentOf(`${directory}/${name}/usage.db`)
    },
  }
}

const oneLine = /^usage_\w+: [^\n]*(disk|space)[^\n]*\n$/i
const silent = { stdout: "", stderr: "", code: 0 }

describe.skipIf(reason !== null)("on a full disk", () => {
  test("usage_cron fails in one line and loses nothing; with room again the next run is right", async () => {
    const course = workspace({ endpoint: emulator.endpoint })
    const disk = await onSmallDisk(course)
    try {
      expect(await disk.run("init_dbs")).toMatchObject({ stderr: "", code: 0 })
      await launch(2)
      expect(await disk.run("usage_cron")).toEqual(silent)
      const before = await disk.recorded("before")
      await launch(300)
      await disk.fill()
      const { stdout, stderr, code } = await disk.run("usage_cron")
      expect([stdout, code]).toEqual(["", 1])
      expect(stderr).toMatch(oneLine)
      await disk.free()
      const after = await disk.recorded("after")
      expect(after).toEqual({ ...before, sound: "ok" })
      expect(await disk.run("usage_cron")).toEqual(silent)
      const { rows, sound } = await disk.recorded("right")
      expect([sound, rows[0]?.length, rows[1]?.length]).toEqual(["ok", 302, 302])
    } finally {
      await disk.end()
      course.remove()
    }
  })

  test("usage_cron --enforce ends what is past its lease with the room that is kept for it", async () => {
    const day = await courseDay(emulator)
    const [over = ""] = await day.launch()
    expect(await day.run("usage_cron", [], { as: "cs61c" })).toEqual(silent)
    const usageDb = day.usageDb()
    usageDb.leases.extend(over, utcMsOf(Date.now() - 60_000))
    usageDb.close()
    const disk = await onSmallDisk(day.course)
    try {
      await disk.fill()
      const { stdout, stderr } = await disk.run("usage_cron", "--enforce")
      expect(stdout).toStartWith(`terminate ${over} of ${student}`)
      expect(stderr).toMatch(/^usage_cron: [^\n]* has 0 MiB free/)
      expect(await day.running()).toEqual([])
    } finally {
      await disk.end()
      day.close()
    }
  })

  test("a student lists and terminates, and reads a report; the message is that the disk is full", async () => {
    const day = await courseDay(emulator)
    const [first = "", second = ""] = await day.launch("-c", "2")
    expect(await day.run("usage_cron", [], { as: "cs61c" })).toEqual(silent)
    const disk = await onSmallDisk(day.course)
    const asStudent = (tool: string, ...args: string[]) => disk.run(tool, ...args, { as: student })
    try {
      await disk.fill()
      const shown = await asStudent("ec2_active")
      expect(shown.stderr).toMatch(/^ec2_active: the disk of \S+ is full: nothing new is recorded\n$/)
      expect(shown.stdout).toContain(first)
      const report = await asStudent("usage_report")
      expect(report.stderr).toMatch(/^usage_report: the disk of \S+ is full: nothing new is recorded\n$/m)
      expect([report.code, report.stdout]).toEqual([0, expect.stringContaining("Running instances:")])
      const launch = await asStudent("ec2_runner", "-a", emulator.fixtures.image, "-t", "m1.small")
      expect(launch.stderr).toMatch(/the disk is full/)
      expect([launch.stdout, launch.code]).toEqual(["", 1])
      expect(await disk.leftInMemory()).toBe("")
      const ended = await asStudent("ec2_active", "--terminate", first)
      expect([ended.stdout, ended.code]).toEqual([expect.stringContaining(first), 0])
      await disk.fill()
      const { stdout } = await disk.run("usage_cron", "--enforce")
      expect(stdout).toBe("")
      const left = await day.running()
      expect(left.map(({ InstanceId }) => InstanceId)).toEqual([second])
    } finally {
      await disk.end()
      day.close()
    }
  })

  test("doctor says that the disk is full, as an error, and gives no other advice on its account", async () => {
    const course = workspace({ endpoint: emulator.endpoint })
    await course.run("init_dbs")
    const disk = await onSmallDisk(course)
    try {
      await disk.fill()
      const { stdout } = await disk.run("doctor", "--offline", "--quiet")
      expect(stdout).toMatch(/^error +\S+: room: 0 MiB free .* -- make room/m)
      expect(stdout).not.toMatch(/disk I\/O|init_dbs|who holds it/)
    } finally {
      await disk.end()
      course.remove()
    }
  })

  test("the first look at an old tool's database changes nothing of it, and with room again takes it over", async () => {
    const course = workspace({ endpoint: emulator.endpoint, config: oldRules })
    putOldDatabase(course)
    const disk = await onSmallDisk(course)
    try {
      await disk.fill()
      const full = await disk.run("usage_report", "ALL")
      expect(full.stderr).toMatch(oneLine)
      expect(full.stdout).toMatch(/^cs61c-aa +\$ 5.670$/m)
      const { stdout, stderr, code } = await disk.run("usage_cron")
      expect([stdout, code]).toEqual(["", 1])
      expect(stderr).toMatch(oneLine)
      await disk.free()
      const report = await disk.run("usage_report", "ALL")
      expect([report.stderr, report.code]).toEqual(["", 0])
      expect(report.stdout).toMatch(/^cs61c-aa +\$ 5.670$/m)
    } finally {
      await disk.end()
      course.remove()
    }
  })

  test("usage_report leaves the page and the metrics of before in their place, whole", async () => {
    const course = workspace({ endpoint: emulator.endpoint, config: oldRules })
    putOldDatabase(course)
    const disk = await onSmallDisk(course)
    const file = join(course.dataDir, "report")
    try {
      for (const form of ["--html", "--prometheus"]) {
        await disk.run("usage_report", "ALL", form, file)
        const before = await disk.inside(`cat ${file}`)
        expect(before.stdout).toContain("cs61c-aa")
        await disk.fill()
        const { stdout, stderr, code } = await disk.run("usage_report", "ALL", form, file)
        expect(stderr).toMatch(oneLine)
        expect([stdout, code]).toEqual(["", 1])
        await disk.free()
        expect(await disk.inside(`cat ${file}`)).toEqual(before)
        expect((await disk.inside(`ls -A ${course.dataDir} | grep tmp`)).stdout).toBe("")
      }
    } finally {
      await disk.end()
      course.remove()
    }
  })
})
