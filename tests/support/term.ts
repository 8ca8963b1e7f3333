/**
 * A simulated term: students launch, extend, stop, restart, forget and try to overspend, while cron comes and fails to come and
 * our own processes are killed; on the emulator's virtual time, through the operations that the tools call. At the end the
 * ledger is held against the emulated AWS's bill.
 */

import { Database } from "bun:sqlite"
import { ToolError } from "../../lib/base/errors.ts"
import { tagOf as ourTags } from "../../lib/base/instance.ts"
import type { MicroUsd } from "../../lib/base/money.ts"
import { toOrder } from "../../lib/decisions/launch_order.ts"
import { duty } from "../../lib/operations/enforcement/duty.ts"
import { currentInstances } from "../../lib/operations/launches/active.ts"
import { endInstances } from "../../lib/operations/launches/end.ts"
import { extendLeases } from "../../lib/operations/launches/extend.ts"
import { launch } from "../../lib/operations/launches/launch.ts"
import { startAgain } from "../../lib/operations/launches/restart.ts"
import { runCron } from "../../lib/operations/usage/cron.ts"
import { shutDownFromInside } from "./aws/happenings.ts"
import { tagsOf } from "./aws/instance_record.ts"
import { courseDay } from "./course_day.ts"
import { clockOf, depsOf, type TestDeps } from "./deps.ts"
import type { Emulator } from "./emulator.ts"

export interface TermOptions {
  students: number
  days: number
  /** Whether the two switches are there: EventBridge's, and the timer on each instance. */
  withSwitches: boolean
  /** Hours at a time for which cron does not run, and how often that happens. */
  outages: { hours: number; every: number }
  budget: number
  maxHourlyCost: number
  seed: number
  /** How often a student does something, in hours; between the times cron runs every two. */
  stepHours?: number
  say?: (line: string) => void
}

export interface TermResult {
  launches: number
  refusals: number
  crashes: number
  outageMs: number
  /** Of each student, in micro-dollars. */
  accounts: { login: string; billed: MicroUsd; ledger: { lowest: MicroUsd; highest: MicroUsd } }[]
}

const hour = 3_600_000

/** A process that is killed: nothing it does afterwards happens. */
class Killed extends Error {}

export async function simulateTerm(emulator: Emulator, options: TermOptions): Promise<TermResult> {
  const { proxy } = emulator
  const random = generator(options.seed)
  const logins = Array.from({ length: options.students }, (_, index) => loginOf(index))
  const day = await courseDay(
    emulator,
    {
      // AWS bills list prices
      prices: {},
      limits: { budget: options.budget, max_hourly_cost: options.maxHourlyCost, max_instances: 20 },
      leases: {
        enforce: true,
        enforcement_minutes: 10,
        ...(options.withSwitches && { scheduler_role: "arn:aws:iam::123456789012:role/switch" }),
      },
    } as never,
    logins,
  )
  proxy.world.clock.stop(Date.UTC(2026, 7, 24))
  const clock = clockOf(proxy)
  let fatal: string | null = null
  const deps = depsOf(day.course, {
    login: "cs61c",
    isStaff: true,
    clock,
    at(point) {
      if (point !== fatal) return
      fatal = null
      throw new Killed(point)
    },
  })
  const result: TermResult = { launches: 0, refusals: 0, crashes: 0, outageMs: 0, accounts: [] }
  const step = (options.stepHours ?? 2) * hour
  const steps = Math.round((options.days * 24 * hour) / step)
  let outageUntil = 0
  try {
    for (let index = 0; index < steps; index += 1) {
      const now = clock.now()
      if (now >= outageUntil && random() < step / (options.outages.every * hour)) {
        outageUntil = now + options.outages.hours * hour
        result.outageMs += options.outages.hours * hour
      }
      for (const login of logins) {
        fatal = random() < 0.03 ? pick(random, ["reserved", "launched", "in settling", "settled"]) : null
        const crashed = result.crashes
        await act(deps.as(login), emulator, random, result)
        fatal = null
        if (result.crashes > crashed) bury(day.course.dataDir)
      }
      // cron every ten minutes; what falls due in between happens in its order
      for (let passed = 0; passed < step; passed += hour / 6) {
        await proxy.advance(hour / 6)
        if (options.withSwitches) await shutDownOverdue(deps, emulator)
        if (clock.now() < outageUntil || !isCronDue(deps)) continue
        await cron(deps)
      }
      if (index % 12 === 11)
        options.say?.(`day ${((index + 1) * step) / (24 * hour)}: ${JSON.stringify(result)}`)
    }
    await proxy.advance(25 * hour)
    await cron(deps)
    const since = Date.UTC(2026, 7, 24)
    for (const login of logins) {
      const tariff = deps.usageDb.prices.tariff(deps.config)
      const ledger = deps.usageDb.transaction(() =>
        deps.usageDb.ledger.spent(tariff, login, since, clock.now()),
      )
      result.accounts.push({ login, ledger, billed: proxy.world.bill.total({ tag: [ourTags.owner, login] }) })
    }
    return result
  } finally {
    deps.close()
    day.close()
  }
}

