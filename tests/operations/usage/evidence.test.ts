/** What proves that an instance was on, or off, and what only looks so: in dollars it is the difference between a figure and bounds. */

import { describe, expect, test } from "bun:test"
import type { Aws } from "../../../lib/aws/interfaces.ts"
import { tagOf } from "../../../lib/base/instance.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerHour, msPerMinute, msPerSecond, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import type { Lease } from "../../../lib/db/enforcement/leases.ts"
import type { NewReservation } from "../../../lib/db/launches/reservations.ts"
import type { UsageDb } from "../../../lib/db/usage_db.ts"
import type { FlatRateCharge } from "../../../lib/decisions/pricing/flat_rate_charges.ts"
import { type InstanceEvent, withEvents } from "../../../lib/decisions/usage/events.ts"
import { concludeAbsence } from "../../../lib/decisions/usage/observations.ts"
import { between, exactly } from "../../../lib/decisions/usage/runs.ts"
import { systemClock } from "../../../lib/host/clock.ts"
import { recordRunning } from "../../../lib/operations/launches/record_launch.ts"
import { askEventHistory } from "../../../lib/operations/usage/event_history.ts"
import { recordFlatRateCharges } from "../../../lib/operations/usage/flat_rate_charges.ts"
import { recordAbsent, recordObserved } from "../../../lib/operations/usage/record_observation.ts"
import { instanceWith, newLedger, plainRules } from "../../support/ledger.ts"

const start = utcMsOf(Date.UTC(2026, 8, 1))
const login = "cs61c-ab"
const id = "i-1"
const rates = {
  microUsdPerHour: microUsdOf(85_000),
  storageMicroUsdPerHour: microUsdOf(900),
  addressMicroUsdPerHour: microUsdOf(5000),
}
const reservation = {
  ...{ id: "r-1", login, kind: "launch", region: "us-east-1", instanceType: "m1.small", market: "on-demand" },
  ...{
    keyName: "",
    image: "",
    count: 1,
    usageOperation: "RunInstances",
    ...rates,
    worstMicroUsd: microUsdOf(0),
  },
  ...{
    leaseEndsAtUtcMs: utcMsOf(start + 3 * msPerHour),
    instanceId: null,
    process: "",
    createdAtUtcMs: start,
  },
} satisfies NewReservation

const gmt = (utcMs: UtcMs) => new Date(utcMs).toISOString().slice(0, 19).replace("T", " ")
const dated = (utcMs: UtcMs) => ({ stateTransitionReason: `User initiated (${gmt(utcMs)} GMT)` })
const shown = (parts: Partial<Parameters<typeof instanceWith>[0]>) => ({
  ...instanceWith({ id, launchedAtUtcMs: start, tags: { [tagOf.owner]: login }, ...parts }),
  publicIpv4: false,
})

function launched(lease: Partial<Lease> = {}) {
  const db = newLedger()
  const tariff = db.prices.tariff(plainRules)
  const look = (utcMs: UtcMs) => ({ fromUtcMs: utcMs, toUtcMs: utcMs, previousUtcMs: null })
  db.transaction(() =>
    recordRunning({ usageDb: db, config: plainRules, clock: systemClock }, reservation, [shown({})]),
  )
  if (lease.terminationAtUtcMs) db.leases.scheduleSet(id, null, lease.terminationAtUtcMs)
  if (lease.endsAtUtcMs) db.leases.extend(id, lease.endsAtUtcMs)
  return {
    db,
    see: (utcMs: UtcMs, parts: Parameters<typeof shown>[0]) =>
      db.transaction(() => recordObserved(db, tariff, shown(parts), look(utcMs))),
    miss: (utcMs: UtcMs) => db.transaction(() => recordAbsent(db, tariff, id, look(utcMs))),
    end: () => db.ledger.runs.ofInstance(id).at(-1)?.end,
  }
}

