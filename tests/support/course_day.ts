/** A course with two students on an emptied emulator, and the calls that tests of launching make all the time. */
import { DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2"
import type { PostgresSettings } from "../../lib/base/database.ts"
import type { UsageDb } from "../../lib/db/usage_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { usageDbAt } from "./databases.ts"
import type { Emulator } from "./emulator.ts"
import { addStudents } from "./students.ts"
import { type ConfigChanges, type Finished, type RunOptions, type Workspace, workspace } from "./tools.ts"

export interface CourseDay {
  course: Workspace
  run(tool: string, args?: string[], options?: RunOptions): Promise<Finished>
  /** By the first student; returns the ids that it printed. */
  launch(...args: string[]): Promise<string[]>
  /** What the emulator has, terminated ones left out. */
  running(): Promise<Instance[]>
  usageDb(): UsageDb
  close(): void
}

export const student = "cs61c-aa"
/** Of m1.small, in US$ per hour. */
const smallPrice = 0.085

export async function courseDay(
  emulator: Emulator,
  config: ConfigChanges = {},
  logins: string[] = [student, "cs61c-ab"],
  server?: PostgresSettings,
): Promise<CourseDay> {
  await emulator.reset()
  // A pending instance cannot be stopped, and these tests do not wait.
  emulator.proxy.world.knobs.pendingMs = 0
  const prices = {
    prices: { on_demand: { "m1.small": smallPrice, "m1.large": 0.17 } },
  } as unknown as ConfigChanges
  const course = workspace({
    endpoint: emulator.endpoint,
    config: { ...prices, ...config },
    ...(server && { server }),
  })
  const made = await course.run("init_dbs")
  if (made.code !== 0) throw new Error(made.stderr)
  await addStudents(course, emulator, logins)
  const opened: UsageDb[] = []
  const run: CourseDay["run"] = (tool, args = [], options = {}) =>
    course.run(tool, args, { as: student, ...options })
  return {
    course,
    run,
    async launch(...args) {
      const { stdout, stderr, code } = await run("ec2_runner", [
        "-a",
        emulator.fixtures.image,
        "-t",
        "m1.small",
        ...args,
      ])
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout)
    },
    async running() {
      const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({}))
      const all = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])
      return all.filter(({ State }) => State?.Name !== "terminated" && State?.Name !== "shutting-down")
    },
    usageDb() {
      const usageDb = usageDbAt({ path: `${course.dataDir}/usage.db`, clock: systemClock })
      opened.push(usageDb)
      return usageDb
    },
    close() {
      for (const usageDb of opened) usageDb.close()
      course.remove()
    },
  }
}
