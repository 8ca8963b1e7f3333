/**
 * One made-up course: lives of instances, a host whose cron looks at them with faults and a clock that jumps, through the real
 * usage.db, usage_cron and usage_report, and AWS's bill beside what they say.
 */
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerHour, msPerMinute, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import type { UsageDb } from "../../../lib/db/usage_db.ts"
import { volumePriceOf } from "../../../lib/decisions/pricing/prices.ts"
import { exactly, isExact } from "../../../lib/decisions/usage/runs.ts"
import { loadConfig } from "../../../lib/host/config/config.ts"
import { report } from "../../../lib/operations/reports/report.ts"
import { runCron } from "../../../lib/operations/usage/cron.ts"
import { refreshUser } from "../../../lib/operations/usage/refresh.ts"
import { usageDbAt } from "../databases.ts"
import { workspace } from "../tools.ts"
import { cloudOf, type Faults, type Now, noFaults, volumeGib } from "./cloud.ts"
import {
  billOf,
  flat,
  hourly,
  type Life,
  makeLife,
  mysterious,
  type Rules,
  type SpotChange,
  shown,
} from "./history.ts"
import { type Random, randomFrom, seconds } from "./random.ts"

export interface Found {
  histories: number
  /** How often a user's bounds were held against the bill. */
  compared: number
  /** How many instances were known exactly, to the second. */
  exact: number
  wrong: string[]
}

interface Look {
  utcMs: UtcMs
  clockAheadMs: number
  faults: Faults
  cloudTrail: boolean
  /** Not cron's: half of the users ask for their own report. */
  isOfUsers: boolean
}

/** How far apart the host's clock and AWS's may be without being noticed, and a look lasts. */
const apartMs = 1500

const begin = utcMsOf(Date.UTC(2026, 8, 1))

/** Those of the seeds from one to before another. */
export async function tryWorlds(fromSeed: number, toSeed: number): Promise<Found> {
  const sum: Found = { histories: 0, compared: 0, exact: 0, wrong: [] }
  for (let seed = fromSeed; seed < toSeed; seed++) {
    const found = await tryWorld(seed)
    for (const count of ["histories", "compared", "exact"] as const) sum[count] += found[count]
    sum.wrong.push(...found.wrong)
  }
  return sum
}

