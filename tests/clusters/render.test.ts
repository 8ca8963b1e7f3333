import { expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { finished, workspace } from "../support/tools.ts"

const fixtures = join(import.meta.dir, "..", "fixtures", "clusters")

/** What `render` says, with no network and no account: as it is checked in. `UPDATE_FIXTURES=1` writes it afresh. */
test.each([
  ["default", ["words", "3", "--client-cidr", "203.0.113.7"]],
  [
    "old-roles-spot",
    [
      "words",
      "1",
      "nn,snn,jt",
      "10",
      "dn,tt",
      "--use-spot",
      "--max-price",
      "0.05",
      "--open-ui",
      "--client-cidr",
      "203.0.113.0/24",
    ],
  ],
  [
    "spark-only",
    [
      "words",
      "1",
      "sm,shs",
      "2",
      "sw",
      "-e",
      "SPARK_VERSION=3.5.8",
      "--lease",
      "2h",
      "--client-cidr",
      "203.0.113.7",
    ],
  ],
])("render is as checked in: %s", async (name, args) => {
  const course = workspace({ endpoint: "http://127.0.0.1:9" })
  try {
    const { stdout, code } = await finished(
      course.start("hadoop_ec2", ["render", ...args], { as: "cs61c-ab" }),
    )
    expect(code).toBe(0)
    const path = join(fixtures, `render-${name}.txt`)
    if (process.env.UPDATE_FIXTURES && !process.env.CI) {
      mkdirSync(fixtures, { recursive: true })
      writeFileSync(path, stdout)
    }
    expect(existsSync(path)).toBe(true)
    expect(stdout).toBe(readFileSync(path, "utf8"))
  } finally {
    course.remove()
  }
})
