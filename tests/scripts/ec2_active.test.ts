/** ec2_active as its callers see it. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { isoUtc, utcMsOf } from "../../lib/base/time.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const active = (...args: string[]) => day.run("ec2_active", args)

describe("ec2_active", () => {
  test("shows username, instances, spot requests and how to end them", async () => {
    const [id = ""] = await day.launch()
    const { stdout, stderr, code } = await active()
    expect(stderr).toBe("")
    const lines = stdout.split("\n")
    expect(lines[0]).toBe(`Username: ${student}`)
    expect(lines[1]).toMatch(/^ID +Type +Running for +Public host name +Security groups/)
    expect(lines[2]).toContain(id)
    expect(lines[2]).toMatch(/m1\.small .* ec2-wrappers-cs61c-aa-[0-9a-f]{8} /)
    expect(lines[3]).toBe("1 instance")
    expect(stdout).toContain("0 spot requests\n")
    expect(stdout).toContain("--terminate-all")
    expect(code).toBe(0)
  })

  test("defect: it crashed as soon as it had anything to show or to terminate", async () => {
    await day.launch("-c", "2")
    expect((await active()).code).toBe(0)
    const { stdout, code } = await active("--terminate-all")
    expect(stdout).toContain("Terminating i-")
    expect(code).toBe(0)
    expect(await day.running()).toEqual([])
  })

  test("says what it ended, also where EC2 refuses to end another", async () => {
    const [first = "", second = ""] = await day.launch("-c", "2")
    const protects = {
      kind: "throttle",
      action: "TerminateInstances",
      times: Number.POSITIVE_INFINITY,
    } as const
    emulator.proxy.faults.add({ ...protects, matches: ({ body }) => body.includes(second) })
    const { stdout, stderr, code } = await active("--terminate-all")
    expect(stdout).toEndWith(`Terminating ${first} (m1.small)\n`)
    expect(stderr).toStartWith(`ec2_active: terminate: ${second}: `)
    expect(code).toBe(1)
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([second])
  })

  test("says what it started, also where the next one is refused", async () => {
    const ids = await day.launch("-c", "2")
    await active("--stop", ...ids)
    await emulator.proxy.advance(120_000)
    const [first = "", second = ""] = ids
    await day.run("ec2_active", ["--terminate", second])
    const { stdout, stderr, code } = await active("--start", first, second)
    expect(stdout).toStartWith(`Starting ${first}, its lease ends at `)
    expect(stderr).toStartWith(`ec2_active: ${second}: is `)
    expect(code).toBe(3)
  })

  test("has ended an instance whose switch could not be removed", async () => {
    day.course.configure({ leases: { scheduler_role: "arn:aws:iam::123456789012:role/switch" } })
    const [id = ""] = await day.launch()
    emulator.proxy.faults.add({ kind: "unavailable", service: "scheduler", times: Number.POSITIVE_INFINITY })
    const { stdout, code } = await active("--terminate", id)
    expect(stdout).toStartWith(`Terminating ${id} (m1.small)\n${id}: its termination schedule is behind (`)
    expect(code).toBe(0)
  })

  test("shows and ends what the old tools launched, and never another student's", async () => {
    const launch = async (KeyName: string) => {
      const request = {
        ImageId: emulator.fixtures.image,
        InstanceType: "t3.micro",
        MinCount: 1,
        MaxCount: 1,
      } as const
      const { Instances } = await emulator.ec2.send(new RunInstancesCommand({ ...request, KeyName }))
      return Instances?.[0]?.InstanceId ?? ""
    }
    const own = await launch(`${student}-default`)
    const other = await launch("cs61c-ab-default")
    const { stdout } = await active()
    expect(stdout).toContain(own)
    expect(stdout).not.toContain(other)
    const refused = await active("--terminate", other)
    expect(refused.stderr).toBe(`ec2_active: ${other}: is not an instance of ${student}\n`)
    expect(refused.code).toBe(3)
    await active("--terminate-all")
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([other])
  })

  test("--wait in a pipe says when it is done", async () => {
    const [id = ""] = await day.launch()
    const { stderr, code } = await active("--terminate", id, "--wait")
    expect(stderr).toMatch(/^1 instance terminated after \d+ s\n$/m)
    expect(code).toBe(0)
  })

  test("terminates only what is named, and shows it first in a dry run", async () => {
    const ids = await day.launch("-c", "2")
    const [first = ""] = ids
    const dry = await active("--terminate", first, "--dry-run")
    expect(dry.stdout).toBe(`Would terminate ${first} (m1.small)\n`)
    expect(await day.running()).toHaveLength(2)
    expect((await active("--terminate", first, "--wait")).code).toBe(0)
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([ids[1]])
  })

  test("stops, and starts again through the same admission", async () => {
    const [id = ""] = await day.launch()
    expect((await active("--stop", id, "--wait")).stdout).toBe(`Stopping ${id} (m1.small)\n`)
    day.course.configure({ limits: { max_hourly_cost: 0.01 } })
    const refused = await active("--start", id)
    expect(refused.stderr).toBe(
      `ec2_active: ${id}: 1 started again at $0.085/h = $0.085/h, limit $0.01/h\nask for more: ec2-util --request max_hourly_cost=0.09 --reason "why you need it"\n`,
    )
    expect(refused.code).toBe(3)
    day.course.configure({ limits: { instance_types: ["t3.*"] } })
    const ofNoType = await active("--start", id)
    expect(ofNoType.stderr).toBe(`ec2_active: ${id}: type m1.small is not allowed, only t3.*\n`)
    expect(ofNoType.code).toBe(3)
    day.course.configure({})
    const started = await active("--start", id, "--wait")
    expect(started.stderr.split("\n").at(-1)).toBe("")
    expect(started.stdout).toStartWith(`Starting ${id}, its lease ends at `)
    expect((await day.running())[0]?.State?.Name).toBe("running")
  })

  test("--together starts all by one admission, or none", async () => {
    const ids = await day.launch("-c", "2")
    const states = async () => (await day.running()).map(({ State }) => State?.Name)
    await active("--stop", ...ids, "--wait")
    day.course.configure({ limits: { budget: 0.7 } })
    const refused = await active("--start", "--together", ...ids)
    expect(refused.stderr).toMatch(
      /asked at most = .*, budget \$0\.70 \(none of the 2 instances is started\)\n/,
    )
    expect(refused.stdout).toBe("")
    expect(refused.code).toBe(3)
    expect((await active("--start", "--together", ...ids, "--dry-run")).code).toBe(3)
    expect(await states()).toEqual(["stopped", "stopped"])
    // Nothing stays reserved: one of them alone fits, by a dry run as in earnest.
    const alone = await active("--start", ids[0] ?? "", "--dry-run")
    expect(alone.stdout).toStartWith(`Would start ${ids[0]}, its lease ends at `)
    day.course.configure({})
    const planned = await active("--start", "--together", ...ids, "--dry-run")
    expect(planned.stdout.match(/^Would start i-/gm)).toHaveLength(2)
    expect(await states()).toEqual(["stopped", "stopped"])
    const started = await active("--start", "--together", ...ids, "--wait")
    expect(started.stdout.match(/^Starting i-/gm)).toHaveLength(2)
    expect(await states()).toEqual(["running", "running"])
    expect((await active("--together")).code).toBe(2)
  })

  test("--together gives back what it reserved for those after one that AWS does not start", async () => {
    const ids = await day.launch("-c", "3")
    await active("--stop", ...ids, "--wait")
    emulator.proxy.faults.add({
      kind: "refuse",
      action: "StartInstances",
      matches: ({ body }) => body.includes(ids[1] ?? ""),
      times: Number.POSITIVE_INFINITY,
    })
    const { stdout, code } = await active("--start", "--together", ...ids)
    emulator.proxy.faults.clear()
    expect(stdout).toMatch(new RegExp(`^Starting ${ids[0]}, [^\n]*\n$`))
    expect(code).toBe(1)
    const again = await active("--start", "--together", ids[1] ?? "", ids[2] ?? "")
    expect(again.code).toBe(0)
  })

  test("defect: stopped instances could be restarted past any limit", async () => {
    day.course.configure({ limits: { max_instances: 1 } })
    const [id = ""] = await day.launch()
    await active("--stop", id, "--wait")
    const { stderr, code } = await day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"])
    expect(stderr).toStartWith(
      "ec2_runner: launch: 1 stopped + 1 asked = 2 instances, limit 1\nask for more: ",
    )
    expect(code).toBe(3)
  })

  test("extends a lease within its ceiling and the budget", async () => {
    const [id = ""] = await day.launch("--lease", "1h")
    const before = day.usageDb().leases.of(id)?.endsAtUtcMs ?? 0
    expect((await active("--extend", id, "2h")).stdout).toStartWith(`Extended ${id} until `)
    expect(day.usageDb().leases.of(id)?.endsAtUtcMs).toBe(utcMsOf(before + 2 * 3_600_000))
    const twice = JSON.parse((await active("--extend", id, id, "1h", "--dry-run", "--json")).stdout)
    expect(twice.ids).toEqual([id])
    const tooLong = await active("--extend", id, "40h")
    expect(tooLong.stderr).toContain("after its start, at most 24 h 00 min")
    expect(tooLong.code).toBe(3)
    day.course.configure({ limits: { budget: 0.5 } })
    const tooDear = await active("--extend", id, "20h")
    expect(tooDear.stderr).toMatch(
      /spent \+ \$[\d.]+ reserved \+ \$[\d.]+ asked at most = \$[\d.]+, budget \$0\.50/,
    )
    expect(tooDear.code).toBe(3)
  })

  test("extends no lease to an end that is over already", async () => {
    const [id = ""] = await day.launch("--lease", "1h")
    const ended = Date.now() - 90 * 60_000
    day.usageDb().leases.extend(id, utcMsOf(ended))
    const { stderr, code } = await active("--extend", id, "1h", "--dry-run")
    expect(stderr).toBe(
      `ec2_active: ${id}: its lease ended 1 h 30 min ago, at ${isoUtc(utcMsOf(ended))}: 1 h 00 min more would be over already, wanted longer than that\n`,
    )
    expect(code).toBe(3)
    expect((await active("--extend", id, "2h")).stdout).toStartWith(`Extended ${id} until `)
  })

  test("shows what is used, reserved and left", async () => {
    await day.launch("-c", "2")
    const { stdout, code } = await active("--quota")
    expect(stdout).toContain("instances: 2 used, 18 left of 20\n")
    expect(stdout).toContain("hourly cost: $0.17/h used, $4.93/h left of $5.10/h\n")
    expect(stdout).toMatch(/budget: \$[\d.]+ spent, \$[\d.]+ reserved, \$[\d.]+ left of \$100\.00\n/)
    expect(code).toBe(0)
    const json = JSON.parse((await active("--quota", "--json")).stdout)
    expect(json.instances).toEqual({ used: 2, left: 18, limit: 20 })
  })

  test("counts all that was spent where the term has yet to begin, and lets nobody past the budget", async () => {
    day.usageDb()
    const db = handAt(join(day.course.dataDir, "usage.db"))
    db.run("INSERT INTO instances VALUES ('i-0', 'm1.small', 2460000.5, 2460100.5, 2460100.5, 0, ?)", [
      student,
    ])
    db.close()
    const dayAfter = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
    day.course.configure({ course: { term_start: dayAfter(1) }, limits: { budget: 200 } })
    expect((await active("--quota")).stdout).toContain("budget: $204.00 spent, $0.00 reserved, $0.00 left of")
    const refused = await day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"])
    expect(refused.stderr).toContain("$204.00 spent + ")
    expect(refused.code).toBe(3)
    day.course.configure({ course: { term_start: dayAfter(0) }, limits: { budget: 200 } })
    expect((await active("--quota")).stdout).toContain(`budget: $0.00 spent since ${dayAfter(0)}`)
  })
})
