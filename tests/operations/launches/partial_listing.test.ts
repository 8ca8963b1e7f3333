/** EC2 is eventually consistent: a listing may show some of a launch and not the rest, and may leave out what it has shown. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { noMicroUsd } from "../../../lib/base/money.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { cronRun } from "../../../lib/operations/enforcement/cron_run.ts"
import { enforce } from "../../../lib/operations/enforcement/enforce.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import { runCron } from "../../../lib/operations/usage/cron.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { handAt } from "../../support/databases.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const minute = 60_000
let day: CourseDay
let deps: TestDeps

beforeEach(async () => {
  day = await courseDay(emulator, { limits: { max_instances: 4 } })
  proxy.world.clock.stop()
  deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
})
afterEach(() => {
  deps.close()
  day.close()
})
afterAll(() => emulator.stop())

const order = (count: number) =>
  toOrder({ image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default", count })

/** A launch of three whose process dies when AWS has them; the listing shows only the first. */
async function launchThreeSeeOne(): Promise<string[]> {
  const killed = depsOf(day.course, {
    login: student,
    clock: clockOf(proxy),
    at(point) {
      if (point === "launched") throw new Error("killed")
    },
  })
  await expect(launch(killed, order(3))).rejects.toThrow("killed")
  killed.close()
  forgetProcess()
  const ids = [...proxy.world.instances.keys()]
  expect(ids).toHaveLength(3)
  for (const id of ids.slice(1)) proxy.world.unlisted.add(id)
  return ids
}

/** Its process is gone: this one lives on only as the test. */
function forgetProcess(): void {
  const db = handAt(`${day.course.dataDir}/usage.db`)
  db.run("UPDATE reservations SET process = 'killed' WHERE state = 'pending'")
  db.close()
}

const leased = () =>
  deps.usageDb.leases
    .open(student)
    .map(({ instanceId }) => instanceId)
    .sort()

describe("a launch of three, of which AWS lists one", () => {
  test("keeps the other two reserved until they are listed, and then leases all", async () => {
    const ids = await launchThreeSeeOne()
    await proxy.advance(3 * minute)
    await settleReservations(deps)
    expect(leased()).toEqual(ids.slice(0, 1))
    const [reservation] = deps.usageDb.reservations.pending(student)
    expect(reservation).toMatchObject({ count: 3, awaited: 2 })
    expect((reservation?.awaitedWorstMicroUsd ?? noMicroUsd) * 3).toBe((reservation?.worstMicroUsd ?? 0) * 2)
    await expect(launch(deps, order(2))).rejects.toThrow(
      "2 launching + 1 running + 2 asked = 5 instances, limit 4",
    )
    const other = deps.as("cs61c-ab").usageDb
    expect(other.reservations.worstOfOthers("cs61c-ab")).toBe(reservation?.awaitedWorstMicroUsd ?? noMicroUsd)
    proxy.world.unlisted.clear()
    await settleReservations(deps)
    expect(leased()).toEqual([...ids].sort())
    expect(deps.usageDb.reservations.pending(null)).toEqual([])
  })

  test("gives the rest back when EC2 would have listed them long since", async () => {
    const ids = await launchThreeSeeOne()
    await proxy.advance(9 * minute)
    await settleReservations(deps)
    expect(deps.usageDb.reservations.pending(student)).toHaveLength(1)
    await proxy.advance(2 * minute)
    await settleReservations(deps)
    expect(deps.usageDb.reservations.pending(student)).toEqual([])
    expect(leased()).toEqual(ids.slice(0, 1))
    // and should they be there after all, they are not lost
    proxy.world.unlisted.clear()
    await expect(launch(deps, order(2))).rejects.toThrow("3 running + 2 asked = 5 instances, limit 4")
    expect((await launch(deps, order(1))).instances).toHaveLength(1)
    expect(leased()).toHaveLength(4)
  })

  test("whose reply is lost says which run, and that the rest is not known yet", async () => {
    const lost = depsOf(day.course, { login: student, clock: clockOf(proxy) })
    proxy.faults.add({ kind: "drop-after", action: "RunInstances", times: Number.POSITIVE_INFINITY })
    proxy.faults.add({
      kind: "delay",
      ...{ delayMs: 0, action: "DescribeInstances", skip: 1 },
      matches: () => {
        for (const id of [...proxy.world.instances.keys()].slice(1)) proxy.world.unlisted.add(id)
        return true
      },
    })
    await expect(launch(lost, order(3))).rejects.toThrow(
      /i-\w+ launched, and AWS does not list the other 2 instances yet: the next run of any tool finds out/,
    )
    lost.close()
    forgetProcess()
    proxy.faults.clear()
    expect(leased()).toHaveLength(1)
    expect(deps.usageDb.reservations.pending(student)).toMatchObject([{ awaited: 2 }])
    proxy.world.unlisted.clear()
    await settleReservations(deps)
    expect(leased()).toHaveLength(3)
  })
})

describe("an instance that a listing leaves out for a while", () => {
  test("has its lease again when it is listed again, and ends with it", async () => {
    const { instances } = await launch(deps, order(1))
    const id = instances[0]?.id ?? ""
    const cron = () =>
      cronRun(deps, { snapshot: () => runCron(deps, { cloudTrail: false }), enforce: true, dryRun: false })
    await proxy.advance(30 * minute)
    proxy.world.unlisted.add(id)
    // between a snapshot that saw it and the next
    await enforce(deps, { dryRun: false })
    expect(deps.usageDb.leases.of(id)?.endedAtUtcMs).not.toBeNull()
    await cron()
    expect(leased()).toEqual([])
    await proxy.advance(30 * minute)
    proxy.world.unlisted.clear()
    await cron()
    expect(leased()).toEqual([id])
    await proxy.advance(4 * 60 * minute)
    await cron()
    expect(await day.running()).toEqual([])
  })
})
