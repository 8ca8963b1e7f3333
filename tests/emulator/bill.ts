/**
 * The bill that AWS would write: per second in `running`, at least 60 s for each start, by the price in force; volumes while
 * they exist and public addresses while they are held, each at least 60 s too. (EC2 user guide, "Instance lifecycle"; EBS and
 * VPC pricing pages.)
 */
import { type MicroUsd, microUsdOf } from "../../lib/base/money.ts"
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import type { VirtualClock } from "./clock.ts"
import { onDemandMicroUsd, spotChanges, spotMicroUsd } from "./prices.ts"

export interface BillLine {
  what: "instance" | "volume" | "address"
  /** The instance's id, or the volume's; of an address, the instance's that holds it. */
  id: string
  /** Tags at the start of the line. */
  tags: Record<string, string>
  startUtcMs: UtcMs
  endUtcMs: UtcMs
  /** Whole seconds, started ones counting; the minimum applied. */
  seconds: number
  /** Price × seconds, divided and rounded half up once. */
  microUsd: MicroUsd
  type: string
  market: "on-demand" | "spot" | ""
  zone: string
  gib: number
}

interface OpenLine extends Omit<BillLine, "endUtcMs" | "seconds" | "microUsd"> {
  key: string
}

const minimumSeconds = 60
/** US$0.005 per hour. */
const addressMicroUsd = 5000
/** US$ per GiB and month of 30 days, in micro-dollars per hour. */
const volumeMicroUsdPerGibMonth: Record<string, number> = { gp3: 80_000, gp2: 100_000, standard: 50_000 }
const hoursPerMonth = 720
const secondsPerHour = 3600

export class Bill {
  #open = new Map<string, OpenLine>()
  #lines: BillLine[] = []

  constructor(readonly clock: VirtualClock) {}

  reset(): void {
    this.#open.clear()
    this.#lines = []
  }

  start(line: Omit<OpenLine, "key" | "startUtcMs">): void {
    const key = `${line.what} ${line.id}`
    if (!this.#open.has(key)) this.#open.set(key, { ...line, key, startUtcMs: utcMsOf(this.clock.now()) })
  }

  /** `free` for a spot instance that EC2 interrupted in its first hour. */
  end(what: BillLine["what"], id: string, options: { free?: boolean } = {}): void {
    const key = `${what} ${id}`
    const line = this.#open.get(key)
    if (!line) return
    this.#open.delete(key)
    if (!options.free) this.#lines.push(closed(line, utcMsOf(this.clock.now())))
  }

  /** Every line, those still open up to now. */
  lines(): BillLine[] {
    return [
      ...this.#lines,
      ...[...this.#open.values()].map((line) => closed(line, utcMsOf(this.clock.now()))),
    ]
  }

  /** Micro-dollars of what carries a tag; of everything without one. */
  total(filter: { tag?: [key: string, value: string]; what?: BillLine["what"] } = {}): number {
    return this.lines()
      .filter(
        ({ what, tags }) =>
          (!filter.what || what === filter.what) && (!filter.tag || tags[filter.tag[0]] === filter.tag[1]),
      )
      .reduce((sum, { microUsd }) => sum + microUsd, 0)
  }
}

function closed({ key: _key, ...line }: OpenLine, endUtcMs: UtcMs): BillLine {
  const elapsed = Math.ceil((endUtcMs - line.startUtcMs) / 1000)
  const seconds = Math.max(minimumSeconds, elapsed)
  return { ...line, endUtcMs, seconds, microUsd: microUsdOf(Math.round(priceOf(line, seconds))) }
}

function priceOf(line: Omit<OpenLine, "key">, seconds: number): number {
  if (line.what === "address") return (addressMicroUsd * seconds) / secondsPerHour
  if (line.what === "volume") {
    const microUsdPerMonth = line.gib * (volumeMicroUsdPerGibMonth[line.type] ?? 100_000)
    return (microUsdPerMonth * seconds) / (hoursPerMonth * secondsPerHour)
  }
  if (line.market !== "spot") return (onDemandMicroUsd(line.type) * seconds) / secondsPerHour
  const endUtcMs = line.startUtcMs + seconds * 1000
  const changes = spotChanges(line.startUtcMs, utcMsOf(endUtcMs))
  const microUsdMs = changes.reduce((sum, from, index) => {
    const to = changes[index + 1] ?? endUtcMs
    return sum + spotMicroUsd(line.type, line.zone, utcMsOf(from)) * (to - from)
  }, 0)
  return microUsdMs / (secondsPerHour * 1000)
}
