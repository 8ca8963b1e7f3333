import { expect, test } from "bun:test"
import { join } from "node:path"
import { finished } from "../support/tools.ts"

test("npm run demo goes through the day without a surprise", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts")], {
    stdout: "pipe",
    stderr: "pipe",
  })
  const { stdout, stderr, code } = await finished(child)
  expect(stderr).toBe("")
  expect(stdout).toEndWith("\nThat was a day. Nothing runs any more, and nothing was left behind.\n")
  expect(code).toBe(0)
}, 300_000)
