/** What a run costs when prices change, when it is on spot or hibernates, and what is known of it when the clock jumps. */

import { describe, expect, test } from "bun:test"
import { StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import type { Ec2 } from "../../../lib/aws/interfaces.ts"
import { Failed } from "../../../lib/base/errors.ts"
import { type MicroUsd, microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerHour, msPerMinute, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { snapshotPriceOf, storagePriceSource, volumePriceOf } from "../../../lib/decisions/pricing/prices.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { refreshPrices } from "../../../lib/operations/pricing/list_prices.ts"
import { keepSpotPrices } from "../../../lib/operations/pricing/spot_prices.ts"
import { interrupt } from "../../emulator/happenings.ts"
import { onDemandMicroUsd } from "../../emulator/prices.ts"
import { beforeEachFresh, type CronWorld, launchFor } from "../../support/cron_world.ts"

// A price list of 5,000 products, in pages of a hundred.
let emulator: CronWorld["emulator"]
let begin: number
let course: CronWorld["course"]
beforeEachFresh((world) => {
  ;({ emulator, begin, course } = world)
})

const login = "cs61c-ab"
const type = "m5.large"

const launch = async (parts: Parameters<typeof launchFor>[2] = {}) =>
  (await launchFor(emulator, login, { InstanceType: type, ...parts }))[0] ?? ""
const spot = { InstanceMarketOptions: { MarketType: "spot" as const } }
const hours = (count: number) => emulator.proxy.advance(count * msPerHour)
const terminate = (id: string) => emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
const billed = () => emulator.proxy.world.bill.total({ tag: ["ec2-wrappers:owner", login] })
const said = () => course.spent(login)

/** AWS counts from `running`, a tenth of a second after the LaunchTime from which we do. */
function expectBillInside(apart = 100): void {
  const { lowest, highest } = said()
  expect(lowest).toBeLessThanOrEqual(billed() + apart)
  // The bill here is rounded once; we round each of instance, address and volume.
  expect(highest + 3).toBeGreaterThanOrEqual(billed())
}

describe("usage_cron --refresh-prices", () => {
  const refresh = () => refreshPrices(course.deps)
  const keptOf = () =>
    course.usageDb.prices.tariff(course.config).book.kept("us-east-1", type, "RunInstances")

  test("keeps what has changed with the date from which it holds, and nothing twice", async () => {
    const [first] = await refresh()
    expect(first).toMatchObject({ region: "us-east-1", changed: first?.read })
    await hours(24)
    expect((await refresh())[0]?.changed).toBe(0)
    emulator.proxy.world.knobs.listPriceFactor = 2
    await hours(24)
    expect((await refresh())[0]?.changed).toBeGreaterThan(0)
    expect(keptOf()).toEqual([
      { fromUtcMs: utcMsOf(begin), microUsdPerHour: microUsdOf(onDemandMicroUsd(type)) },
      { fromUtcMs: utcMsOf(begin + 2 * msPerDay), microUsdPerHour: microUsdOf(2 * onDemandMicroUsd(type)) },
    ])
  })

  test("counts from AWS's own date, but never over a price that was seen to hold later", () => {
    const { prices } = course.usageDb
    const kept: [effectiveUtcMs: UtcMs | null, microUsdPerHour: MicroUsd][] = [
      [utcMsOf(begin - 20 * msPerDay), microUsdOf(100)],
      [utcMsOf(begin - 2 * msPerDay), microUsdOf(90)],
      [utcMsOf(begin - 2 * msPerDay), microUsdOf(80)],
      [null, microUsdOf(70)],
    ]
    kept.forEach(([effectiveUtcMs, microUsdPerHour], index) => {
      const price = { instanceType: type, usageOperation: "RunInstances", microUsdPerHour, effectiveUtcMs }
      prices.keepList("us-east-1", [price], utcMsOf(begin + index * msPerDay))
    })
    expect(keptOf()).toEqual([
      { fromUtcMs: utcMsOf(begin - 20 * msPerDay), microUsdPerHour: microUsdOf(100) },
      { fromUtcMs: utcMsOf(begin - 2 * msPerDay), microUsdPerHour: microUsdOf(90) },
      { fromUtcMs: utcMsOf(begin + 2 * msPerDay), microUsdPerHour: microUsdOf(80) },
      { fromUtcMs: utcMsOf(begin + 3 * msPerDay), microUsdPerHour: microUsdOf(70) },
    ])
  })

  test("reads what volumes and snapshots cost, and charges another region's by it", async () => {
    const gp3 = { type: "gp3", gib: 100, iops: 3000, throughput: 1024 + 125 }
    const { prices } = course.usageDb
    expect(volumePriceOf(gp3, "us-west-1", prices.storage())).toBe(volumePriceOf(gp3, "us-west-1"))
    expect(storagePriceSource("us-west-1", "gp3", prices.storage())).toBe("estimate")
    course.config.aws.regions = ["us-east-1", "us-west-1"]
    await refresh()
    // 100 GiB at $0.088 and 1 GiB/s at $45.056, a tenth more than in us-east-1, in a month of 720 hours.
    expect(volumePriceOf(gp3, "us-west-1", prices.storage())).toBe(
      microUsdOf(Math.ceil(((8.8 + 45.056) / 720) * 1e6)),
    )
    expect(snapshotPriceOf(720, "us-west-1", prices.storage())).toBe(microUsdOf(55_000))
    expect(storagePriceSource("us-west-1", "gp3", prices.storage())).toBe("price list")
    expect(volumePriceOf(gp3, "us-east-1", prices.storage())).toBe(volumePriceOf(gp3, "us-east-1"))
    expect((await refresh()).map(({ changed }) => changed)).toEqual([0, 0])
  })

  test("leaves older runs their old price, and charges each run by the price at its time", async () => {
    await refresh()
    const early = await launch()
    await hours(10)
    await terminate(early)
    await hours(0.1)
    await course.cron()
    const before = said()
    emulator.proxy.world.knobs.listPriceFactor = 2
    await refresh()
    expect(said()).toEqual(before)
    const late = await launch()
    await hours(10)
    await terminate(late)
    await hours(0.1)
    await course.cron()
    const price = (id: string) => {
      const [run] = course.usageDb.ledger.runs.ofInstance(id)
      const { book } = course.usageDb.prices.tariff(course.config)
      return book
        .kept("us-east-1", type, "RunInstances")
        .findLast(({ fromUtcMs }) => fromUtcMs <= (run?.start.earliestUtcMs ?? 0))?.microUsdPerHour
    }
    expect(price(late)).toBe(microUsdOf(2 * (price(early) ?? 0)))
    const second = said().highest - before.highest
    const addresses = 10 * 5000
    expect((second - addresses) / (before.highest - addresses)).toBeCloseTo(2, 1)
  })

  for (const kind of ["half-answer", "garbage", "unavailable", "drop-before"] as const) {
    test(`a list that ends in ${kind} changes no price`, async () => {
      await refresh()
      const before = keptOf()
      emulator.proxy.world.knobs.listPriceFactor = 3
      emulator.proxy.faults.add({ kind, action: "GetProducts", skip: 1, times: Number.POSITIVE_INFINITY })
      const { stdout, stderr, code } = await course.course.run("usage_cron", ["--refresh-prices"])
      expect([stdout, code]).toEqual(["", 1])
      expect(stderr.trimEnd().split("\n").length).toBe(1)
      expect(keptOf()).toEqual(before)
    })
  }
})

describe("spot", () => {
  test("is charged by the recorded price history, over its changes", async () => {
    const id = await launch(spot)
    await course.cron()
    await hours(9)
    await course.cron()
    await terminate(id)
    await hours(0.1)
    await course.cron()
    expectBillInside()
    const { lowest, highest } = said()
    expect(highest - lowest).toBeLessThan(1000)
    const zone = course.usageDb.ledger.runs.ofInstance(id)[0]?.zone ?? ""
    const kept = course.usageDb.prices.tariff(course.config).book.spot(zone, type, "RunInstances")
    expect(kept.length).toBeGreaterThanOrEqual(3)
    const { stdout } = await course.course.run("usage_report", ["--explain", id])
    expect(stdout).toContain("by spot history")
  })

  test("is charged by the history of its type also where another type's cannot be read", async () => {
    const id = await launch(spot)
    await launch({ ...spot, InstanceType: "c5.large" })
    const { usageDb, clock, aws } = course
    await course.cron()
    const [run] = usageDb.ledger.runs.ofInstance(id)
    if (!run) throw new Error("no run")
    usageDb.transaction(() =>
      usageDb.ledger.addRun(null, {
        ...run,
        instanceId: "i-before",
        start: exactly(utcMsOf(begin - msPerDay), "observed"),
      }),
    )
    const asked: Record<string, number> = {}
    const spotPriceHistory: Ec2["spotPriceHistory"] = async ({
      instanceTypes: [of = ""],
      zone = "",
      startUtcMs,
    }) => {
      asked[of] = startUtcMs
      if (of === "c5.large") throw new Failed("describe spot price history", "denied")
      const fromUtcMs = startUtcMs - msPerHour
      return [
        {
          instanceType: of,
          zone,
          product: "Linux/UNIX",
          fromUtcMs: utcMsOf(fromUtcMs),
          microUsdPerHour: microUsdOf(7),
        },
      ]
    }
    const withOther = { ...aws, ec2: async () => ({ spotPriceHistory }) as unknown as Ec2 }
    await expect(keepSpotPrices({ aws: withOther, usageDb, clock })).rejects.toThrow("denied")
    expect(asked[type]).toBe(begin - msPerDay)
    const kept = usageDb.prices.tariff(course.config).book.spot(run.zone, type, "RunInstances")
    expect(kept[0]).toEqual({
      fromUtcMs: utcMsOf(begin - msPerDay - msPerHour),
      microUsdPerHour: microUsdOf(7),
    })
    await expect(keepSpotPrices({ aws: withOther, usageDb, clock })).rejects.toThrow("denied")
    expect(asked[type]).toBe(kept.at(-1)?.fromUtcMs)
  })

  test("is charged by its history also where that could not be read for weeks, and is asked for once", async () => {
    emulator.proxy.faults.add({ kind: "unavailable", action: "DescribeSpotPriceHistory", times: 1e6 })
    const id = await launch(spot)
    await course.cron()
    await terminate(id)
    await hours(0.1)
    await course.cron()
    const { usageDb, clock, aws } = course
    const [run] = usageDb.ledger.runs.ofInstance(id)
    expect(run?.end).not.toBeNull()
    const asked: number[] = []
    const spotPriceHistory: Ec2["spotPriceHistory"] = async ({ zone = "", startUtcMs }) => {
      asked.push(startUtcMs)
      const product = "Linux/UNIX"
      return [{ instanceType: type, zone, product, fromUtcMs: startUtcMs, microUsdPerHour: microUsdOf(7) }]
    }
    const back = {
      ...aws,
      clockOffsetMs: () => null,
      ec2: async () => ({ spotPriceHistory }) as unknown as Ec2,
    }
    for (const days of [30, 40]) {
      const later = { ...clock, now: () => utcMsOf(clock.now() + days * msPerDay) }
      await keepSpotPrices({ aws: back, usageDb, clock: later })
      expect(asked).toEqual([run?.start.earliestUtcMs ?? 0])
    }
    const { stdout } = await course.course.run("usage_report", ["--explain", id])
    expect(stdout).toContain("by spot history")
  })

  test("is free where EC2 takes it back in its first hour, and counted where it does so later", async () => {
    const [early, late] = [await launch(spot), await launch(spot)]
    await course.cron()
    await hours(0.5)
    await interrupt(emulator.proxy.world, early)
    await hours(0.05)
    await course.cron()
    const runOf = (id: string) => course.usageDb.ledger.runs.ofInstance(id)[0]
    expect(runOf(early)).toMatchObject({ endedByEc2: true })
    await hours(2)
    await interrupt(emulator.proxy.world, late)
    await hours(0.05)
    await course.cron()
    expectBillInside()
    const { stdout } = await course.course.run("usage_report", ["--explain", early])
    expect(stdout).toContain("taken back by EC2")
    expect(stdout).toContain("instance $ 0.000")
  })

  test("ended by its user in the first hour is paid", async () => {
    const id = await launch(spot)
    await course.cron()
    await hours(0.5)
    await terminate(id)
    await hours(0.05)
    await course.cron()
    expect(course.usageDb.ledger.runs.ofInstance(id)[0]).toMatchObject({ endedByEc2: false })
    expectBillInside()
    expect(said().lowest).toBeGreaterThan(5000)
  })
})

describe("hibernation", () => {
  test("is billed while it is `stopping`, and not once it has stopped", async () => {
    emulator.proxy.world.knobs.stoppingMs = 20 * msPerMinute
    const id = await launch()
    await course.cron()
    await hours(1)
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id], Hibernate: true }))
    await emulator.proxy.advance(10 * msPerMinute)
    await course.cron()
    expect(course.usageDb.ledger.runs.ofInstance(id)).toMatchObject([{ end: null }])
    expectBillInside()
    await emulator.proxy.advance(15 * msPerMinute)
    await course.cron()
    const after = said()
    expectBillInside()
    expect(course.usageDb.ledger.runs.ofInstance(id)[0]?.end).not.toBeNull()
    await hours(50)
    await course.cron()
    const volume = 50 * 1042
    expect(said()).toEqual({
      lowest: microUsdOf(after.lowest + volume),
      highest: microUsdOf(after.highest + volume),
    })
    expectBillInside()
  })

  test("that no look saw `stopping` is bounded by what it may have taken", async () => {
    emulator.proxy.world.knobs.stoppingMs = 20 * msPerMinute
    const id = await launch()
    await course.cron()
    await hours(1)
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id], Hibernate: true }))
    await hours(2)
    await course.cron()
    expectBillInside()
  })
})