export async function tryWorld(seed: number): Promise<Found> {
  const random = randomFrom(seed)
  const byHour = random.chance(0.15)
  // Half of the courses take LaunchTime for the start; there the bill does too.
  const sinceLaunch = random.chance(0.5)
  const toUtcMs = begin + seconds(random, 12 * 3600, 8 * 86_400)
  const looks = looksUntil(random, utcMsOf(toUtcMs))
  const rules: Rules = { byHour, spotPrices: spotPricesUntil(random, utcMsOf(toUtcMs)) }
  const lives = Array.from({ length: 16 }, (_, index) =>
    knowable(makeLife(random, index, { fromUtcMs: begin, toUtcMs: utcMsOf(toUtcMs), byHour }), looks),
  )
  const overrides = Object.fromEntries(
    Object.entries(hourly).flatMap(([type, price]) => [
      [type, price / 1e6],
      [`${type}/RunInstances:000g`, price / 1e6],
    ]),
  )
  const course = workspace({
    config: {
      billing: { granularity: byHour ? "hour" : "second", pending_seconds: sinceLaunch ? 0 : 60 },
      prices: { on_demand: overrides },
    },
  })
  const config = loadConfig(course.configPath)
  const now: Now = { utcMs: begin, clockAheadMs: 0, faults: noFaults }
  const clock = { now: () => utcMsOf(now.utcMs + now.clockAheadMs), sleep: async () => undefined }
  const aws = cloudOf(lives, now, rules, random)
  const usageDb = usageDbAt({ path: config.paths.usageDb, clock, create: true })
  const deps = { aws, usageDb, config, clock }
  const found: Found = { histories: lives.length, compared: 0, exact: 0, wrong: [] }
  const volumesSeen = new Set<string>()
  const acts = actsOf(lives)
  try {
    for (const look of looks) {
      while (acts[0] && acts[0].utcMs <= look.utcMs) acts.shift()?.act(usageDb)
      Object.assign(now, look)
      if (look.isOfUsers) {
        const asking = lives.filter(() => random.chance(0.5))
        const answered: Life[] = []
        for (const life of asking)
          await refreshUser(deps, life.login).then(
            () => answered.push(life),
            () => {},
          )
        await compare(look, answered)
        continue
      }
      const isRead = look.faults.listing === "no" && !look.faults.byId
      const volumesThere = lives.filter((life) => isAlive(life, now.utcMs))
      const done = await runCron(deps, { cloudTrail: look.cloudTrail }).catch((error) => String(error))
      if (typeof done === "string") {
        if (isRead) found.wrong.push(`seed ${seed}: cron failed: ${done}`)
        continue
      }
      if (!look.faults.rentals) for (const { id } of volumesThere) volumesSeen.add(id)
      await compare(look, lives)
    }
    for (const life of lives) compareExact(life)
  } finally {
    usageDb.close()
    course.remove()
  }
  return found

  /** Of those who were just looked at. */
  async function compare(look: Look, seen: readonly Life[]): Promise<void> {
    const users = await totalsNow()
    for (const life of seen) {
      const isKnown = usageDb.ledger.instances.get(life.id) !== null
      if (!isKnown) continue
      // For this look; the next ones read it.
      if (life.market === "spot" && (look.faults.spotPrices || look.isOfUsers)) continue
      const said = users.get(life.login) ?? { lowest: microUsdOf(0), highest: microUsdOf(0), unpriced: 0 }
      const bill = billOf(life, now.utcMs, rules, sinceLaunch)
      const volume = volumesSeen.has(life.id) ? volumeBill(life, now.utcMs) : 0
      const truth = bill.instance + bill.address + volume
      // A clock within a second of AWS's counts as right: the bill of the second before, or after, may be the one.
      const around = [-apartMs, apartMs].map(
        (ms) => billOf(life, utcMsOf(now.utcMs + ms), rules, sinceLaunch).instance - bill.instance,
      )
      const slack = 2 * (life.runs.length + 2)
      found.compared++
      const isInside =
        said.lowest <= truth + Math.max(...around) + slack &&
        said.highest >= truth + Math.min(...around) - slack
      const hasUnpriced = life.runs.some(({ type }) => type === mysterious)
      if (!isInside || (bill.unpriced && said.unpriced === 0) || (said.unpriced > 0 && !hasUnpriced))
        found.wrong.push(
          `seed ${seed} ${life.id} at ${iso(now.utcMs)}: the bill is ${truth} (${bill.instance} + ${bill.address} + ${volume}), we say ${said.lowest} to ${said.highest}${said.unpriced ? ", unpriced" : ""}; look ${looks.indexOf(look)}\n${describe(life)}\n${describeLedger(usageDb, life)}`,
        )
    }
  }

  async function totalsNow() {
    const caller = {
      login: "cs61c",
      isStudent: false,
      isStaff: true,
      home: "/",
      uid: process.getuid?.() ?? -1,
      behindWrapper: false,
      writerFd: null,
    }
    const unused = undefined as never
    const { lines } = await report(
      { ...deps, caller, home: unused, usersDb: unused, audit: unused },
      { user: "ALL", offline: true, json: true, csv: false, focus: false },
      () => {},
    )
    const { users } = JSON.parse([...lines].join("")) as {
      users: { user: string; lowest_usd: number; highest_usd: number; unpriced: number }[]
    }
    return new Map(
      users.map(({ user, lowest_usd, highest_usd, unpriced }) => [
        user,
        {
          lowest: microUsdOf(Math.round(lowest_usd * 1e6)),
          highest: microUsdOf(Math.round(highest_usd * 1e6)),
          unpriced,
        },
      ]),
    )
  }

  /** Where every instant is known exactly our figure is AWS's, and the pending seconds. */
  function compareExact(life: Life): void {
    const runs = usageDb.ledger.runs.ofInstance(life.id)
    const isCertain =
      runs.length > 0 && runs.every(({ start, end }) => isExact(start) && end !== null && isExact(end))
    if (!isCertain) return
    found.exact++
    const tariff = usageDb.prices.tariff(config)
    const { highest } = usageDb.transaction(() => usageDb.ledger.spent(tariff, life.login, null, now.utcMs))
    const rentals = usageDb.ledger.flatRates.ofLogin(life.login)
    if (
      rentals.some(
        (flatRate) =>
          flatRate.endLatestUtcMs === null || flatRate.endEarliestUtcMs !== flatRate.endLatestUtcMs,
      )
    )
      return
    if (runs.some(({ publicIpv4 }) => publicIpv4 === null)) return
    const { instance, address } = billOf(life, now.utcMs, rules, true)
    const volume = rentals.length > 0 ? volumeBill(life, now.utcMs) : 0
    const truth = instance + address + volume
    if (Math.abs(highest - truth) > 2 * (runs.length + 2))
      found.wrong.push(
        `seed ${seed} ${life.id}: exactly ${truth}, we say ${highest}\n${describe(life)}\n${describeLedger(usageDb, life)}`,
      )
  }
}

