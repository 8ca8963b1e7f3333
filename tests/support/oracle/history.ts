/**
 * Made-up lives of instances, what EC2 would show of them at any time, and the bill that AWS would write by its documented rules.
 * All times are whole seconds, as AWS dates things.
 */

import { type Instance, type InstanceState, tagOf } from "../../../lib/base/instance.ts"
import { type MicroUsd, microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, msPerMinute, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { instanceWith } from "../ledger.ts"
import { type Random, seconds } from "./random.ts"

/** US$ × 10⁻⁶ per hour; mystery.large has no price anywhere. */
export const hourly: Record<string, number> = { "m1.small": 85_000, "c1.medium": 170_000, "t1.micro": 17_000 }
export const mysterious = "mystery.large"
export const suse = "RunInstances:000g"
export const addressPerHour = 5000

export type How = "stop" | "hibernate" | "shutdown" | "terminate" | "interrupt" | "none"

export interface TrueRun {
  type: string
  launchUtcMs: UtcMs
  /** Billed from here. */
  runningUtcMs: UtcMs
  /** When it was told to end, or ended by itself; infinite where it runs on. */
  endUtcMs: UtcMs
  how: How
  /** Billed until here: later than its end only where it hibernates. */
  offUtcMs: UtcMs
  /** `stopping` until here. */
  settledUtcMs: UtcMs
}

export interface Life {
  id: string
  login: string
  market: Instance["market"]
  operation: string
  /** Launched through us: only we start it again, and a shutdown inside terminates it. */
  isOurs: boolean
  hasAddress: boolean
  /** Whether EC2 dates its reasons: for stops, and for the termination. */
  datedStop: boolean
  datedEnd: boolean
  runs: TrueRun[]
  /** Infinite where it was not. */
  terminatedUtcMs: UtcMs
  endedBy: How
  zone: string
}

export interface HistoryOptions {
  fromUtcMs: UtcMs
  toUtcMs: UtcMs
  byHour: boolean
}

/** One life, which begins somewhere in the first three quarters of the time. */
export function makeLife(
  random: Random,
  index: number,
  { fromUtcMs, toUtcMs, byHour }: HistoryOptions,
): Life {
  // Nobody says what a started hour costs on spot whose price changes within it.
  const market = !byHour && random.chance(0.25) ? "spot" : "on-demand"
  const isOurs = random.chance(0.4)
  const operation = market === "on-demand" && random.chance(0.15) ? suse : "RunInstances"
  const letters = String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26))
  const types = Object.keys(hourly)
  let type = operation === suse || random.chance(0.95) ? random.of(types) : mysterious
  let at = fromUtcMs + seconds(random, 0, ((toUtcMs - fromUtcMs) / 1000) * 0.75)
  const runs: TrueRun[] = []
  let terminatedUtcMs = Number.POSITIVE_INFINITY
  let endedBy: How = "none"
  for (;;) {
    const runningUtcMs = at + seconds(random, 2, 50)
    const lasts = random.weighted([
      [2, () => seconds(random, 5, 120)],
      [5, () => seconds(random, 300, 12_000)],
      [3, () => seconds(random, 12_000, 200_000)],
    ])()
    const endUtcMs = at + lasts
    const wasRunning = endUtcMs > runningUtcMs
    const how: How =
      market === "spot"
        ? random.of(["interrupt", "terminate", "shutdown"] as const)
        : !wasRunning
          ? "terminate"
          : random.weighted<How>([
              [4, "terminate"],
              [4, "stop"],
              [2, "hibernate"],
              [2, "shutdown"],
            ])
    const ends =
      how === "terminate" || how === "interrupt" || (how === "shutdown" && (isOurs || market === "spot"))
    const settling = seconds(random, 10, how === "hibernate" ? 900 : 90)
    const settledUtcMs = endUtcMs + settling
    const offUtcMs = how === "hibernate" ? settledUtcMs : endUtcMs
    runs.push({
      type,
      launchUtcMs: utcMsOf(at),
      runningUtcMs: utcMsOf(runningUtcMs),
      endUtcMs: utcMsOf(endUtcMs),
      how,
      offUtcMs: utcMsOf(offUtcMs),
      settledUtcMs: utcMsOf(settledUtcMs),
    })
    if (ends) {
      terminatedUtcMs = endUtcMs
      endedBy = how
      break
    }
    const isSoldByHour = byHour || operation === suse
    const off = seconds(random, isSoldByHour ? 3700 : 120, 40_000)
    if (random.chance(0.4)) {
      terminatedUtcMs = settledUtcMs + off
      endedBy = "terminate"
      break
    }
    if (random.chance(0.1)) break
    at = settledUtcMs + off
    if (random.chance(0.4)) type = random.of(types)
  }
  return {
    ...{
      id: `i-${index.toString(16).padStart(17, "0")}`,
      login: `cs61c-${letters}`,
      market,
      operation,
      isOurs,
    },
    ...{ hasAddress: random.chance(0.4), datedStop: random.chance(0.7), datedEnd: random.chance(0.7) },
    ...{ runs, terminatedUtcMs: utcMsOf(terminatedUtcMs), endedBy, zone: "us-east-1a" },
  }
}

/** How long a terminated instance shows. */
const showsMs = msPerHour

