import { afterAll, expect, test } from "bun:test"
import { join } from "node:path"
import { startEmulator } from "../support/emulator.ts"
import { pythonWithMoto } from "./moto.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())

test("boto3, with its own waiters and paginators, reads the same from the proxy as from AWS", async () => {
  const script = join(import.meta.dir, "boto3_day.py")
  const child = Bun.spawn([pythonWithMoto(), script, emulator.endpoint, emulator.fixtures.image], {
    stdout: "pipe",
    stderr: "inherit",
  })
  expect(JSON.parse((await new Response(child.stdout).text()) || "null")).toEqual({
    launchedOnce: true,
    paged: [5, 1],
    stop: ["running", "stopping"],
    spotRequests: ["active"],
    lifecycle: "spot",
    mismatch: "IdempotentParameterMismatch",
    users: ["ab"],
    simulated: ["allowed", "implicitDeny"],
    events: [true],
    systems: ["Linux", "RHEL", "SUSE", "Windows"],
    spotPrices: 5,
    quota: "L-1216C47A",
  })
})
