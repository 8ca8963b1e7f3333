/** A student's run that keeps a lock: it ends, soon, and nothing else does. Root stops runs here, as a starving cgroup would. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { dataDir, type Host, type Running, whyNoNamespaces } from "./host.ts"
import { holdOn, launcher, makeTransactionHost, recordedBy, tool } from "./transaction_host.ts"

const skipped = whyNoNamespaces() !== null
let host: Host

beforeAll(async () => {
  if (skipped) return
  host = await makeTransactionHost()
  host.sh(`sed -i 's|^staff *=.*|staff = ["cs61c", "cs61c-ta"]|' /etc/ec2-wrappers/config.toml`)
})
afterAll(() => host?.stop())

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const begun = performance.now()
  const result = await work
  return { result, ms: performance.now() - begun }
}
/** nsenter(1) stops itself when its child is stopped. */
function ended(child: Running): Promise<number> {
  child.kill("SIGCONT")
  return child.exited
}
const student = () => timed(host.as("cs61c-bb", [], [tool, "--hold", "1"]))
const staff = () => timed(host.as("cs61c-ta", [], [tool, "--hold", "1"]))
const cron = () => timed(host.as("cs61c", [], [launcher, "--hold", "1"], { env: { HOME: "/home/cs61c" } }))

describe.skipIf(skipped)("a student's run that is stopped in mid-transaction", () => {
  for (const [who, run, mostMs] of [
    ["another student", student, 5000],
    ["staff", staff, 2000],
    ["enforcement", cron, 2000],
  ] as const) {
    test(`lets ${who} through within ${mostMs} ms`, async () => {
      const { child, pid } = await holdOn(host, ["--hold", "60000"])
      host.sh(`kill -STOP ${pid}`)
      const { result, ms } = await run()
      expect(result.stderr).toContain("holding")
      expect(result.stdout).toMatch(/^committed by cs61c/)
      expect(ms).toBeLessThan(mostMs)
      await ended(child)
      expect(recordedBy(host, pid)).toBe(0)
    })
  }

  test("lets enforcement through within 3 s where every run is stopped once it has the lock", async () => {
    const stopped = host.start(
      "cs61c",
      [],
      [
        "/bin/sh",
        "-c",
        `while :; do
           for pid in $(grep -s 'POSIX.* WRITE ' /proc/locks | awk '{print $5}'); do
             case $(tr '\\0' ' ' </proc/$pid/cmdline 2>/dev/null) in *60000*) kill -STOP $pid ;; esac
           done
         done`,
      ],
    )
    const hostile = Array.from({ length: 4 }, () => host.start("cs61c-aa", [], [tool, "--hold", "60000"]))
    const more = Array.from({ length: 4 }, () => host.start("cs61c-bb", [], [tool, "--hold", "60000"]))
    const ready = "[ $(pgrep -c -U 5000 -f 60000) -ge 8 ]"
    host.sh(`for i in $(seq 100); do ${ready} && break; sleep 0.1; done; sleep 0.5`)
    const { result, ms } = await cron()
    expect(result.stdout).toBe("committed by cs61c\n")
    expect(ms).toBeLessThan(3000)
    stopped.kill("SIGKILL")
    await stopped.exited
    host.sh("pkill -KILL -U 5000 -f 60000; pkill -KILL -U 5001,5002; true")
    await Promise.all([...hostile, ...more].map(ended))
  })

  test("lets enforcement through that wants the audit log, and staff that want a login's lock", async () => {
    for (const lock of ["audit-log", "turn.lock"]) {
      const keep = await holdOn(host, ["--hold", "60000", "--lock", lock])
      host.sh(`kill -STOP ${keep.pid}`)
      const { result, ms } = await timed(
        host.as("cs61c", [], [launcher, "--hold", "1", "--record", "x"], { env: { HOME: "/home/cs61c" } }),
      )
      expect(`${lock}: ${result.stdout}`).toBe(`${lock}: committed by cs61c\n`)
      expect(ms).toBeLessThan(2000)
      host.sh(`kill -KILL ${keep.pid}; true`)
      await ended(keep.child)
    }
  })
})

describe.skipIf(skipped)("what is no student's run is never ended", () => {
  const waits = async (pid: string) => {
    const { result, ms } = await cron()
    const alive = host.sh(`kill -0 ${pid} && echo alive`).stdout
    host.sh(`kill -KILL ${pid}; true`)
    expect(result.stderr).toMatch(/is locked by another process for more than 15 s/)
    expect(alive).toBe("alive\n")
    expect(ms).toBeGreaterThan(14_000)
    expect(ms).toBeLessThan(45_000)
  }

  test("staff behind the wrapper", async () => {
    const { child, pid } = await holdOn(host, ["--hold", "60000"], { login: "cs61c-ta" })
    host.sh(`kill -STOP ${pid}`)
    await waits(pid)
    await ended(child)
  })

  test("cron, though a student has a run that is at work and a slot names its pid", async () => {
    const env = { HOME: "/home/cs61c" }
    const { child, pid } = await holdOn(host, ["--hold", "60000"], { login: "cs61c", program: launcher, env })
    host.sh(`kill -STOP ${pid}; printf '%s\\n' ${pid} > ${dataDir}/slots/5001.3`)
    const other = await holdOn(host, ["--hold", "1", "--lines", "100000"], { word: "known as" })
    await waits(pid)
    await ended(child)
    host.sh("pkill -KILL -f 'lines 100000'; true")
    await ended(other.child)
  })

  test("a process that got the pid of a run that has ended, whose slot a child keeps", async () => {
    const slot = `${dataDir}/slots/5001.2`
    // flock(1) takes the lock and ends; its pid stays in the kernel's table as long as sleep(1) has the file open
    const script = `exec 9>>${slot}; echo 1 >${slot}; sh -c "echo \\$\\$; exec flock 9"; sleep 60 >/dev/null 2>&1 &`
    const recorded = host.sh(`${host.shared}/act gid=5000 uid=5000 -- /bin/sh -c '${script}'`).stdout.trim()
    expect(Number(recorded)).toBeGreaterThan(0)
    const env = { HOME: "/home/cs61c" }
    host.sh(`echo ${Number(recorded) - 1} > /proc/sys/kernel/ns_last_pid`)
    const { child, pid } = await holdOn(host, ["--hold", "60000"], { login: "cs61c", program: launcher, env })
    expect(pid).toBe(recorded)
    await waits(pid)
    await ended(child)
    host.sh("pkill -KILL -x sleep; true")
  })

  test("a process that has the holder's pid in a pid namespace of its own, as in a container", async () => {
    const { child, pid } = await holdOn(host, ["--hold", "60000"])
    host.sh(`kill -STOP ${pid}`)
    const { stdout } = await host.run(`unshare --pid --fork --mount-proc sh -c '
      echo ${Number(pid) - 1} > /proc/sys/kernel/ns_last_pid
      sleep 60 & echo innocent $!
      ${host.shared}/act gid=5000 uid=5000 env=HOME=/home/cs61c -- ${launcher} --hold 1 2>&1
      kill -0 $! && echo alive; kill $!'`)
    expect(stdout).toContain(`innocent ${pid}\n`)
    expect(stdout).toContain("is locked by another process for more than 15 s")
    expect(stdout).toEndWith("alive\n")
    expect(host.sh(`kill -0 ${pid} && echo alive`).stdout).toBe("alive\n")
    host.sh(`kill -KILL ${pid}`)
    await ended(child)
  })
})
