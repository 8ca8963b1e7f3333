import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utcMsOf } from "../../../lib/base/time.ts"
import { systemClock } from "../../../lib/host/clock.ts"
import { withLoginLock } from "../../../lib/host/processes/login_lock.ts"

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "lock-"))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

const interrupt = new AbortController().signal
const locked = <T>(login: string, work: () => Promise<T>, clock = systemClock) =>
  withLoginLock(dataDir, login, { clock, interrupt }, work)

describe("the lock of a login", () => {
  test("lets one work at a time for a login, and others meanwhile", async () => {
    const order: string[] = []
    const release = Promise.withResolvers<void>()
    const entered = Promise.withResolvers<void>()
    const first = locked("cs61c-aa", async () => {
      entered.resolve()
      await release.promise
      order.push("first")
    })
    await entered.promise
    const second = locked("cs61c-aa", async () => order.push("second"))
    await locked("cs61c-ab", async () => order.push("another's"))
    release.resolve()
    await Promise.all([first, second])
    expect(order).toEqual(["another's", "first", "second"])
    expect(statSync(join(dataDir, "locks")).mode & 0o777).toBe(0o700)
  })

  test("is given up on after two minutes, with a word on who holds it", async () => {
    let now = 0
    const clock = {
      now: () => utcMsOf(now),
      sleep: async (ms: number) => {
        now += ms
      },
    }
    const refused = locked("cs61c-aa", () => locked("cs61c-aa", async () => {}, clock))
    await expect(refused).rejects.toThrow("another command for cs61c-aa has been running for 120 s")
  })

  test("goes with a process that is killed", async () => {
    const program = `
      import { withLoginLock } from "${join(import.meta.dir, "../../../lib/host/processes/login_lock.ts")}"
      import { systemClock as clock } from "${join(import.meta.dir, "../../../lib/host/clock.ts")}"
      const interrupt = new AbortController().signal
      await withLoginLock(${JSON.stringify(dataDir)}, "cs61c-aa", { clock, interrupt }, () => {
        console.log("held")
        return new Promise(() => setInterval(() => {}, 1000))
      })`
    const child = Bun.spawn(["bun", "-e", program], { stdout: "pipe" })
    const reader = child.stdout.getReader()
    await reader.read()
    child.kill("SIGKILL")
    expect(await locked("cs61c-aa", async () => "taken")).toBe("taken")
  })
})