describe("an event that found the instance off", () => {
  const window = {
    start: exactly(start, "observed"),
    end: between(start, utcMsOf(start + 5 * msPerHour), "vanished"),
  }
  const terminated = (wasOn: boolean | null): InstanceEvent => ({
    ...{ name: "TerminateInstances", atUtcMs: utcMsOf(start + 3 * msPerHour), wasOn, hibernates: false },
  })

  test.each([false, null])("is no end of its run, as that of a scheduler's switch (was on: %p)", (wasOn) => {
    const [run] = withEvents({ ...window, endedByEc2: false }, [terminated(wasOn)]) ?? []
    expect(run?.end).toEqual(between(start, utcMsOf(start + 3 * msPerHour), "cloudtrail"))
  })

  test("does not hide the one in the same second that found it on, whose answer was lost", () => {
    const events = [terminated(false), terminated(true)]
    const [run] = withEvents({ ...window, endedByEc2: null }, events) ?? []
    expect(run?.end).toEqual(exactly(utcMsOf(start + 3 * msPerHour), "cloudtrail"))
    expect(run?.endedByEc2).toBe(false)
  })

  test("does not say that EC2 had not taken it back before, which may be free", () => {
    const endedByEc2Of = (wasOn: boolean | null) =>
      withEvents({ ...window, endedByEc2: null }, [terminated(wasOn)])?.[0]?.endedByEc2
    expect([endedByEc2Of(false), endedByEc2Of(null), endedByEc2Of(true)]).toEqual([null, null, false])
  })
})

describe("events that are asked for once more", () => {
  const begun = start + msPerHour
  const ended = begun + 45 * msPerSecond
  const gap = between(utcMsOf(begun), utcMsOf(ended), "cloudtrail")
  const events: InstanceEvent[] = [
    { name: "StartInstances", atUtcMs: utcMsOf(begun), wasOn: false, hibernates: false },
    { name: "StopInstances", atUtcMs: utcMsOf(ended), wasOn: true, hibernates: false },
  ]

  test("leave in the ledger a run of seconds whose type they could not tell", () => {
    expect(withEvents({ start: gap, end: gap, endedByEc2: false }, events)).toBeNull()
  })

  test("are asked for as far back as CloudTrail goes, also of an instance that is older", async () => {
    const { db, see, miss } = launched()
    const nowUtcMs = start + 200 * msPerDay
    see(utcMsOf(nowUtcMs - 2 * msPerDay), { state: "running" })
    miss(utcMsOf(nowUtcMs - msPerDay))
    const asked: number[] = []
    const instanceEvents = async (_: string, fromUtcMs: UtcMs) => {
      asked.push(fromUtcMs)
      return []
    }
    const aws = { cloudTrail: async () => ({ instanceEvents }), clockOffsetMs: () => 0 }
    const clock = { now: () => utcMsOf(nowUtcMs), sleep: async () => {} }
    await askEventHistory({ aws: aws as unknown as Aws, usageDb: db, clock })
    expect(asked).toEqual([nowUtcMs - 90 * msPerDay])
  })
})

/** As the simulated term found them: the ledger said "exactly", and was too high or too low. */
describe("a stop that nobody recorded, and a switch that then terminated", () => {
  const stopped = start + 1.7 * msPerHour
  const terminated = start + 2 * msPerHour

  test("leave the run's end open between the last look and the termination, until CloudTrail tells of the stop", () => {
    const { db, see } = launched()
    see(utcMsOf(start + msPerHour), { state: "running" })
    see(utcMsOf(start + 3 * msPerHour), { state: "terminated", ...dated(utcMsOf(terminated)) })
    const [run] = db.ledger.runs.ofInstance(id)
    if (!run) throw new Error("no run")
    expect(run.end).toEqual(between(utcMsOf(start + msPerHour), utcMsOf(terminated), "reason"))
    const events: InstanceEvent[] = [
      { name: "StopInstances", atUtcMs: utcMsOf(stopped), wasOn: true, hibernates: false },
      { name: "TerminateInstances", atUtcMs: utcMsOf(terminated), wasOn: false, hibernates: false },
    ]
    expect(withEvents(run, events)?.map(({ end }) => end)).toEqual([exactly(utcMsOf(stopped), "cloudtrail")])
  })

  test("leave the volumes of what was stopped, and vanished before cron came back, to cost until it was gone", () => {
    const { db, miss } = launched({ terminationAtUtcMs: utcMsOf(terminated) })
    db.transaction(() => db.ledger.recordStopped(id, utcMsOf(start + msPerHour)))
    const utcMs = start + 48 * msPerHour
    miss(utcMsOf(utcMs))
    const look = {
      fromUtcMs: utcMsOf(utcMs),
      toUtcMs: utcMsOf(utcMs),
      there: [],
      elasticIps: new Set<string>(),
      silent: [],
    }
    db.transaction(() => recordFlatRateCharges(db, db.prices.tariff(plainRules), look))
    const [flatRate] = db.ledger.flatRates.ofLogin(login)
    expect(flatRate?.endEarliestUtcMs).toBeLessThanOrEqual(terminated)
    expect(flatRate?.endLatestUtcMs).toBeGreaterThanOrEqual(terminated)
  })
})

