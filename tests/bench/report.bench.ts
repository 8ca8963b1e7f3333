/** Reports over an old database of a whole department: on everybody, and on one of its users. */
import { join } from "node:path"
import { compiledTool } from "../support/build.ts"
import { workspace } from "../support/tools.ts"
import { login } from "./support/canned_ec2.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { helloWorld } from "./support/hello.ts"
import { medians } from "./support/timing.ts"

const [instances, users] = [100_000, 676]

export const bench: Bench = {
  what: `usage_report over ${instances.toLocaleString("en")} instances of ${users} users`,
  async run() {
    const course = workspace()
    const database = join(course.dataDir, "usage.db")
    try {
      await fill(database)
      const initialised = await course.run("init_dbs", [], { compiled: true })
      if (initialised.code !== 0) throw new Error(initialised.stderr)
      const env = {
        HOME: course.home("cs61c"),
        REAL_USERNAME: "cs61c",
        EC2_WRAPPERS_CONFIG: course.configPath,
      }
      const report = (...args: string[]) => ({ command: [compiledTool("usage_report"), ...args], env })
      const times = await medians({
        all: report("ALL"),
        one: report(login(0), "--offline"),
        views: {
          command: ["python3", join(import.meta.dir, "support/old_sums.py"), database, "views"],
        },
        hello: { command: [await helloWorld()] },
      })
      return [
        ratio("usage_report ALL", times.all, ["the views of 2010 in SQL", times.views], 1 / 2),
        ratio("usage_report USER --offline", times.one, ["hello world", times.hello], 3),
      ]
    } finally {
      course.remove()
    }
  },
}

/** A usage.db as the tools of 2010 made and left it; init_dbs takes it over. */
async function fill(path: string): Promise<void> {
  const { Database } = await import("bun:sqlite")
  const db = new Database(path)
  db.run("PRAGMA synchronous = off")
  db.run(`CREATE TABLE instances(instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL, end_time REAL NULL,
    last_seen TEXT, is_spot BOOLEAN, username TEXT)`)
  const insert = db.query("INSERT INTO instances VALUES (?, ?, ?, ?, ?, ?, ?)")
  const types = ["m1.small", "m1.large", "c1.medium", "t1.micro"]
  db.transaction(() => {
    for (let index = 0; index < instances; index += 1) {
      const start = 2_455_500 + (index % 9000) / 100
      const end = start + ((index * 7919) % 500) / 1000
      const id = `i-${index.toString(16).padStart(8, "0")}`
      insert.run(id, types[index % 4] ?? "", start, end, String(end), index % 5 === 0, login(index % users))
    }
  })()
  db.close()
  await Bun.$`chmod 600 ${path}`
}