describe("a clock that jumps between two runs of cron", () => {
  for (const [jump, byHours] of [
    ["back by a day", -24],
    ["back by ten minutes", -1 / 6],
    ["forward by a day", 24],
  ] as const) {
    test(`${jump} ends nothing that runs, and the bill lies inside the bounds once it is right again`, async () => {
      const [ends, stays] = [await launch(), await launch()]
      await course.cron()
      await hours(3)
      await course.cron()
      const trueNow = course.clock.now
      course.clock.now = () => utcMsOf(trueNow() + byHours * msPerHour)
      const wrong = await course.cron()
      if (byHours < 0) expect(wrong?.warnings.join()).toContain("the clock has gone back")
      expect(course.usageDb.ledger.openInstances(login).length).toBe(2)
      await terminate(ends)
      await hours(0.1)
      await course.cron()
      course.clock.now = trueNow
      await hours(1)
      await course.cron()
      expect(course.usageDb.ledger.openInstances(login).map(({ instanceId }) => instanceId)).toEqual([stays])
      await terminate(stays)
      await hours(0.1)
      await course.cron()
      expectBillInside()
    })
  }

  test("back while something vanishes: its bounds hold the truth", async () => {
    const id = await launch()
    await course.cron()
    await hours(3)
    await course.cron()
    const trueNow = course.clock.now
    course.clock.now = () => utcMsOf(trueNow() - 2 * msPerHour)
    await hours(0.5)
    await course.cron()
    await terminate(id)
    await hours(3)
    await course.cron()
    course.clock.now = trueNow
    await hours(1)
    await course.cron()
    expect(course.usageDb.ledger.openInstances(login)).toEqual([])
    expectBillInside()
  })

  test("forward while something vanishes: once it is right again the bounds hold the truth", async () => {
    const id = await launch()
    await course.cron()
    await hours(3)
    const trueNow = course.clock.now
    course.clock.now = () => utcMsOf(trueNow() + msPerDay)
    await course.cron()
    await terminate(id)
    await hours(3)
    await course.cron()
    course.clock.now = trueNow
    await hours(1)
    await course.cron()
    expect(course.usageDb.ledger.openInstances(login)).toEqual([])
    expectBillInside()
    // What was stamped a day ahead does not stay so.
    const [run] = course.usageDb.ledger.runs.ofInstance(id)
    expect(run?.end?.latestUtcMs).toBeLessThanOrEqual(course.clock.now() + 1000)
    for (const { seenUtcMs } of course.usageDb.ledger.flatRates.ofLogin(login))
      expect(seenUtcMs).toBeLessThanOrEqual(course.clock.now() + 1000)
  })
})
