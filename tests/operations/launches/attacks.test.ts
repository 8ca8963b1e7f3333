/** What a student who has read the source tries against limits and budget, through the real tools. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  CreateKeyPairCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { processIdentity } from "../../../lib/host/processes/process_identity.ts"
import { start } from "../../../lib/operations/launches/change.ts"
import type { FaultPoint } from "../../../lib/operations/launches/deps.ts"
import { exposureOf } from "../../../lib/operations/launches/exposure.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { ownInstances } from "../../../lib/operations/launches/own_instances.ts"
import { startAgain } from "../../../lib/operations/launches/restart.ts"
import { settleOwn, settleReservations } from "../../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const active = (...args: string[]) => day.run("ec2_active", args)
const request = {
  image_id: emulator.fixtures.image,
  instance_type: "m1.small",
  key_name: "default",
}
const asked = (changes: object) =>
  day.run("ec2_runner", ["--stdin-json"], { stdin: JSON.stringify({ ...request, ...changes }) })

describe("the budget", () => {
  test("starting two stopped instances at once, of which the budget has room for one, starts one", async () => {
    const ids = await day.launch("-c", "2", "--lease", "1m")
    await active("--stop", ...ids, "--wait")
    // a restart reserves 4 h at $0.085, the address and the volume: $0.38
    day.course.configure({ limits: { budget: 0.6 } })
    const { stderr, code } = await active("--start", ...ids)
    expect(stderr).toMatch(/reserved \+ \$[\d.]+ asked at most = \$[\d.]+, budget \$0\.60/)
    expect(code).toBe(3)
    const started = (await day.running()).filter(({ State }) => State?.Name !== "stopped")
    expect(started).toHaveLength(1)
  })
})

describe("the listing of one's own instances", () => {
  test("shows what runs with any of more keys than EC2 takes in a filter", async () => {
    day.course.configure({ limits: { max_instances: 1 } })
    emulator.proxy.world.clock.stop()
    const deps = depsOf(day.course, { login: student, clock: clockOf(emulator.proxy) })
    const key = { privateKey: null, publicKey: "ssh-ed25519 AAAA", fingerprint: "" }
    deps.usersDb.transaction(() => {
      for (let index = 0; index < 250; index += 1)
        deps.usersDb.sshKeys.put(student, { name: `${student}-k${index}`, ...key })
      deps.usersDb.sshKeys.put(student, { name: `${student}-zz`, ...key })
    })
    const material = await emulator.ec2.send(new CreateKeyPairCommand({ KeyName: `${student}-zz` }))
    expect(material.KeyName).toBe(`${student}-zz`)
    await launch(deps, toOrder({ ...request, key_name: "zz" }))
    await emulator.proxy.advance(30 * 60_000)
    expect((await ownInstances(deps, student)).instances).toHaveLength(1)
    await expect(launch(deps, toOrder(request))).rejects.toThrow("1 running + 1 asked = 2 instances, limit 1")
    deps.close()
  })

  test("shows what the old tools launched with a key that nobody recorded", async () => {
    await emulator.ec2.send(new CreateKeyPairCommand({ KeyName: `${student}-forgotten` }))
    const request = { ImageId: emulator.fixtures.image, MinCount: 1, MaxCount: 1 } as const
    await emulator.ec2.send(
      new RunInstancesCommand({ ...request, InstanceType: "m1.small", KeyName: `${student}-forgotten` }),
    )
    expect((await active()).stdout).toContain("1 instance\n")
    expect((await day.run("ec2_active", [], { as: "cs61c-ab" })).stdout).toContain("0 instances\n")
  })
})

describe("a process held up between its admission and AWS", () => {
  const suspendedAt = (point: FaultPoint) => {
    const deps = depsOf(day.course, {
      login: student,
      at(reached) {
        if (reached !== point) return
        deps.usageDb.transaction(() =>
          deps.usageDb.suspensions.begin({
            ...{
              login: student,
              suspendedBy: "cs61c",
              reason: "mining",
              suspendedAtUtcMs: utcMsOf(Date.now()),
            },
          }),
        )
      },
    })
    return deps
  }
  const asks = (action: string) => emulator.proxy.calls.filter((call) => call.action === action).length

  test("does not launch for a student who was suspended meanwhile", async () => {
    const deps = suspendedAt("intent written")
    await expect(launch(deps, toOrder(request))).rejects.toThrow("is suspended since")
    expect(asks("RunInstances")).toBe(0)
    expect(deps.usageDb.reservations.pending(null)).toEqual([])
    deps.close()
  })

  test("does not start again either", async () => {
    const [id = ""] = await day.launch()
    await active("--stop", id, "--wait")
    const deps = suspendedAt("intent written")
    await expect(start(deps, [id], { dryRun: false })).rejects.toThrow("is suspended since")
    expect(asks("StartInstances")).toBe(0)
    expect(deps.usageDb.reservations.pending(null)).toEqual([])
    deps.close()
  })
})

describe("what runs in the region of before", () => {
  test("goes on counting when the config names another", async () => {
    day.course.configure({ limits: { max_instances: 1 } })
    const deps = depsOf(day.course, { login: student })
    await launch(deps, toOrder(request))
    const own = { instances: [], listedAtUtcMs: utcMsOf(Date.now() + 3_600_000), orphans: new Map() }
    const standing = (region: string) => {
      const config = { ...deps.config, aws: { ...deps.config.aws, region } }
      return deps.usageDb.transaction(() =>
        exposureOf({ ...deps, config }, student, own, utcMsOf(Date.now())),
      ).holdings
    }
    // in its own region it would be listed, and is gone
    expect(standing("us-east-1")).toEqual([])
    expect(standing("eu-west-1")).toEqual([
      { state: "running", count: 1, microUsdPerHour: microUsdOf(85_000) },
    ])
    deps.close()
  })
})

describe("a spot request that was made with the account's own keys", () => {
  test("counts against the limits while it is open, and no more when its owner has cancelled it", async () => {
    day.course.configure({ limits: { max_instances: 2 } })
    const usageDb = day.usageDb()
    const open = {
      requestId: "sir-1",
      instanceType: "m1.small",
      login: student,
      requestedAtUtcMs: utcMsOf(Date.now()),
    }
    usageDb.transaction(() => usageDb.spotRequests.replaceAll([open]))
    const refused = await asked({ count: 2 })
    expect(refused.stderr).toContain("1 requested + 2 asked = 3 instances, limit 2")
    expect((await active("--quota")).stdout).toContain("hourly cost: $0.085/h used")
    expect((await active("--cancel-spot-requests")).code).toBe(0)
    expect((await asked({ count: 2 })).code).toBe(0)
  })
})

describe("a reservation", () => {
  let deps: TestDeps
  beforeEach(() => {
    deps = depsOf(day.course, { login: student })
  })
  afterEach(() => deps.close())

  function reserve(minutesAgo: number, process: string): void {
    const now = Date.now()
    deps.usageDb.transaction(() =>
      deps.usageDb.reservations.add({
        ...{ id: "frozen", login: student, kind: "launch", region: "us-east-1", instanceType: "m1.small" },
        ...{
          market: "on-demand",
          keyName: `${student}-default`,
          count: 2,
          microUsdPerHour: microUsdOf(85_000),
        },
        ...{
          storageMicroUsdPerHour: microUsdOf(0),
          addressMicroUsdPerHour: microUsdOf(0),
          worstMicroUsd: microUsdOf(400_000),
          instanceId: null,
          usageOperation: "",
          image: "",
        },
        ...{ leaseEndsAtUtcMs: utcMsOf(now + 3_600_000), createdAtUtcMs: utcMsOf(now - minutesAgo * 60_000) },
        process,
      }),
    )
  }
  const state = () => deps.usageDb.reservations.byId("frozen")?.state

  test("whose process is frozen for minutes, launches and is killed, is not given back by a listing from before", async () => {
    const launcher = Bun.spawn(["/bin/sleep", "600"])
    reserve(3, processIdentity(launcher.pid))
    const own = await ownInstances(deps, student)
    launcher.kill("SIGKILL")
    await launcher.exited
    deps.usageDb.transaction(() => settleOwn(deps, student, own))
    expect(state()).toBe("pending")
    const later = await ownInstances(deps, student)
    deps.usageDb.transaction(() => settleOwn(deps, student, later))
    expect(state()).toBe("released")
  })

  test("whose request went out minutes after the admission is young from then on", async () => {
    reserve(30, "killed")
    deps.usageDb.transaction(() => deps.usageDb.reservations.sent("frozen", utcMsOf(Date.now() - 60_000)))
    expect(await settleReservations(deps)).toEqual({ settled: 0, released: 0, waiting: 1 })
    expect(state()).toBe("pending")
    deps.usageDb.transaction(() => deps.usageDb.reservations.sent("frozen", utcMsOf(Date.now() - 180_000)))
    expect(await settleReservations(deps)).toEqual({ settled: 0, released: 1, waiting: 0 })
  })
})

describe("a start", () => {
  test("that fails gives no lease to what the old tools launched, so that enforcement never ends it", async () => {
    day.course.configure({ limits: { max_instances: 1 } })
    const request = {
      ImageId: emulator.fixtures.image,
      InstanceType: "m1.small",
      MinCount: 1,
      MaxCount: 1,
    } as const
    const { Instances } = await emulator.ec2.send(
      new RunInstancesCommand({ ...request, KeyName: `${student}-default` }),
    )
    const id = Instances?.[0]?.InstanceId ?? ""
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(60_000)
    const deps = depsOf(day.course, { login: student })
    const own = await ownInstances(deps, student)
    const [instance] = own.instances
    if (!instance) throw new Error("not listed")
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await expect(startAgain(deps, instance, own, { dryRun: false })).rejects.toThrow("IncorrectInstanceState")
    expect(deps.usageDb.leases.of(id)).toBeNull()
    deps.close()
  })

  test("by a listing from before another start does not start the lease anew", async () => {
    const [id = ""] = await day.launch()
    await active("--stop", id, "--wait")
    const deps = depsOf(day.course, { login: student })
    const own = await ownInstances(deps, student)
    const [instance] = own.instances
    if (!instance) throw new Error("not listed")
    await startAgain(deps, instance, own, { dryRun: false })
    await expect(startAgain(deps, instance, own, { dryRun: false })).rejects.toThrow(
      "is being started already",
    )
    deps.close()
  })
})

describe("a request", () => {
  test("with half a character reserves nothing that AWS would never hear of", async () => {
    for (const change of [{ tags: { a: "\ud800" } }, { placement_group: `${student}-\udfff` }]) {
      const { stderr, code } = await asked(change)
      expect(stderr).toContain("contains control characters")
      expect(code).toBe(2)
    }
    expect(day.usageDb().reservations.pending(null)).toEqual([])
  })

  test("for spot at a price that rounds to nothing does not count as nothing", async () => {
    const { stderr, code } = await asked({ spot: { max_price: 4e-7 }, dry_run: true })
    expect(stderr).toContain("spot.max_price is less than a micro-dollar")
    expect(code).toBe(2)
  })

  test("for a local zone, where prices are higher, does not get the region's price", async () => {
    const { stderr, code } = await asked({ availability_zone: "us-east-1-bos-1a", dry_run: true })
    expect(stderr).toContain('zone: "us-east-1-bos-1a" is no availability zone of us-east-1')
    expect(code).toBe(3)
  })

  test("for an image sold by the hour is not reserved by the second", async () => {
    const prices = { on_demand: { "m1.small/RunInstances:000g": 0.1 } } as never
    day.course.configure({ prices })
    const { image } = emulator.fixtures
    const deps = depsOf(day.course, { login: student })
    const found = await (await deps.aws.ec2()).image(image)
    deps.usageDb.transaction(() =>
      deps.usageDb.lookups.set(
        "image",
        image,
        { ...found, usageOperation: "RunInstances:000g" },
        utcMsOf(Date.now()),
      ),
    )
    deps.close()
    const refused = await asked({ lease_minutes: 1, dry_run: true })
    expect(refused.stderr).toContain("SUSE's, sold by the started hour")
    expect(refused.code).toBe(3)
    day.course.configure({ prices, billing: { granularity: "hour" } })
    expect((await asked({ lease_minutes: 1, dry_run: true })).code).toBe(0)
  })
})
