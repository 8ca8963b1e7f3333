/** doctor and the instances that EC2 refuses to end. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { ModifyInstanceAttributeCommand } from "@aws-sdk/client-ec2"
import type { Finding } from "../../lib/operations/doctor/finding.ts"
import { checkProtection } from "../../lib/operations/doctor/protection.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"

let emulator: Emulator
let day: CourseDay
beforeAll(async () => {
  emulator = await startEmulator()
  day = await courseDay(emulator)
})
afterAll(async () => {
  day?.close()
  await emulator?.stop()
})

async function found(): Promise<Finding[]> {
  const { stdout } = await day.run("doctor", ["--json"], { as: "cs61c" })
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  return findings.filter(({ what }) => what === "protected instances")
}

test("doctor names each leased instance that EC2 protects, and from what", async () => {
  const [free = "", kept = ""] = [...(await day.launch()), ...(await day.launch())]
  expect(await found()).toMatchObject([{ level: "ok", found: "none of 2 leases" }])
  await emulator.ec2.send(
    new ModifyInstanceAttributeCommand({ InstanceId: kept, DisableApiTermination: { Value: true } }),
  )
  expect(await found()).toMatchObject([
    {
      level: "warning",
      found: `${kept} of ${student} is protected from termination: the scheduler cannot end it`,
    },
  ])
  await emulator.ec2.send(
    new ModifyInstanceAttributeCommand({ InstanceId: free, DisableApiStop: { Value: true } }),
  )
  expect((await found()).map((finding) => finding.found).sort()).toEqual(
    [
      `${free} of ${student} is protected from stop: the scheduler cannot end it`,
      `${kept} of ${student} is protected from termination: the scheduler cannot end it`,
    ].sort(),
  )
})

test("doctor asks about the 200 leases that end last, and says of how many", async () => {
  const asked: string[] = []
  const protections = async (id: string) => {
    asked.push(id)
    return []
  }
  const leases = Array.from({ length: 450 }, (_, i) => ({
    ...{ instanceId: `i-${i}`, login: student, region: "us-east-1" },
    endsAtUtcMs: i as never,
  }))
  const findings = await checkProtection({ aws: { ec2: async () => ({ protections }) } as never, leases })
  expect(findings).toMatchObject([{ level: "ok", found: "none of the 200 leases that end last, of 450" }])
  expect(asked.toSorted()).toEqual(
    leases
      .slice(250)
      .map(({ instanceId }) => instanceId)
      .toSorted(),
  )
})
