/** cron's snapshot of an account, beside a boto3 and sqlite3 script that does the same; and what it needs of memory. */
import { join } from "node:path"
import { pythonWithMoto } from "../emulator/moto.ts"
import { compiledTool } from "../support/build.ts"
import { type Workspace, workspace } from "../support/tools.ts"
import { type CannedEc2, startCannedEc2 } from "./support/canned_ec2.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { medians, run } from "./support/timing.ts"

const instances = 10_000

export const bench: Bench = {
  what: `usage_cron over ${instances.toLocaleString("en")} instances in pages of 1,000, into a database that knows them`,
  async run() {
    const [small, large] = await Promise.all([startCannedEc2(instances), startCannedEc2(4 * instances)])
    const [course, larger] = [
      workspace({ endpoint: small.endpoint }),
      workspace({ endpoint: large.endpoint }),
    ]
    try {
      for (const each of [course, larger]) await each.run("init_dbs")
      const times = await medians(
        { usage_cron: cron(course), boto3: script(course, small) },
        { rounds: 5, warmups: 1 },
      )
      run("usage_cron", cron(larger)) // makes the rows, as the others have
      const [few, many] = [run("usage_cron", cron(course)).peakMiB, run("usage_cron", cron(larger)).peakMiB]
      return [
        ratio("usage_cron", times.usage_cron, ["boto3 and sqlite3", times.boto3], 1 / 4),
        {
          what: "memory for four times the pages",
          measured: `${many.toFixed(0)} MiB`,
          reference: `${few.toFixed(0)} MiB`,
          value: many / few,
          target: 1.2,
        },
      ]
    } finally {
      for (const each of [course, larger]) each.remove()
      for (const each of [small, large]) each.stop()
    }
  },
}

function cron(course: Workspace) {
  const env = { HOME: course.home("cs61c"), REAL_USERNAME: "cs61c", EC2_WRAPPERS_CONFIG: course.configPath }
  return { command: [compiledTool("usage_cron")], env }
}

function script(course: Workspace, ec2: CannedEc2) {
  return {
    command: [
      pythonWithMoto(),
      join(import.meta.dir, "snapshot.py"),
      ec2.endpoint,
      join(course.directory, "boto3.db"),
    ],
    env: { HOME: course.home("cs61c"), PATH: process.env.PATH ?? "" },
  }
}
