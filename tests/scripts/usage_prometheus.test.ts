/** `usage_report --prometheus`, read back by Prometheus's own parser, and the file as node_exporter needs it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pythonWithMoto } from "../emulator/moto.ts"
import { root } from "../support/build.ts"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { noteSkipped } from "../support/skips.ts"
import { type Workspace, workspace } from "../support/tools.ts"

interface Family {
  name: string
  type: string
  help: string
  samples: [name: string, labels: Record<string, string>, value: number][]
}

function parsed(text: string): Family[] {
  const reader = join(root, "tests", "support", "prometheus_samples.py")
  const { stdout, stderr, success } = Bun.spawnSync([pythonWithMoto(), reader], { stdin: Buffer.from(text) })
  if (!success) throw new Error(stderr.toString())
  return JSON.parse(stdout.toString())
}

const hasParser = Bun.spawnSync([pythonWithMoto(), "-c", "import prometheus_client"]).success
if (!hasParser)
  noteSkipped("metrics read by Prometheus's own parser: the Python here has no prometheus_client")

let course: Workspace
let directory: string
let file: string
beforeEach(() => {
  // Nothing listens there.
  course = workspace({ endpoint: "http://127.0.0.1:9", config: oldRules })
  directory = course.home("metrics")
  file = join(directory, "ec2.prom")
})
afterEach(() => course.remove())

const report = (...args: string[]) => course.run("usage_report", args)

describe.skipIf(!hasParser)("the metrics, read by Prometheus's own parser", () => {
  test("are gauges with a help text each, and what JSON says of every user", async () => {
    putOldDatabase(course)
    expect(await report("--prometheus", file)).toEqual({ stdout: "", stderr: "", code: 0 })
    const families = parsed(readFileSync(file, "utf8"))
    expect(families.map(({ name, type }) => `${type} ${name.replace("ec2_wrappers_", "")}`)).toEqual([
      ...["gauge spent_lowest_dollars", "gauge spent_highest_dollars", "gauge unpriced_charges"],
      ...["gauge budget_dollars", "gauge running_instances", "gauge last_snapshot_timestamp_seconds"],
    ])
    for (const { help } of families) expect(help).toMatch(/^[A-Z].+\.$/)
    const { users } = JSON.parse((await report("ALL", "--json")).stdout)
    // The phantom of the old tools runs until now.
    const settled = users.filter(({ user }: { user: string }) => user !== "cs61c-ad")
    expect(settled.length).toBeGreaterThan(3)
    const [lowest, highest, unpriced, budget] = families.map(({ samples }) =>
      Object.fromEntries(samples.map(([, { user = "" }, value]) => [user, value])),
    )
    for (const { user, lowest_usd, highest_usd, ...others } of settled) {
      expect([user, lowest?.[user], highest?.[user]]).toEqual([user, lowest_usd, highest_usd])
      expect([user, unpriced?.[user], budget?.[user]]).toEqual([user, others.unpriced, 100])
    }
  })

  test("have every label as it is, whatever is in a name", async () => {
    const odd = 'a"b\\c\nd}, e="f\\n'
    putOldDatabase(
      course,
      `INSERT INTO instances VALUES ('i-odd', 'm1.small', 2455501.5, 2455501.6, '1', 0, '${odd}')`,
    )
    const { stdout, code } = await report("--prometheus", "-")
    expect(code).toBe(0)
    const spent = parsed(stdout).find(({ name }) => name === "ec2_wrappers_spent_highest_dollars")
    expect(spent?.samples.find(([, { user }]) => user === odd)?.[2]).toBe(0.255)
  })

  test("of an empty database are families without samples", async () => {
    await course.run("init_dbs")
    await report("--prometheus", file)
    expect(parsed(readFileSync(file, "utf8")).flatMap(({ samples }) => samples)).toEqual([])
  })
})

describe("the metrics' file", () => {
  test("can be read by node_exporter, whatever the umask, and ends with a line's end", async () => {
    putOldDatabase(course)
    const before = process.umask(0o077)
    try {
      await report("--prometheus", file)
    } finally {
      process.umask(before)
    }
    expect(statSync(file).mode & 0o777).toBe(0o644)
    expect(readFileSync(file, "utf8")).toEndWith("\n")
  })

  test("is replaced at once: who has the old one open reads it to its end, and nothing is left beside", async () => {
    putOldDatabase(course)
    const old = "# what was there before\n".repeat(1000)
    writeFileSync(file, old)
    const open = openSync(file, "r")
    await report("--prometheus", file)
    expect(readFileSync(open, "utf8")).toBe(old)
    closeSync(open)
    expect(readFileSync(file, "utf8")).toStartWith("# HELP ec2_wrappers_spent_lowest_dollars")
    expect(readdirSync(directory)).toEqual(["ec2.prom"])
  })

  test("stays as it was where it cannot be written, and one line says so", async () => {
    putOldDatabase(course)
    writeFileSync(file, "as it was\n")
    const { stdout, stderr, code } = await report("--prometheus", join(file, "below.prom"))
    expect(stderr).toMatch(/^usage_report: write [^\n]+below\.prom: [^\n]+\n$/)
    expect([stdout, code]).toEqual(["", 1])
    // A directory stands where the file should be.
    const other = await report("--prometheus", directory)
    expect(other.stderr).toMatch(/^usage_report: write [^\n]+\n$/)
    expect(other.code).toBe(1)
    expect(readFileSync(file, "utf8")).toBe("as it was\n")
    expect(readdirSync(course.directory).filter((name) => name.endsWith(".tmp"))).toEqual([])
    expect(readdirSync(join(course.directory, "home")).filter((name) => name.endsWith(".tmp"))).toEqual([])
  })
})
