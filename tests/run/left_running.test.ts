import { expect, test } from "bun:test"
import { endProcessesWith, processesWith } from "./left_running.ts"

test("finds and ends what carries the run's mark, and nothing else", async () => {
  const mark = `left-running-test-${process.pid}`
  const start = (value: string) =>
    Bun.spawn(["sleep", "300"], { env: { PATH: "/usr/bin:/bin", TEST_RUN_MARK: value } })
  const [marked, other] = [start(mark), start(`${mark}0`)]
  try {
    expect(processesWith(mark)).toEqual([{ pid: marked.pid, command: "sleep 300" }])
    expect(endProcessesWith(mark)).toEqual([{ pid: marked.pid, command: "sleep 300" }])
    await marked.exited
    expect(processesWith(mark)).toEqual([])
    expect(other.killed).toBe(false)
  } finally {
    marked.kill()
    other.kill()
  }
})