/** What DescribeInstances shows at an instant; null where there is nothing to show. */
export function shown(life: Life, atUtcMs: UtcMs): Instance | null {
  const { runs, terminatedUtcMs, datedStop, datedEnd, market, isOurs, hasAddress, login } = life
  const run = runs.findLast(({ launchUtcMs }) => launchUtcMs <= atUtcMs)
  const [first] = runs
  if (!run || !first || atUtcMs > terminatedUtcMs + showsMs) return null
  const state = stateOf(run, terminatedUtcMs, atUtcMs)
  const isTerminated = atUtcMs >= terminatedUtcMs
  const isOff = state !== "running" && state !== "pending"
  const sinceUtcMs = isTerminated ? terminatedUtcMs : run.endUtcMs
  const date = new Date(sinceUtcMs).toISOString().slice(0, 19).replace("T", " ")
  const isDated = isTerminated ? datedEnd : datedStop
  return instanceWith({
    ...{ id: life.id, type: run.type, market, state, zone: life.zone, usageOperation: life.operation },
    ...{ launchedAtUtcMs: run.launchUtcMs, keyName: `${login}-default` },
    firstAttachedUtcMs: isTerminated ? null : first.launchUtcMs,
    stateTransitionReason: isOff && isDated ? `User initiated (${date} GMT)` : "",
    stateReasonCode: isOff ? reasonCode(isTerminated ? life.endedBy : run.how) : "",
    publicIp: hasAddress && (state === "running" || state === "pending") ? "198.51.100.7" : "",
    // What is terminated loses its tags by and by.
    tags:
      isTerminated && atUtcMs > terminatedUtcMs + 5 * msPerMinute
        ? {}
        : { [tagOf.owner]: login, ...(isOurs && { [tagOf.reservation]: `r-${life.id}` }) },
  })
}

function stateOf(run: TrueRun, terminatedUtcMs: UtcMs, atUtcMs: UtcMs): InstanceState {
  if (atUtcMs >= terminatedUtcMs) return atUtcMs < terminatedUtcMs + 30_000 ? "shutting-down" : "terminated"
  if (atUtcMs >= run.settledUtcMs) return "stopped"
  if (atUtcMs >= run.endUtcMs) return "stopping"
  return atUtcMs < run.runningUtcMs ? "pending" : "running"
}

function reasonCode(how: How): string {
  if (how === "interrupt") return "Server.SpotInstanceTermination"
  if (how === "hibernate") return "Client.UserInitiatedHibernate"
  return how === "shutdown" ? "Client.InstanceInitiatedShutdown" : "Client.UserInitiatedShutdown"
}

export interface SpotChange {
  fromUtcMs: UtcMs
  microUsdPerHour: MicroUsd
}

export interface Rules {
  byHour: boolean
  spotPrices: Record<string, SpotChange[]>
}

/**
 * What AWS charges for the instance and its address until an instant; `unpriced` where a type has no price. `sinceLaunch`: the seconds
 * of `pending` counted as well, as our own figures have them.
 */
export function billOf(
  life: Life,
  untilUtcMs: UtcMs,
  rules: Rules,
  sinceLaunch = false,
): { instance: number; address: number; unpriced: boolean } {
  let instance = 0
  let unpriced = false
  let address = 0
  for (const run of life.runs) {
    const fromUtcMs = sinceLaunch || rules.byHour ? run.launchUtcMs : run.runningUtcMs
    const neverRan = run.offUtcMs <= run.runningUtcMs && !sinceLaunch && !rules.byHour
    if (fromUtcMs > untilUtcMs || neverRan) continue
    const toUtcMs = Math.min(run.offUtcMs, untilUtcMs)
    if (life.hasAddress) address += flat(microUsdOf(addressPerHour), toUtcMs - fromUtcMs)
    const isFree =
      run.how === "interrupt" && run.endUtcMs <= untilUtcMs && run.endUtcMs - fromUtcMs < msPerHour
    if (isFree) continue
    const price = hourly[run.type]
    if (price === undefined) unpriced = true
    else {
      const ms = billedMs(rules.byHour || life.operation === suse, toUtcMs - fromUtcMs)
      instance +=
        life.market === "spot"
          ? spotCost(rules.spotPrices[run.type] ?? [], fromUtcMs, ms)
          : Math.round((price * ms) / msPerHour)
    }
  }
  return { instance, address, unpriced }
}

function billedMs(byHour: boolean, ms: number): number {
  return byHour ? Math.max(1, Math.ceil(ms / msPerHour)) * msPerHour : Math.max(ms, msPerMinute)
}

export function flat(microUsdPerHour: MicroUsd, ms: number): number {
  return Math.round((microUsdPerHour * Math.max(ms, msPerMinute)) / msPerHour)
}

/** The documented rule by brute force: from change to change at the price in force. */
function spotCost(changes: readonly SpotChange[], fromUtcMs: UtcMs, ms: number): number {
  const toUtcMs = fromUtcMs + ms
  let product = 0
  for (const [index, { fromUtcMs: begin, microUsdPerHour }] of changes.entries()) {
    const end = changes[index + 1]?.fromUtcMs ?? Number.POSITIVE_INFINITY
    product += microUsdPerHour * Math.max(0, Math.min(end, toUtcMs) - Math.max(begin, fromUtcMs))
  }
  return Math.round(product / msPerHour)
}