describe("the volumes of what was terminated", () => {
  const terminated = start + 2 * msPerHour
  const lookedAt = start + 3 * msPerHour
  const noticeGone = (db: UsageDb) => {
    const look = {
      fromUtcMs: utcMsOf(lookedAt),
      toUtcMs: utcMsOf(lookedAt),
      there: [],
      elasticIps: new Set<string>(),
      silent: [],
    }
    db.transaction(() => recordFlatRateCharges(db, db.prices.tariff(plainRules), look))
  }
  const endOf = (db: UsageDb) => {
    const [{ endEarliestUtcMs, endLatestUtcMs } = {}] = db.ledger.flatRates.ofLogin(login)
    return [endEarliestUtcMs, endLatestUtcMs]
  }

  test("were there until EC2's date, though it may have been stopped before", () => {
    const { db, see } = launched()
    see(utcMsOf(start + msPerHour), { state: "running" })
    see(utcMsOf(lookedAt), { state: "terminated", ...dated(utcMsOf(terminated)) })
    noticeGone(db)
    expect(endOf(db)).toEqual([utcMsOf(terminated), utcMsOf(terminated)])
  })

  test("ended with the call that CloudTrail tells of later, whatever stopped it before", async () => {
    const { db, see, miss } = launched()
    see(utcMsOf(start + msPerHour), { state: "running" })
    miss(utcMsOf(lookedAt))
    noticeGone(db)
    expect(endOf(db)).toEqual([utcMsOf(start + msPerHour), utcMsOf(lookedAt)])
    const call = (name: string, atUtcMs: UtcMs, wasOn: boolean) => {
      return { name, atUtcMs, wasOn, hibernates: false, user: "x", eventId: name }
    }
    const instanceEvents = async () => [
      call("StopInstances", utcMsOf(terminated - msPerMinute), true),
      call("TerminateInstances", utcMsOf(terminated), false),
      call("TerminateInstances", utcMsOf(terminated + msPerMinute), false),
    ]
    const aws = { cloudTrail: async () => ({ instanceEvents }), clockOffsetMs: () => 0 }
    const clock = { now: () => utcMsOf(lookedAt + msPerHour), sleep: async () => {} }
    await askEventHistory({ aws: aws as unknown as Aws, usageDb: db, clock })
    expect(db.ledger.runs.ofInstance(id).at(-1)?.end).toEqual(
      exactly(utcMsOf(terminated - msPerMinute), "cloudtrail"),
    )
    expect(endOf(db)).toEqual([utcMsOf(terminated), utcMsOf(terminated)])
  })
})

describe("a switch that was set for the lease's end", () => {
  const end = start + 3 * msPerHour

  test("bounds what vanished", () => {
    const { miss, end: found } = launched({ terminationAtUtcMs: utcMsOf(end) })
    miss(utcMsOf(start + 48 * msPerHour))
    expect(found()).toEqual(between(start, utcMsOf(end + msPerMinute), "vanished"))
  })

  test("bounds nothing where an extension was cut off before it noted that it had moved the switch", () => {
    const { miss, end: found } = launched({
      terminationAtUtcMs: utcMsOf(end),
      endsAtUtcMs: utcMsOf(end + 2 * msPerHour),
    })
    miss(utcMsOf(start + 48 * msPerHour))
    expect(found()).toEqual(between(start, utcMsOf(start + 48 * msPerHour), "vanished"))
  })
})

describe("the absence of what was launched a minute ago", () => {
  const sawIt = start + 30 * msPerSecond
  const known = {
    ...{ state: "running" as const, instanceType: "m1.small", launchedAtUtcMs: start, endedUtcMs: null },
    lastRun: { start: exactly(start, "observed"), end: null, endedByEc2: null },
  }
  const look = (previousUtcMs: UtcMs | null) => {
    return { fromUtcMs: utcMsOf(start + msPerMinute), toUtcMs: utcMsOf(start + msPerMinute), previousUtcMs }
  }

  test("says nothing where only our launch's reply has told of it: listings lag", () => {
    const launchedByUs = { ...known, isOurs: true, seenUtcMs: utcMsOf(start + 3 * msPerSecond) }
    expect(concludeAbsence(launchedByUs, false, look(null))).toBeNull()
    expect(concludeAbsence(launchedByUs, false, look(utcMsOf(sawIt)))).toBeNull()
  })

  test("bounds its end where a listing had shown it", () => {
    const end = between(utcMsOf(sawIt), utcMsOf(start + msPerMinute), "vanished")
    for (const isOurs of [true, false]) {
      const news = concludeAbsence(
        { ...known, isOurs, seenUtcMs: utcMsOf(sawIt) },
        false,
        look(utcMsOf(sawIt)),
      )
      expect(news?.lastRun?.end).toEqual(end)
    }
  })
})

