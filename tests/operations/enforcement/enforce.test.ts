/** Leases end: warnings, terminations, stops, switches, on the emulator's virtual time. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { ModifyInstanceAttributeCommand, RunInstancesCommand } from "@aws-sdk/client-ec2"
import type { Aws } from "../../../lib/aws/interfaces.ts"
import { tagOf } from "../../../lib/base/instance.ts"
import { isoUtc, utcMsOf } from "../../../lib/base/time.ts"
import type { Lease } from "../../../lib/db/enforcement/leases.ts"
import type { Reservation } from "../../../lib/db/launches/reservations.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { cronRun } from "../../../lib/operations/enforcement/cron_run.ts"
import { enforce } from "../../../lib/operations/enforcement/enforce.ts"
import { pendingNotices } from "../../../lib/operations/enforcement/notices.ts"
import { currentInstances } from "../../../lib/operations/launches/active.ts"
import { end, start } from "../../../lib/operations/launches/change.ts"
import { extendLeases } from "../../../lib/operations/launches/extend.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { runCron } from "../../../lib/operations/usage/cron.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { handAt } from "../../support/databases.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"
import type { ConfigChanges } from "../../support/tools.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const minute = 60_000
const hour = 60 * minute
let day: CourseDay
let deps: TestDeps
const opened: TestDeps[] = []

beforeEach(() => set())
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
  day.close()
})
afterAll(() => emulator.stop())

async function set(leases: Record<string, unknown> = {}): Promise<void> {
  if (opened.length > 0) day.close()
  day = await courseDay(emulator, { leases } as never)
  proxy.world.clock.stop()
  deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
  opened.push(deps)
}

const order = (parts: object = {}) =>
  toOrder({ image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default", ...parts })
const launchOne = async (parts: object = {}) => (await launch(deps, order(parts))).instances[0]?.id ?? ""
const run = (dryRun = false) => enforce(deps, { dryRun })

describe("enforcement", () => {
  test("warns at the configured minutes, once each, by mail and through the next tool", async () => {
    const id = await launchOne({ lease_minutes: 120 })
    await proxy.advance(30 * minute)
    expect((await run()).lines).toEqual([])
    await proxy.advance(35 * minute)
    const [line] = (await run(true)).lines
    expect(line).toStartWith(`warn ${student}: the lease of ${id} of ${student} (m1.small) ends at `)
    expect((await run()).lines).toEqual([line as string])
    expect((await run()).lines).toEqual([])
    await proxy.advance(45 * minute)
    expect((await run()).lines).toHaveLength(1)
    expect(deps.told.map(({ login }) => login)).toEqual([student, student])
    expect(pendingNotices(deps)).toHaveLength(2)
    expect(pendingNotices(deps)).toEqual([])
  })

  test("does not end what is extended while it is ending another", async () => {
    const ids = [await launchOne({ lease_minutes: 60 }), await launchOne({ lease_minutes: 60 })]
    await proxy.advance(hour + minute)
    const extended: string[] = []
    const record = (_: string, message: string) => {
      const spared = ids.find((id) => !message.includes(id)) ?? ""
      if (extended.length > 0) return
      extended.push(spared)
      deps.usageDb.leases.extend(spared, utcMsOf(deps.clock.now() + hour))
    }
    expect(
      (await enforce({ ...deps, audit: { ...deps.audit, record } }, { dryRun: false })).failures,
    ).toEqual([])
    expect((await day.running()).map(({ InstanceId }) => InstanceId ?? "")).toEqual(extended)
  })

  test("terminates what is past its lease, protected or not, and audits it", async () => {
    const ids = [await launchOne({ lease_minutes: 60 }), await launchOne({ lease_minutes: 60 })]
    for (const protection of [
      { DisableApiTermination: { Value: true } },
      { DisableApiStop: { Value: true } },
    ])
      await emulator.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: ids[0], ...protection }))
    await proxy.advance(hour + minute)
    const planned = (await run(true)).lines
    expect(await day.running()).toHaveLength(2)
    const { lines, failures } = await run()
    expect(lines).toEqual(planned)
    expect(failures).toEqual([])
    expect(lines.map((line) => line.split(" ").slice(0, 2).join(" ")).sort()).toEqual(
      ids.map((id) => `terminate ${id}`).sort(),
    )
    expect(await day.running()).toEqual([])
    const log = readFileSync(`${day.course.dataDir}/audit-log`, "utf8")
    expect(log).toContain(`enforcement: terminate ${ids[0]} of ${student}: its lease ended`)
  })

  describe("while another region does not answer", () => {
    const elsewhere = "us-west-2"
    let id: string
    beforeEach(async () => {
      id = await launchOne({ lease_minutes: 60 })
      proxy.faults.add({
        kind: "unavailable",
        matches: ({ region }) => region === elsewhere,
        times: Number.POSITIVE_INFINITY,
      })
      await proxy.advance(hour + minute)
    })

    test("ends what is past its lease, and says what it could not look at", async () => {
      const lease = deps.usageDb.leases.of(id) as Lease
      deps.usageDb.leases.add({ ...lease, instanceId: "i-0123", region: elsewhere })
      const { lines, failures } = await run()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toStartWith(`terminate ${id} `)
      expect(failures).toHaveLength(1)
      expect(failures[0]).toStartWith(`leases in ${elsewhere} not enforced: describe instances: `)
      expect(deps.usageDb.leases.of("i-0123")?.endedAtUtcMs).toBeNull()
      expect(await day.running()).toEqual([])
    })

    test("settles in the others what a crash left, and ends what is past its lease", async () => {
      const { usageDb } = deps
      const known = usageDb.reservations.byId(usageDb.leases.of(id)?.reservationId ?? "") as Reservation
      const gone = { ...known, process: "", createdAtUtcMs: utcMsOf(0) }
      usageDb.reservations.add({ ...gone, id: "there", region: elsewhere })
      usageDb.reservations.add({ ...gone, id: "here", createdAtUtcMs: utcMsOf(1) })
      const { lines, failures } = await run()
      expect(failures).toEqual([expect.stringMatching(/^reservations not settled: describe instances: /)])
      expect(usageDb.reservations.byId("here")?.state).toBe("released")
      expect(usageDb.reservations.byId("there")?.state).toBe("pending")
      expect(lines[0]).toStartWith(`terminate ${id} `)
    })
  })

  test("leaves alone what was not launched through us", async () => {
    const request = {
      ImageId: emulator.fixtures.image,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
    } as const
    await emulator.ec2.send(new RunInstancesCommand({ ...request, KeyName: `${student}-default` }))
    await proxy.advance(100 * hour)
    expect((await run()).lines).toEqual([])
    expect(await day.running()).toHaveLength(1)
  })

  test("leaves alone what somebody launched with the tags of one of ours copied, and says so", async () => {
    const id = await launchOne({ lease_minutes: 60 })
    const ours = (await day.running())[0]?.Tags ?? []
    const unknown = ours.map((tag) =>
      tag.Key === tagOf.reservation ? { ...tag, Value: crypto.randomUUID() } : tag,
    )
    const copies: string[] = []
    for (const Tags of [ours, unknown]) {
      const { Instances } = await emulator.ec2.send(
        new RunInstancesCommand({
          ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
          ...{ KeyName: `${student}-default`, TagSpecifications: [{ ResourceType: "instance", Tags }] },
        }),
      )
      copies.push(Instances?.[0]?.InstanceId ?? "")
    }
    await currentInstances(deps)
    const todo = { snapshot: () => runCron(deps, { cloudTrail: false }), enforce: true, dryRun: false }
    const { warnings } = await cronRun(deps, todo)
    for (const copy of copies)
      expect(warnings.find((line) => line.startsWith(copy))).toContain("was not launched through us")
    await proxy.advance(25 * hour)
    const { enforced } = await cronRun(deps, todo)
    expect(enforced?.lines.map((line) => line.slice(0, `terminate ${id}`.length))).toEqual([
      `terminate ${id}`,
    ])
    expect((await day.running()).map(({ InstanceId }) => InstanceId ?? "").sort()).toEqual(copies.sort())
  })

  test("plans in a dry run also for what a restored database has forgotten", async () => {
    const id = await launchOne()
    await runCron(deps, { cloudTrail: false })
    const db = handAt(`${day.course.dataDir}/usage.db`)
    db.run("DELETE FROM leases")
    db.run("DELETE FROM launch_attempts")
    db.run("DELETE FROM reservations")
    db.close()
    await proxy.advance(25 * hour)
    const planned = (await run(true)).lines
    expect(planned).toHaveLength(1)
    expect(planned[0]).toStartWith(`terminate ${id}`)
    expect((await run()).lines).toEqual(planned)
    expect(await day.running()).toEqual([])
  })

  test("tries again in the next run what failed, and says so", async () => {
    const id = await launchOne({ lease_minutes: 60 })
    await proxy.advance(2 * hour)
    proxy.faults.add({ kind: "unavailable", action: "TerminateInstances", times: Number.POSITIVE_INFINITY })
    const { failures } = await run()
    expect(failures).toHaveLength(1)
    expect(failures[0]).toStartWith(`${id}: `)
    proxy.faults.clear()
    expect((await run()).failures).toEqual([])
    expect(await day.running()).toEqual([])
  })

  test("killed between AWS's yes and our record leaves nothing that the next run does not end", async () => {
    const id = await launchOne({ lease_minutes: 60 })
    await proxy.advance(hour + minute)
    // done, and nobody learns of it, as when cron is killed at that moment
    proxy.faults.add({ kind: "drop-after", action: "TerminateInstances", times: Number.POSITIVE_INFINITY })
    expect((await run()).failures).toHaveLength(1)
    expect(deps.usageDb.leases.of(id)?.endedAtUtcMs).toBeNull()
    proxy.faults.clear()
    proxy.calls.length = 0
    await proxy.advance(10 * minute)
    expect((await run()).lines).toEqual([`close the lease of ${id} of ${student} (m1.small): it is over`])
    expect(proxy.calls.some(({ action }) => action === "TerminateInstances")).toBe(false)
    expect(deps.usageDb.leases.open(student)).toEqual([])
    const snapshot = () => runCron(deps, { cloudTrail: false })
    await cronRun(deps, { snapshot, enforce: true, dryRun: false })
    expect(deps.usageDb.ledger.openInstances(student)).toEqual([])
    const tariff = deps.usageDb.prices.tariff(deps.config)
    const { highest } = deps.usageDb.transaction(() =>
      deps.usageDb.ledger.spent(tariff, student, null, deps.clock.now()),
    )
    // an hour and a minute, to the second that EC2 gives, with address and volume
    expect(highest).toBeLessThan(100_000)
  })

  test("stops where the config says so, and terminates what is stopped at the second deadline", async () => {
    await set({ action: "stop", stopped_hours: 2 })
    const id = await launchOne({ lease_minutes: 60 })
    await proxy.advance(hour + minute)
    expect((await run()).lines[0]).toStartWith(
      `stop ${id} of ${student} (m1.small): its lease ended 1 min ago`,
    )
    await proxy.advance(hour)
    expect((await run()).lines).toEqual([])
    expect((await day.running())[0]?.State?.Name).toBe("stopped")
    await proxy.advance(hour)
    expect((await run()).lines[0]).toStartWith(`terminate ${id}`)
    expect(await day.running()).toEqual([])
  })

  test("has the scheduler terminate at the lease's end when nobody else does", async () => {
    await set({ scheduler_role: "arn:aws:iam::123456789012:role/switch" })
    await launchOne({ lease_minutes: 60 })
    expect(await day.running()).toHaveLength(1)
    await proxy.advance(hour + 2 * minute)
    expect(await day.running()).toEqual([])
  })

  test("gives what is stopped its second deadline also from the scheduler", async () => {
    await set({
      action: "stop",
      stopped_hours: 2,
      scheduler_role: "arn:aws:iam::123456789012:role/switch",
    })
    const id = await launchOne({ lease_minutes: 60 })
    await proxy.advance(hour + minute)
    expect((await run()).lines[0]).toStartWith(`stop ${id}`)
    await proxy.advance(hour)
    expect((await day.running())[0]?.State?.Name).toBe("stopped")
    await proxy.advance(hour + 20 * minute)
    expect(await day.running()).toEqual([])
  })

  test("sets in the next run the switch that could not be set at launch", async () => {
    await set({ scheduler_role: "arn:aws:iam::123456789012:role/switch" })
    proxy.faults.add({ kind: "unavailable", service: "scheduler", times: Number.POSITIVE_INFINITY })
    const { notes } = await launch(deps, order({ lease_minutes: 120 }))
    expect(notes[0]).toContain("the next run of cron sets it")
    proxy.faults.clear()
    expect((await run()).lines[0]).toStartWith("set the switch of i-")
    await proxy.advance(2 * hour + 2 * minute)
    expect(await day.running()).toEqual([])
  })

  const switched = { scheduler_role: "arn:aws:iam::123456789012:role/switch" }
  /** What the config says is otherwise from now on, with the ledger as it is. */
  function reconfigure(changes: ConfigChanges): void {
    day.course.configure(changes)
    deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
    opened.push(deps)
  }

  describe("once the config names no scheduler's role any more", () => {
    let id: string
    beforeEach(async () => {
      reconfigure({ leases: switched })
      id = await launchOne({ lease_minutes: 180 })
      reconfigure({})
    })

    test("removes the switches that are set, by a line that a dry run shows", async () => {
      const line = `remove the switch of ${id} of ${student} (m1.small): leases.scheduler_role is set no longer`
      expect((await run(true)).lines).toEqual([line])
      expect(proxy.world.schedules.size).toBe(1)
      expect(await run()).toMatchObject({ lines: [line], failures: [] })
      expect(proxy.world.schedules.size).toBe(0)
      expect((await run()).lines).toEqual([])
    })

    test("has no extended instance ended by the switch of its old end", async () => {
      const own = await currentInstances(deps)
      await extendLeases(deps, own.instances, hour, own, { dryRun: false })
      await proxy.advance(3 * hour + 2 * minute)
      expect(await day.running()).toHaveLength(1)
    })

    test("has none that is started again ended by the switch of its last run", async () => {
      reconfigure({ leases: switched })
      await end(deps, "stop", [id], { dryRun: false })
      await proxy.advance(hour)
      reconfigure({})
      await start(deps, [id], { dryRun: false })
      await proxy.advance(2 * hour + 2 * minute)
      expect(await day.running()).toHaveLength(1)
    })
  })

  test("moves and removes switches in the region of their instances, wherever the course is now", async () => {
    reconfigure({ leases: switched })
    const id = await launchOne({ lease_minutes: 180 })
    const elsewhere = { region: "us-west-2", regions: ["us-east-1"] }
    reconfigure({ leases: { ...switched, action: "stop" }, aws: elsewhere })
    expect((await run()).lines[0]).toStartWith(`set the switch of ${id}`)
    const [schedule, ...others] = [...proxy.world.schedules.values()]
    expect(schedule?.region).toBe("us-east-1")
    expect(schedule?.atUtcMs).toBeGreaterThan(deps.usageDb.leases.of(id)?.endsAtUtcMs ?? utcMsOf(0))
    expect(others).toEqual([])
    reconfigure({ leases: switched, aws: elsewhere })
    await proxy.advance(3 * hour)
    expect((await run()).failures).toEqual([])
    expect(proxy.world.schedules.size).toBe(0)
  })

  test("audits what it schedules, before and after", async () => {
    reconfigure({ leases: switched })
    const id = await launchOne({ lease_minutes: 180 })
    const endsAt = isoUtc(deps.usageDb.leases.of(id)?.endsAtUtcMs ?? utcMsOf(0))
    await end(deps, "terminate", [id], { dryRun: false })
    const log = readFileSync(`${day.course.dataDir}/audit-log`, "utf8")
    const set = `: ${student}: set the switch of ${id} to ${endsAt}`
    expect(log).toContain(`${set}\n`)
    expect(log).toContain(`${set}: done (request `)
    const remove = `: ${student}: remove the switch of ${id}`
    expect(log).toContain(`${remove}\n`)
    expect(log).toContain(`${remove}: done (request `)
  })

  test("sets the switch again that two runs moved at once", async () => {
    reconfigure({ leases: switched })
    const id = await launchOne({ lease_minutes: 180 })
    const own = await currentInstances(deps)
    const extendByAnHour = async (aws: Aws) =>
      extendLeases({ ...deps, aws }, own.instances, hour, own, { dryRun: false })
    let other: Promise<unknown> | undefined
    // Asks before the other, and is heard after it.
    const slow: Aws = {
      ...deps.aws,
      scheduler: async (region) => {
        const scheduler = await deps.aws.scheduler(region)
        return {
          ...scheduler,
          async putTermination(...asked) {
            other ??= extendByAnHour(deps.aws)
            await other
            return scheduler.putTermination(...asked)
          },
        }
      },
    }
    const { notes } = await extendByAnHour(slow)
    expect(notes[0]).toContain("another run was setting it at the same time")
    const setAt = () => [...proxy.world.schedules.values()].map(({ atUtcMs }) => isoUtc(atUtcMs))
    const endsAtUtcMs = deps.usageDb.leases.of(id)?.endsAtUtcMs as number
    expect(setAt()).toEqual([isoUtc(utcMsOf(endsAtUtcMs - hour))])
    expect((await run()).lines[0]).toStartWith(`set the switch of ${id}`)
    expect(setAt()).toEqual([isoUtc(utcMsOf(endsAtUtcMs))])
  })

  test("removes the switch that a termination could not, and says so, in a dry run before", async () => {
    await set({ scheduler_role: "arn:aws:iam::123456789012:role/switch" })
    const id = await launchOne({ lease_minutes: 60 })
    await proxy.advance(hour + minute)
    proxy.faults.add({ kind: "unavailable", service: "scheduler", times: Number.POSITIVE_INFINITY })
    await run()
    expect(deps.usageDb.leases.of(id)?.terminationAtUtcMs).not.toBeNull()
    proxy.faults.clear()
    const line = `remove the switch of ${id}, which has ended`
    expect((await enforce(deps, { dryRun: true })).lines).toEqual([line])
    expect(deps.usageDb.leases.of(id)?.terminationAtUtcMs).not.toBeNull()
    expect((await run()).lines).toEqual([line])
    expect(deps.usageDb.leases.of(id)?.terminationAtUtcMs).toBeNull()
    expect((await run()).lines).toEqual([])
  })
})
