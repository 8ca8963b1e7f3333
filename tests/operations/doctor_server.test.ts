/** doctor, and the config that hosts agree on, over a ledger in PostgreSQL. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { PostgresSettings } from "../../lib/base/database.ts"
import type { Finding } from "../../lib/operations/doctor/finding.ts"
import { type PostgresServer, postgresBinaries, startServer } from "../support/postgres.ts"
import { noteSkipped } from "../support/skips.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
let server: PostgresServer
let database: PostgresSettings
let course: Workspace
beforeAll(() => {
  if (!postgresBinaries) return noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
  server = startServer()
})
afterAll(() => server?.remove())
beforeEach(() => {
  database = server.newDatabase()
  course = workspace({ server: database })
})
afterEach(() => course.remove())

async function examine() {
  const { stdout, stderr } = await course.run("doctor", ["--offline", "--json"])
  const { findings } = JSON.parse(stdout || stderr) as { findings: Finding[] }
  return (what: string) => findings.filter((finding) => finding.what.includes(what))
}

describeOrSkip("doctor on a server's ledger", () => {
  test("says what is missing before init_dbs, and what the server is after it", async () => {
    server.newDatabase() // the role owns another one
    expect((await examine())(database.name)[0]).toMatchObject({ level: "error", found: "has no schema yet" })
    const made = await course.run("init_dbs")
    expect([made.stderr, made.code]).toEqual(["", 0])
    const about = await examine()
    expect(about(database.name).map(({ level, what }) => [level, what.replace(/^.*: /, "")])).toEqual([
      ["ok", `database ${database.name}`],
      ["warning", "role"],
      ["warning", "role"],
      ["warning", "standby"],
      ["warning", "backup"],
      ["ok", "clock"],
    ])
    expect(about("users.db")).toEqual([])
    expect(about("config of all hosts")[0]?.level).toBe("ok")
    expect((await course.run("backup_dbs")).stderr).toContain("the server's administrator backs it up")
  }, 120_000)

  test("a host whose config differs finds the keys, and can make its own hold", async () => {
    await course.run("init_dbs")
    expect((await course.run("doctor", ["--accept-config"])).stdout).toContain("is this one's")
    course.configure({ limits: { budget: 7 } })
    const [differs] = (await examine())("config of all hosts")
    expect(differs).toMatchObject({
      level: "error",
      found: "this host differs in limits.budget, and launches nothing",
    })
    expect((await course.run("doctor", ["--accept-config"])).stdout).toContain(
      "which has other limits.budget",
    )
    expect((await examine())("config of all hosts")[0]?.level).toBe("ok")
  }, 120_000)

  test("a server that is away is one finding, not a crash", async () => {
    await course.run("init_dbs")
    server.stop("fast")
    try {
      expect((await examine())(database.name)[0]?.found).toContain("cannot be reached")
      const report = await course.run("usage_report", ["ALL", "--offline"])
      expect(report.stderr).toContain(`usage_report: database ${database.name}: cannot be reached`)
      expect(report.stderr.trim().split("\n").length).toBe(1)
      expect(report.code).toBe(1)
    } finally {
      server.start()
    }
  }, 120_000)
})
