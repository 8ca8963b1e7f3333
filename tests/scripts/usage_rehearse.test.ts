/** usage_report --rehearse: a course's day against another config. */
import { afterAll, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { courseDay } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
const day = await courseDay(emulator)
afterAll(async () => {
  day.close()
  await emulator.stop()
})

test("says what another config would have refused, what it saves, and what it cannot know", async () => {
  const [first = ""] = await day.launch()
  const [second = ""] = await day.launch()
  const other = join(day.course.directory, "other.toml")
  const config = readFileSync(day.course.configPath, "utf8")
  writeFileSync(other, config.replace(/^max_instances = .*$/m, "max_instances = 1"), { mode: 0o600 })
  const rehearse = (...args: string[]) => day.run("usage_report", args, { as: "cs61c" })
  const { stdout, stderr, code } = await rehearse("--rehearse", other)
  expect([stderr, code]).toEqual(["", 0])
  const lines = stdout.split("\n")
  expect(lines[0]).toMatch(/^\S+Z cs61c-aa i-\w+ \(m1.small\) refused: 2 instances, limit 1; cost \$0\.\d\d/)
  expect([first, second].some((id) => lines[0]?.includes(id))).toBe(true)
  expect(lines[1]).toBe("1 start of 2 refused, of 1 login; 0 runs ended earlier")
  expect(stdout).toContain("\nnot known: whether a refused student would have asked for less, or later")
  const json = JSON.parse((await rehearse("--rehearse", other, "--json")).stdout)
  expect([json.starts, json.refused.length, json.cut]).toEqual([2, 1, []])
  expect((await rehearse("--rehearse", day.course.configPath)).stdout).toContain("0 starts of 2 refused")
  const student = await day.run("usage_report", ["--rehearse", other])
  expect(student.code).toBe(3)
  expect((await rehearse("cs61c-aa", "--rehearse", other)).code).toBe(2)
})
