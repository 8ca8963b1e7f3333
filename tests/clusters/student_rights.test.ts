import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { login, openClassroom } from "./support.ts"

test("a cluster is launched, listed and deleted with what ec2_util --init gives a student, and no more", async () => {
  const room = await openClassroom({}, { initialised: true })
  try {
    const { world, calls } = room.emulator.proxy
    expect(readFileSync(join(room.home, ".hadoop-cloud/clusters.cfg"), "utf8")).toContain(
      `[${login}-testing]`,
    )
    expect((await room.hadoop("config", "check")).stdout).toContain(`[${login}-testing] is right`)
    world.knobs.enforcePolicies = true
    const launched = await room.hadoop("launch-cluster", "mine", "1", "sm", "1", "sw", "--timeout", "1s")
    expect(launched.stderr).not.toMatch(/not allowed|not authorized|UnauthorizedOperation/)
    expect(launched.stderr).toContain("2 instances of mine still run")
    expect(launched.code).toBe(4)
    const nodes = JSON.parse((await room.hadoop("list", "mine", "--json")).stdout)
    expect(nodes).toHaveLength(2)
    const key = join(room.home, `${login}-default.pem`)
    expect((await room.hadoop("ssh-config", "mine")).stdout).toContain(`IdentityFile "${key}"`)
    const console = await room.hadoop("console", "mine", "0")
    expect(console.code).toBe(0)
    const deleted = await room.hadoop("delete-cluster", "mine", "--yes")
    expect(deleted.stdout).toContain(`security group ${login}-mine deleted`)
    expect(deleted.code).toBe(0)
    // None of it with the account's own key, but what ec2-run did.
    const groupsBy = calls
      .filter(({ action }) => action === "CreateSecurityGroup")
      .map((call) => call.accessKeyId)
    const launchesBy = calls.filter(({ action }) => action === "RunInstances").map((call) => call.accessKeyId)
    expect(new Set(groupsBy).intersection(new Set(launchesBy)).size).toBe(0)
  } finally {
    room.emulator.proxy.world.knobs.enforcePolicies = false
    await room.close()
  }
})