/** How far the bill lies outside the ledger's bounds, and the most that anybody was billed. */
export function maxima({ accounts }: TermResult): { billed: MicroUsd; apart: MicroUsd } {
  return {
    billed: Math.max(...accounts.map(({ billed }) => billed)),
    apart: Math.max(
      ...accounts.map(({ billed, ledger }) => Math.max(0, ledger.lowest - billed, billed - ledger.highest)),
    ),
  }
}

/** Every two hours, and whenever a lease is near its end: what cron does in between changes nothing, and takes the simulation's time. */
function isCronDue({ usageDb, clock }: TestDeps): boolean {
  const now = clock.now()
  if (Math.round(now / (hour / 6)) % 12 === 0) return true
  return usageDb.leases.open(null).some(({ endsAtUtcMs }) => endsAtUtcMs <= now)
}

/** The other switch, on the instance itself: what `withDeadMansSwitch` put into its user data, read as cloud-init would run it. */
async function shutDownOverdue({ clock, usageDb }: TestDeps, { proxy }: Emulator): Promise<void> {
  for (const record of proxy.world.instances.values()) {
    if (record.state !== "running") continue
    const tag = Date.parse(tagsOf(record)[ourTags.leaseEnd] ?? "")
    const end = usageDb.leases.of(record.id)?.endsAtUtcMs ?? tag
    if (end <= clock.now()) await shutDownFromInside(proxy.world, record.id)
  }
}

/** Here a killed process is this one, which lives on: its reservations get the name of one that does not. */
function bury(dataDir: string): void {
  const db = new Database(`${dataDir}/usage.db`)
  db.run("UPDATE reservations SET process = 'killed' WHERE state = 'pending'")
  db.close()
}

async function cron(deps: TestDeps): Promise<void> {
  await duty(deps, { snapshot: () => runCron(deps, { cloudTrail: false }), enforce: true, dryRun: false })
}

async function act(
  deps: TestDeps,
  emulator: Emulator,
  random: () => number,
  result: TermResult,
): Promise<void> {
  try {
    const what = random()
    if (what < 0.12) {
      const order = toOrder({
        image_id: emulator.fixtures.image,
        instance_type: pick(random, ["m1.small", "m1.large"]),
        key_name: "default",
        count: 1 + Math.floor(random() * 3),
        lease_minutes: 60 * pick(random, [1, 4, 24]),
      })
      await launch(deps, order)
      result.launches += 1
    } else if (what < 0.17) {
      const own = await currentInstances(deps)
      const instance = own.instances.find(({ state }) => state === "running")
      if (instance) await extendLeases(deps, [instance], 2 * hour, own, { dryRun: false })
    } else if (what < 0.2) {
      const own = await currentInstances(deps)
      const running = own.instances.filter(({ state }) => state === "running").slice(0, 1)
      await endInstances(deps, pick(random, ["stop", "terminate"]), running, deps.caller.login, "")
    } else if (what < 0.22) {
      const own = await currentInstances(deps)
      const stopped = own.instances.find(({ state }) => state === "stopped")
      if (stopped) await startAgain(deps, stopped, own, { dryRun: false })
    }
  } catch (error) {
    if (error instanceof Killed || /killed|launched but could not be recorded/.test(String(error)))
      result.crashes += 1
    else if (error instanceof ToolError && error.exitCode === 3) result.refusals += 1
    else throw error
  }
}

const letters = "abcdefghijklmnopqrstuvwxyz"
const loginOf = (index: number) => `cs61c-${letters[Math.floor(index / 26)]}${letters[index % 26]}`

function pick<T>(random: () => number, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T
}

/** mulberry32: the same term for the same seed. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
