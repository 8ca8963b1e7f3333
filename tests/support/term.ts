/**
 * A simulated term with the compiled tools as processes, under faketime: students launch, extend, stop, restart, forget and try to
 * overspend, cron comes every hour and fails to come for days, and any process may be killed. The emulated AWS is on the same
 * time. At the end the ledger is held against AWS's bill.
 */

import { tagOf } from "../../lib/base/instance.ts"
import { type MicroUsd, microUsd } from "../../lib/base/money.ts"
import { msPerDay, msPerHour, msPerMinute, msPerSecond, type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import { interrupt, shutDownFromInside } from "../emulator/happenings.ts"
import { tagsOf } from "../emulator/instance_record.ts"
import { refresh } from "../emulator/instances.ts"
import { type CourseDay, courseDay } from "./course_day.ts"
import type { Emulator } from "./emulator.ts"
import { atTime } from "./faketime.ts"
import { generator, loginOf, type Random } from "./random.ts"
import { type Account, accountsOf } from "./term_accounts.ts"
import { act, instancesOf } from "./term_students.ts"
import { type Faulty, sabotage } from "./term_trouble.ts"
import { finished } from "./tools.ts"

export interface TermOptions {
  students: number
  days: number
  /** Whether there are EventBridge's switches; then the timers on half of the instances work too. */
  withSwitches: boolean
  /** Hours at a time for which cron does not run, and how often that happens. */
  outages: { hours: number; every: number }
  budget: number
  maxHourlyCost: number
  seed: number
  /** How often a student does something within an hour. */
  diligence?: number
  /** How often a process is killed or loses its replies. */
  trouble?: number
  say?: (line: string) => void
}

export interface TermResult {
  processes: number
  launches: number
  refusals: number
  killed: number
  /** Hours in which cron did not do its work, and the most of them in a row. */
  outageHours: number
  longestOutageHours: number
  accounts: Account[]
  /** What should not have happened, a line each. */
  wrong: string[]
}

/** What everything of one simulation works with. */
export interface Term {
  emulator: Emulator
  day: CourseDay
  random: Random
  result: TermResult
  /** Runs a tool at the emulated time, and perhaps kills it. */
  run(tool: string, argv: string[], as: string, expected?: RegExp): Promise<number>
}

const firstDay = utcMsOf(Date.UTC(2027, 0, 18))
/** Processes at the same time. */
const atOnce = 3

export async function simulateTerm(emulator: Emulator, options: TermOptions): Promise<TermResult> {
  const random = generator(options.seed)
  const logins = Array.from({ length: options.students }, (_, index) => loginOf(index))
  const day = await courseDay(emulator, configOf(options) as never, logins)
  const { proxy } = emulator
  const { knobs, clock } = proxy.world
  Object.assign(knobs, { pendingMs: 0, stoppingMs: 0, shuttingDownMs: 0, tellsItsTime: true })
  clock.stop(firstDay)
  const result: TermResult = {
    ...{ processes: 0, launches: 0, refusals: 0, killed: 0, outageHours: 0, longestOutageHours: 0 },
    ...{ accounts: [], wrong: [] },
  }
  const term: Term = { emulator, day, random, result, run: runner(day, emulator, result, options, random) }
  const { diligence = 0.035, outages } = options
  try {
    let outageUntil = 0
    let inARow = 0
    for (let hour = 1; hour <= options.days * 24; hour += 1) {
      const until = firstDay + hour * msPerHour
      if (clock.now() >= outageUntil && random() < 1 / outages.every) {
        outageUntil = clock.now() + outages.hours * msPerHour
      }
      if (options.withSwitches) await windUpTimers(emulator, utcMsOf(until))
      const awake = logins.filter(() => random() < diligence)
      for (const moment of momentsBefore(utcMsOf(until), Math.ceil(awake.length / atOnce), random)) {
        await proxy.advance(moment - clock.now())
        await Promise.all(awake.splice(0, atOnce).map((login) => act(term, login, logins.indexOf(login))))
      }
      await proxy.advance(until - clock.now())
      if (random() < 0.1) await takeSpotBack(term)
      const hasEnforced = until >= outageUntil && (await cron(term))
      inARow = hasEnforced ? 0 : inARow + 1
      result.outageHours += hasEnforced ? 0 : 1
      result.longestOutageHours = Math.max(result.longestOutageHours, inARow)
      if (hour % 24 === 0) options.say?.(progress(term, hour / 24))
    }
    await windDown(term)
    await lastLook(term)
    result.accounts = await accountsOf(term, logins)
    return result
  } finally {
    proxy.faults.clear()
    day.close()
  }
}

/**
 * The most that anybody may have been billed: with the switches the budget; without them also what an outage costs at the hourly
 * limit, with the volumes and addresses of as many instances as one may have.
 */
export function boundOf(
  { withSwitches, budget, maxHourlyCost }: TermOptions,
  { outageHours, longestOutageHours }: TermResult,
): MicroUsd {
  if (withSwitches) return microUsd(budget)
  const beside = maxInstances * largestBesideUsd
  const ofOutages = [outageHours * maxHourlyCost, longestOutageHours * (maxHourlyCost + beside)]
  return microUsd(budget + Math.min(...ofOutages))
}

const maxInstances = 20
/** US$ per hour of an address and a volume of 27 GiB. */
const largestBesideUsd = 0.005 + (27 * 0.08) / 720

/** The last leases run out; two more runs of cron see what is left, which is nothing. */
async function windDown(term: Term): Promise<void> {
  const { emulator, result } = term
  const on = () => instancesOf(emulator, null)
  for (let hours = 0, quiet = 0; hours < longestStayHours + 4 && quiet < 3; hours += 1) {
    await emulator.proxy.advance(msPerHour)
    await cron(term)
    if (on().length === 0) quiet += 1
  }
  result.wrong.push(...on().map(({ id }) => `${id} is still there, long after its lease`))
}

/** Undisturbed: what CloudTrail knows by then, the ledger does too. */
async function lastLook({ emulator: { proxy }, day, result }: Term): Promise<void> {
  proxy.faults.clear()
  const env = atTime(utcMsOf(proxy.world.clock.now()), { ticking: true })
  const { code, stderr } = await day.run("usage_cron", ["--cloudtrail"], { as: "cs61c", env })
  if (code !== 0) result.wrong.push(`the last usage_cron: exit ${code}: ${stderr.trim()}`)
}

/** A lease, and the time for which something stopped is kept. */
const longestStayHours = 24 + 72

function configOf({ budget, maxHourlyCost, withSwitches }: TermOptions) {
  return {
    // AWS bills list prices
    prices: {},
    limits: { budget, max_hourly_cost: maxHourlyCost, max_instances: maxInstances },
    leases: {
      enforce: true,
      // cron comes every hour
      enforcement_minutes: 60,
      ...(withSwitches && { scheduler_role: "arn:aws:iam::123456789012:role/switch" }),
    },
  }
}

function runner(
  day: CourseDay,
  { proxy }: Emulator,
  result: TermResult,
  { trouble = 0.05 }: TermOptions,
  random: Random,
): Term["run"] {
  return async (tool, argv, as, expected) => {
    const ticking = argv.includes("--cloudtrail") // which spaces its requests by the clock
    const child = day.course.start(tool, argv, {
      as,
      env: atTime(utcMsOf(proxy.world.clock.now()), { ticking }),
    })
    const faulty: Faulty | null = random() < trouble ? sabotage(proxy, child, random) : null
    const { code, stderr } = await finished(child)
    faulty?.end()
    result.processes += 1
    if (child.signalCode === "SIGKILL") result.killed += 1
    else if (code === 3) result.refusals += 1
    else if (code !== 0 && !faulty && !expected?.test(stderr))
      result.wrong.push(`${as}: ${tool} ${argv.join(" ")}: exit ${code}: ${stderr.trim()}`)
    return code
  }
}

/** Every hour; once a day it also asks CloudTrail what became of that which is not certain. Whether it did its work. */
async function cron({ run, emulator }: Term): Promise<boolean> {
  const code = await run("usage_cron", [], "cs61c")
  const isDaily = (emulator.proxy.world.clock.now() / msPerHour) % 24 === 4
  if (isDaily) await run("usage_cron", ["--cloudtrail"], "cs61c")
  return code === 0
}

/** The switches on the instances themselves, on every other one: as cloud-init would run what the launch put into the user data. */
async function windUpTimers({ proxy }: Emulator, untilUtcMs: UtcMs): Promise<void> {
  const { world } = proxy
  const running = [...world.instances.values()].filter(({ state, id }) => state === "running" && hasTimer(id))
  await refresh(world, "us-east-1", running)
  for (const record of running) {
    const endOf = () => Date.parse(tagsOf(record)[tagOf.leaseEnd] ?? "")
    if (!(endOf() < untilUtcMs)) continue
    // it looks once a minute
    const looksAtUtcMs = Math.ceil(Math.max(endOf(), world.clock.now()) / msPerMinute) * msPerMinute
    world.clock.at(utcMsOf(looksAtUtcMs), async () => {
      await refresh(world, "us-east-1", [record])
      if (record.state === "running" && endOf() <= world.clock.now())
        await shutDownFromInside(world, record.id)
    })
  }
}

const hasTimer = (id: string) => Number.parseInt(id.slice(-1), 16) % 2 === 0

async function takeSpotBack({ emulator, random }: Term): Promise<void> {
  const { world } = emulator.proxy
  const [record] = instancesOf(emulator, null).filter(
    ({ spotRequestId, state }) => spotRequestId !== "" && state === "running" && random() < 0.5,
  )
  if (record) await interrupt(world, record.id)
}

/** That many instants before one, to the second, in order. */
function momentsBefore(untilUtcMs: UtcMs, count: number, random: Random): number[] {
  const seconds = Array.from({ length: count }, () => 1 + Math.floor(random() * 3598))
  return seconds.sort((a, b) => b - a).map((before) => untilUtcMs - before * msPerSecond)
}

function progress({ result, emulator }: Term, days: number): string {
  const { accounts: _accounts, wrong, ...counts } = result
  const on = instancesOf(emulator, null).length
  return `day ${days} (${new Date(firstDay + days * msPerDay).toISOString()}): ${JSON.stringify(counts)}, ${on} on, ${wrong.length} wrong`
}
