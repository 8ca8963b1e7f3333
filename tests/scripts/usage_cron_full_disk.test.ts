/** usage_cron whose data directory is on a full disk: a small tmpfs in a mount namespace of its own. */
import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { noteSkipped } from "../support/skips.ts"
import { smallDisk, whyNoSmallDisk } from "../support/small_disk.ts"
import { workspace } from "../support/tools.ts"

const reason = whyNoSmallDisk()
if (reason !== null) noteSkipped(`usage_cron on a full disk: ${reason}`)

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

describe.skipIf(reason !== null)("usage_cron on a full disk", () => {
  test("fails in one line and loses nothing; with room again the next run is right", async () => {
    const course = workspace({ endpoint: emulator.endpoint })
    const { dataDir, directory } = course
    const disk = await smallDisk(course)
    const scripts = `${process.execPath} ${import.meta.dir}/../../scripts`
    const run = (name: string) =>
      disk.inside(
        `HOME=${directory} REAL_USERNAME=cs61c EC2_WRAPPERS_CONFIG=${course.configPath} exec ${scripts}/${name}.ts`,
      )
    const copy = async (name: string) => {
      await disk.inside(`mkdir ${directory}/${name}; cp ${dataDir}/usage.db* ${directory}/${name}/`)
      return contentOf(`${directory}/${name}/usage.db`)
    }
    try {
      expect(await run("init_dbs")).toMatchObject({ stderr: "", code: 0 })
      await launch(2)
      expect(await run("usage_cron")).toEqual({ stdout: "", stderr: "", code: 0 })
      const before = await copy("before")
      await launch(300)
      await disk.fill()
      const { stdout, stderr, code } = await run("usage_cron")
      expect([stdout, code]).toEqual(["", 1])
      expect(stderr).toMatch(/^usage_cron: [^\n]*(disk|space)[^\n]*\n$/i)
      await disk.free()
      const after = await copy("after")
      expect(after).toEqual({ ...before, sound: "ok" })
      expect(await run("usage_cron")).toEqual({ stdout: "", stderr: "", code: 0 })
      const { rows, sound } = await copy("right")
      expect([sound, rows[0]?.length, rows[1]?.length]).toEqual(["ok", 302, 302])
    } finally {
      await disk.end()
      course.remove()
    }
  }, 60_000)
})