describe("our own call", () => {
  const restarted = start + 2 * msPerHour
  const stopAndStart = (db: UsageDb) =>
    db.transaction(() => {
      db.ledger.recordStopped(id, utcMsOf(start + msPerHour))
      // EC2 took some seconds to answer.
      db.ledger.recordStarted(id, "m1.small", utcMsOf(restarted + 7 * msPerSecond))
    })

  test("gives way to LaunchTime also where the run is over before anybody looks", () => {
    const { db, see } = launched()
    stopAndStart(db)
    see(utcMsOf(start + 4 * msPerHour), {
      ...{ state: "stopped", launchedAtUtcMs: utcMsOf(restarted), ...dated(utcMsOf(start + 3 * msPerHour)) },
    })
    const { start: from, end } = db.ledger.runs.ofInstance(id).at(-1) ?? {}
    expect(from).toEqual(exactly(utcMsOf(restarted), "observed"))
    expect(end).toEqual(exactly(utcMsOf(start + 3 * msPerHour), "reason"))
  })

  test("gives way to it also where the end was ours too, and EC2 does not date it", () => {
    const { db, see } = launched()
    stopAndStart(db)
    const end = exactly(utcMsOf(start + 3 * msPerHour), "observed")
    db.transaction(() => db.ledger.recordEnded(id, end))
    see(utcMsOf(start + 4 * msPerHour), { state: "terminated", launchedAtUtcMs: utcMsOf(restarted) })
    const run = db.ledger.runs.ofInstance(id).at(-1)
    expect([run?.start, run?.end]).toEqual([exactly(utcMsOf(restarted), "observed"), end])
  })

  test("that terminated what was stopped is its end, also where EC2 does not date it: until then volumes cost", () => {
    const { db, see } = launched()
    db.transaction(() => db.ledger.recordStopped(id, utcMsOf(start + msPerHour)))
    const atUtcMs = start + 9 * msPerHour
    db.transaction(() =>
      db.ledger.recordEnded(id, {
        earliestUtcMs: start,
        latestUtcMs: utcMsOf(atUtcMs),
        evidence: "observed",
      }),
    )
    see(utcMsOf(start + 9.5 * msPerHour), { state: "terminated" })
    expect(db.ledger.old.endOf(id)).toBe(utcMsOf(atUtcMs))
  })
})

describe("the volumes of a launch that was settled late", () => {
  const volume: FlatRateCharge = {
    ...{ flatRateId: "vol-1", kind: "volume", login, region: "us-east-1", description: "gp3 8 GiB" },
    ...{ microUsdPerHour: microUsdOf(889), startEarliestUtcMs: start, startLatestUtcMs: start },
    ...{ endEarliestUtcMs: null, endLatestUtcMs: null, seenUtcMs: start, goesWithInstance: id },
  }

  test("are not estimated beside those that a snapshot had seen", () => {
    const db = newLedger()
    db.transaction(() => {
      db.ledger.flatRates.put(volume)
      const observation = {
        fromUtcMs: utcMsOf(start + msPerHour),
        toUtcMs: utcMsOf(start + msPerHour),
        previousUtcMs: null,
      }
      recordObserved(db, db.prices.tariff(plainRules), shown({}), observation)
      recordRunning({ usageDb: db, config: plainRules, clock: systemClock }, reservation, [shown({})])
    })
    expect(db.ledger.flatRates.ofLogin(login).map(({ flatRateId }) => flatRateId)).toEqual(["vol-1"])
  })

  test("cost since the launch, also where it has been started again since", () => {
    const db = newLedger()
    const again = shown({ launchedAtUtcMs: utcMsOf(start + 2 * msPerHour), firstAttachedUtcMs: start })
    db.transaction(() =>
      recordRunning({ usageDb: db, config: plainRules, clock: systemClock }, reservation, [again]),
    )
    expect(db.ledger.flatRates.ofLogin(login)[0]?.startEarliestUtcMs).toBe(start)
  })
})
