import { afterAll, describe, expect, test } from "bun:test"
import { readFileSync, statSync } from "node:fs"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { startEmulator } from "./emulator.ts"
import { workspace } from "./tools.ts"

const emulator = await startEmulator()
const course = workspace({ endpoint: emulator.endpoint })
afterAll(async () => {
  course.remove()
  await emulator.stop()
})

describe("the emulator", () => {
  test("launches the image of the fixtures and forgets it at a reset", async () => {
    const { image } = emulator.fixtures
    const request = { ImageId: image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 } as const
    const { Instances } = await emulator.ec2.send(new RunInstancesCommand(request))
    expect(Instances).toHaveLength(1)
    await emulator.reset()
    expect(emulator.fixtures.image).toBe(image)
  })
})

describe("a workspace", () => {
  test("keeps what it holds from others", () => {
    for (const path of [course.dataDir, course.configPath, `${course.dataDir}/root-access-key`]) {
      expect(statSync(path).mode & 0o077).toBe(0)
    }
  })

  test("runs a tool as a login of its own", async () => {
    const { stdout, stderr, code } = await course.run("init_dbs", ["--version"], { as: "cs61c-ab" })
    expect(stderr).toBe("")
    expect(stdout).toStartWith("init_dbs ")
    expect(code).toBe(0)
  })

  test("merges changes into the config", () => {
    course.configure({ limits: { max_instances: 3 } })
    expect(readFileSync(course.configPath, "utf8")).toContain("max_instances = 3")
    expect(readFileSync(course.configPath, "utf8")).toContain("max_hourly_cost = 5.1")
  })
})
