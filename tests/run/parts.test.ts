import { expect, test } from "bun:test"
import { chunksUntilExit } from "./parts.ts"

test("a process's whole output is read although another one holds its pipe open", async () => {
  // sleep is what a test left behind: it has the same stdout.
  const script =
    'echo "$$ leaves"; sleep 300 & echo "$!"; head -c 300000 /dev/zero | tr "\\\\0" x; echo; echo last'
  const child = Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "pipe", stderr: "inherit" })
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of chunksUntilExit(child)) text += decoder.decode(chunk, { stream: true })
  process.kill(Number(text.split("\n")[1]))
  expect(text).toEndWith("x\nlast\n")
  expect(text.length).toBeGreaterThan(300_000)
  expect(await child.exited).toBe(0)
})