/** Cron looks every few minutes, with faults, is down now and then, and its clock jumps. The last look reads everything. */
function looksUntil(random: Random, toUtcMs: UtcMs): Look[] {
  const looks: Look[] = []
  let at =
    begin +
    random.weighted<number>([
      [2, -msPerHour],
      [1, seconds(random, 0, 36 * 3600)],
    ])
  let clockAheadMs = 0
  while (at < toUtcMs) {
    if (random.chance(0.12)) clockAheadMs = clockAheadMs === 0 && random.chance(0.7) ? jump(random) : 0
    const isFaulty = random.chance(0.25)
    const fault = isFaulty
      ? random.of(["refused", "half", "byId", "rentals", "spotPrices", "trail"] as const)
      : "no"
    looks.push({
      ...{ utcMs: utcMsOf(at), clockAheadMs, cloudTrail: random.chance(0.3) },
      isOfUsers: looks.some(isComplete) && random.chance(0.3),
      faults: {
        listing: fault === "refused" || fault === "half" ? fault : "no",
        ...{ byId: fault === "byId", rentals: fault === "rentals", spotPrices: fault === "spotPrices" },
        trail: fault === "trail",
      },
    })
    at += random.weighted([
      [6, () => seconds(random, 60, 1800)],
      [3, () => seconds(random, 1800, 6 * 3600)],
      [1, () => seconds(random, 6 * 3600, 72 * 3600)],
    ])()
  }
  for (const last of [toUtcMs, toUtcMs + 2 * msPerHour])
    looks.push({
      ...{ utcMs: utcMsOf(last), clockAheadMs: 0, faults: noFaults, cloudTrail: random.chance(0.7) },
      isOfUsers: false,
    })
  return looks
}

function isComplete({ faults, isOfUsers }: Look): boolean {
  return faults.listing === "no" && !faults.byId && !isOfUsers
}

function jump(random: Random): number {
  const ms = random.of([400, 1500, 5000, 90_000, 20 * msPerMinute, 5 * msPerHour, 2 * msPerDay])
  return random.chance(0.5) ? ms : -ms
}

function spotPricesUntil(random: Random, toUtcMs: UtcMs): Record<string, SpotChange[]> {
  return Object.fromEntries(
    Object.entries(hourly).map(([type, price]) => {
      const changes: SpotChange[] = []
      for (let at = begin - 30 * msPerDay; at < toUtcMs; at += seconds(random, 3600, 20 * 3600)) {
        changes.push({
          fromUtcMs: utcMsOf(at),
          microUsdPerHour: microUsdOf(Math.round(price * (0.2 + 0.6 * random.next()))),
        })
      }
      return [type, changes]
    }),
  )
}

/**
 * The same life, without what nobody could ever know: a run that no look saw is of the type that was seen before it, or after; and what is
 * first seen terminated by the first look of all had one run.
 */
function knowable(life: Life, looks: readonly Look[]): Life {
  const read = looks.filter(isComplete).map(({ utcMs }) => utcMs)
  const isSeen = ({ launchUtcMs }: Life["runs"][number], next: number) =>
    // Two minutes: the listing may lag.
    read.some((at) => at >= launchUtcMs + 2 * msPerMinute && at < next)
  const [first] = read
  const firstSight = read.find((at) => shown(life, at) !== null) ?? 0
  if (firstSight === first && firstSight >= life.terminatedUtcMs) {
    const last = life.runs.at(-1)
    return last ? { ...life, runs: [last] } : life
  }
  let type: string | null = null
  const runs = life.runs.map((run, index) => {
    const next = life.runs[index + 1]?.launchUtcMs ?? life.terminatedUtcMs + msPerHour
    if (isSeen(run, next)) type = run.type
    return { ...run, seenType: type }
  })
  const firstType = runs.find(({ seenType }) => seenType !== null)?.seenType
  return {
    ...life,
    runs: runs.map(({ seenType, ...run }) => ({
      ...run,
      type: seenType ?? firstType ?? life.runs[0]?.type ?? run.type,
    })),
  }
}

