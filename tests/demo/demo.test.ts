import { expect, test } from "bun:test"
import { join } from "node:path"

test("npm run demo goes through the day without a surprise", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts")], {
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  expect(stderr).toBe("")
  expect(stdout).toEndWith("\nThat was a day. Nothing runs any more, and nothing was left behind.\n")
  expect(await child.exited).toBe(0)
}, 300_000)
