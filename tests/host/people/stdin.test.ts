import { expect, test } from "bun:test"
import { join } from "node:path"

const lib = join(import.meta.dir, "../../../lib")

/** Reads stdin in a process of its own; prints how much memory that took, and what was read. */
async function readingMemory(
  program: string,
  send: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
) {
  const child = Bun.spawn([process.execPath, "-e", program], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  await send(async (bytes) => {
    child.stdin.write(bytes)
    await child.stdin.flush()
  })
  await child.stdin.end()
  return JSON.parse(await new Response(child.stdout).text()) as { mib: number; length: number }
}

const byteByByte = (count: number) => async (write: (bytes: Uint8Array) => Promise<void>) => {
  for (let i = 0; i < count; i++) {
    await write(Uint8Array.of(97))
    if (i % 16 === 0) await Bun.sleep(0)
  }
}

test("stdin that comes byte by byte takes no more memory than at once", async () => {
  const program = `
    import { readStdin } from ${JSON.stringify(join(lib, "host/people/stdin.ts"))}
    import { systemClock } from ${JSON.stringify(join(lib, "host/clock.ts"))}
    const before = process.memoryUsage.rss()
    const { length } = await readStdin(systemClock, { mostBytes: 300_000 })
    console.log(JSON.stringify({ mib: (process.memoryUsage.rss() - before) / 2 ** 20, length }))`
  const { mib, length } = await readingMemory(program, byteByByte(20_000))
  expect(length).toBe(20_000)
  expect(mib).toBeLessThan(50)
})