/** What we do ourselves: launch what is ours, start it again, and stop or terminate half of it. */
function actsOf(lives: readonly Life[]): { utcMs: UtcMs; act: (db: UsageDb) => void }[] {
  return lives
    .filter(({ isOurs }) => isOurs)
    .flatMap((life, nth) => [
      ...life.runs.map((run, index) => ({
        utcMs: run.launchUtcMs,
        act: ({ ledger, transaction }: UsageDb) =>
          transaction(() => {
            const instance = shown(life, run.launchUtcMs)
            if (index > 0) ledger.recordStarted(life.id, run.type, run.launchUtcMs)
            else if (instance)
              ledger.recordLaunch({ login: life.login, reservationId: `r-${life.id}`, instances: [instance] })
          }),
      })),
      ...(nth % 2 === 0 ? life.runs.flatMap((run) => endsOf(life, run)) : []),
    ])
    .sort((one, other) => one.utcMs - other.utcMs)
}

function endsOf(
  { id }: Life,
  { how, endUtcMs: utcMs }: Life["runs"][number],
): { utcMs: UtcMs; act: (db: UsageDb) => void }[] {
  const byUs = (record: (ledger: UsageDb["ledger"]) => void) => [
    { utcMs, act: ({ ledger, transaction }: UsageDb) => transaction(() => record(ledger)) },
  ]
  if (how === "stop") return byUs((ledger) => ledger.recordStopped(id, utcMs))
  if (how === "terminate") return byUs((ledger) => ledger.recordEnded(id, exactly(utcMs, "observed")))
  return []
}

function isAlive(life: Life, atUtcMs: UtcMs): boolean {
  return (life.runs[0]?.launchUtcMs ?? Number.POSITIVE_INFINITY) <= atUtcMs && atUtcMs < life.terminatedUtcMs
}

function volumeBill(life: Life, untilUtcMs: UtcMs): number {
  const launchUtcMs = life.runs[0]?.launchUtcMs ?? untilUtcMs
  const price =
    volumePriceOf({ type: "gp3", gib: volumeGib, iops: 3000, throughput: 125 }, "us-east-1") ?? microUsdOf(0)
  return flat(price, Math.min(untilUtcMs, life.terminatedUtcMs) - launchUtcMs)
}

const iso = (utcMs: UtcMs) => (Number.isFinite(utcMs) ? new Date(utcMs).toISOString().slice(5, 19) : "never")

function describe(life: Life): string {
  const { market, operation, isOurs, hasAddress, datedStop, datedEnd, endedBy } = life
  const runs = life.runs.map(
    ({ type, launchUtcMs, runningUtcMs, endUtcMs, how, offUtcMs }) =>
      `    ${type} ${iso(launchUtcMs)} (+${(runningUtcMs - launchUtcMs) / 1000} s) to ${iso(endUtcMs)} ${how} (off ${iso(offUtcMs)})`,
  )
  return [
    `  truly: ${market} ${operation} ${JSON.stringify({ isOurs, hasAddress, datedStop, datedEnd, endedBy })}, terminated ${iso(life.terminatedUtcMs)}`,
    ...runs,
  ].join("\n")
}

function describeLedger({ ledger }: UsageDb, { id, login }: Life): string {
  const tracked = ledger.instances.get(id)
  const runs = ledger.runs
    .ofInstance(id)
    .map(
      ({ instanceType, start, end, publicIpv4, endedByEc2 }) =>
        `    ${instanceType} ${iso(start.earliestUtcMs)}..${iso(start.latestUtcMs)} ${start.evidence} to ${end ? `${iso(end.earliestUtcMs)}..${iso(end.latestUtcMs)} ${end.evidence}` : "now"} ip ${publicIpv4} byEc2 ${endedByEc2}`,
    )
  const rentals = ledger.flatRates
    .ofLogin(login)
    .map(
      ({ flatRateId, startEarliestUtcMs, startLatestUtcMs, endEarliestUtcMs, endLatestUtcMs }) =>
        `    ${flatRateId} ${iso(startEarliestUtcMs)}..${iso(startLatestUtcMs)} to ${endLatestUtcMs === null ? "now" : `${iso(endEarliestUtcMs ?? utcMsOf(0))}..${iso(endLatestUtcMs)}`}`,
    )
  return [
    `  ledger: ${tracked?.state}, seen ${iso(tracked?.seenUtcMs ?? utcMsOf(0))}`,
    ...runs,
    ...rentals,
  ].join("\n")
}
