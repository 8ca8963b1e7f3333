/** A launch, from process start to exit, against an endpoint that answers at once. */
import { join } from "node:path"
import { openUsersDb } from "../../lib/db/users_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { pythonWithMoto } from "../emulator/moto.ts"
import { compiledTool } from "../support/build.ts"
import { workspace } from "../support/tools.ts"
import { cannedIds, startCannedEc2 } from "./support/canned_ec2.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { medians } from "./support/timing.ts"

export const bench: Bench = {
  what: "ec2_runner and the same launch by Python's boto3",
  async run() {
    const ec2 = await startCannedEc2(0)
    // Limits out of the way: what is launched here is never seen again, and stays reserved.
    const course = workspace({
      endpoint: ec2.endpoint,
      config: { limits: { max_hourly_cost: 100_000, max_instances: 100_000, budget: 10_000_000 } },
    })
    try {
      await course.run("init_dbs")
      addStudent(course.dataDir)
      const times = await medians({
        ec2_runner: {
          command: [compiledTool("ec2_runner"), "-a", cannedIds.image, "-t", "t3.micro"],
          env: {
            HOME: course.home("cs61c-aa"),
            REAL_USERNAME: "cs61c-aa",
            EC2_WRAPPERS_CONFIG: course.configPath,
          },
        },
        boto3: {
          command: [
            pythonWithMoto(),
            join(import.meta.dir, "launch.py"),
            ec2.endpoint,
            cannedIds.image,
            cannedIds.subnet,
            cannedIds.group,
          ],
          env: { HOME: course.home("cs61c-aa"), PATH: process.env.PATH ?? "" },
        },
      })
      return [ratio("ec2_runner", times.ec2_runner, ["boto3", times.boto3], 1 / 5)]
    } finally {
      course.remove()
      ec2.stop()
    }
  },
}

function addStudent(dataDir: string): void {
  const db = openUsersDb({ path: join(dataDir, "users.db"), clock: systemClock })
  db.users.add({ login: "cs61c-aa", createdAt: "2026-08-20T00:00:00", createdBy: "cs61c-aa", password: "x" })
  db.accessKeys.add("cs61c-aa", { id: "AKIAIOSFODNN7EXAMPL2", secret: "secret" })
  db.sshKeys.put("cs61c-aa", { name: "cs61c-aa-default", privateKey: "", publicKey: "", fingerprint: "AA" })
  db.close()
}
