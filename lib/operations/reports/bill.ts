/** AWS's bill, summed up by the things that it charges for as it streams by: bills are long, and often compressed. */
import { createReadStream } from "node:fs"
import { pipeline, Readable, type Transform } from "node:stream"
import { createGunzip } from "node:zlib"
import { parse } from "csv-parse"
import { Failed, messageOf } from "../../base/errors.ts"
import { type MicroUsd, noMicroUsd, plus } from "../../base/money.ts"
import { quoted } from "../../base/text.ts"
import { earliestOf, later, latestOf, msPerHour, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Range } from "../../decisions/pricing/costs.ts"
import { type BilledFor, type BilledRow, rowReader } from "../../decisions/reports/cost_export.ts"

/** What AWS charges for one thing within the bill's range. */
export interface BilledThing {
  /** "" where the bill names no resource. */
  id: string
  cost: MicroUsd
  owner: string
  /** From the course's tag, "" where the bill has none. */
  course: string
  of: BilledFor
  isAddress: boolean
}

export interface BillRead {
  things: BilledThing[]
  /** What of the bill is finished: from its first hour to its last, or its months that are over. */
  range: Range
  /** False where all that the bill has is a month that is not over: AWS may still add to each thing. */
  isFinished: boolean
  /** Of periods that reach beyond `range`, in none of `things`. */
  unfinished: MicroUsd
  /** Rows without a cost or a time. */
  skipped: number
}

/** A row for an hour or a day tells until when the bill is complete; one for a month does not. */
const longestShortPeriodMs = 25 * msPerHour

/** Reads one bill from these files (`-` for stdin), a stream after the other. Throws Failed in one line about the first that is wrong. */
export async function readBill(sources: readonly string[], nowUtcMs: UtcMs): Promise<BillRead> {
  const bill = billSums()
  for (const source of sources) await readInto(bill.add, source)
  const result = bill.result(nowUtcMs)
  if (result.things.length === 0)
    throw new Failed("reconcile", "the export has no row with a cost and a time")
  return result
}

async function readInto(add: (row: BilledRow | null) => void, source: string): Promise<void> {
  const rows = parse({ bom: true, skip_empty_lines: true, relax_column_count: true })
  let read: ReturnType<typeof rowReader> = null
  try {
    for await (const cells of through(textOf(source), rows) as AsyncIterable<string[]>) {
      // Exports that were put behind one another repeat their header, with other columns where the export was changed.
      const header = rowReader(cells)
      if (header) read = header
      else if (!read)
        throw new Failed("reconcile", "its columns are of no Cost and Usage Report or FOCUS export")
      else add(read(cells))
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const name = source === "-" ? "stdin" : source
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Failed("reconcile", `there is no file ${name}`)
    throw new Failed("reconcile", `${name} cannot be read: ${messageOf(error)}`)
  }
}

interface Period {
  range: Range
  things: Map<string, BilledThing>
}

/** The bill as it streams by: what is billed by the hour or day, what is billed by longer periods, and adjustments, apart. */
function billSums() {
  const short = emptyPeriod()
  const adjustments = emptyPeriod()
  const long = new Map<string, Period>()
  let skipped = 0

  const periodOf = ({ of, fromUtcMs, toUtcMs }: BilledRow): Period => {
    // A tax or a credit is of the whole month, and says nothing about which hours the bill has.
    if (of === "adjustment") return adjustments
    if (toUtcMs - fromUtcMs <= longestShortPeriodMs) return short
    const key = `${fromUtcMs}-${toUtcMs}`
    const known = long.get(key) ?? emptyPeriod()
    long.set(key, known)
    return known
  }

  return {
    add(row: BilledRow | null): void {
      if (row === null) {
        skipped++
        return
      }
      if (row.currency !== "" && row.currency !== "USD")
        throw new Failed("reconcile", `the bill is in ${quoted(row.currency)}, wanted USD`)
      const period = periodOf(row)
      widen(period.range, row)
      addThing(period.things, row)
    },

    result(nowUtcMs: UtcMs): BillRead {
      const finished = finishedRange(short, [...long.values()], adjustments, nowUtcMs)
      const within = [...long.values()].filter(({ range }) => range.toUtcMs <= finished.untilUtcMs)
      const beyond = [...long.values()].filter((period) => !within.includes(period))
      return {
        things: [short, ...within, adjustments].flatMap(thingsOf),
        range: finished.range,
        isFinished: finished.isFinished,
        unfinished: beyond.flatMap(thingsOf).reduce((sum, { cost }) => plus(sum, cost), noMicroUsd),
        skipped,
      }
    },
  }
}

/**
 * What the bill is complete for: the hours and days that it has; without these the months that are over; without these the month
 * that is not over, up to now. `untilUtcMs`: longer periods that end later are not finished.
 */
function finishedRange(short: Period, long: readonly Period[], adjustments: Period, nowUtcMs: UtcMs) {
  if (short.things.size > 0)
    return {
      range: short.range,
      untilUtcMs: latestOf(later(short.range.toUtcMs, msPerHour), nowUtcMs),
      isFinished: true,
    }
  const over = long.filter(({ range }) => range.toUtcMs <= nowUtcMs)
  if (over.length > 0) return { range: unionOf(over), untilUtcMs: nowUtcMs, isFinished: true }
  const untilUtcMs = utcMsOf(Number.POSITIVE_INFINITY)
  if (long.length === 0) return { range: adjustments.range, untilUtcMs, isFinished: true }
  const { fromUtcMs, toUtcMs } = unionOf(long)
  return { range: { fromUtcMs, toUtcMs: earliestOf(toUtcMs, nowUtcMs) }, untilUtcMs, isFinished: false }
}

function emptyPeriod(): Period {
  return {
    range: { fromUtcMs: utcMsOf(Number.POSITIVE_INFINITY), toUtcMs: utcMsOf(Number.NEGATIVE_INFINITY) },
    things: new Map(),
  }
}

function unionOf(periods: readonly Period[]): Range {
  const { range } = emptyPeriod()
  for (const period of periods) widen(range, period.range)
  return range
}

function thingsOf({ things }: Period): BilledThing[] {
  return [...things.values()]
}

function widen(range: Range, { fromUtcMs, toUtcMs }: Range): void {
  range.fromUtcMs = earliestOf(range.fromUtcMs, fromUtcMs)
  range.toUtcMs = latestOf(range.toUtcMs, toUtcMs)
}

/** A thing without an id is one for each owner and course that the bill names. */
function addThing(things: Map<string, BilledThing>, row: BilledRow): void {
  const { resourceId: id, owner, course, cost, of, isAddress } = row
  const key = JSON.stringify([id, of, isAddress, ...(id === "" ? [owner, course] : [])])
  const known = things.get(key)
  things.set(key, {
    id,
    of,
    isAddress,
    cost: known ? plus(known.cost, cost) : cost,
    owner: owner || (known?.owner ?? ""),
    course: course || (known?.course ?? ""),
  })
}

/** The export as AWS delivers it: often compressed. */
function textOf(source: string): Readable {
  const input: Readable = source === "-" ? process.stdin : createReadStream(source)
  return Readable.from(unpacked(input))
}

/** However little of it arrives first. */
export async function* unpacked(input: Readable): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  let isOver = false
  while (!isOver && head.length < longestMagic) {
    const { done, value } = await chunks.next()
    if (!done) head = Buffer.concat([head, value])
    isOver = done === true
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield head
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }
  const begins = head.toString("latin1")
  const other = otherFormats.find(({ magic }) => begins.startsWith(magic))
  if (other) throw new Failed("reconcile", `the bill is ${other.name}, wanted CSV: ${other.remedy}`)
  yield* begins.startsWith("\x1f\x8b") ? through(Readable.from(all()), createGunzip()) : all()
}

/** What AWS delivers, too. */
const otherFormats = [
  { magic: "PK\x03\x04", name: "a ZIP archive", remedy: "unzip -p FILE | usage_report --reconcile -" },
  { magic: "PAR1", name: "in Parquet", remedy: "choose text/csv for the export" },
]
const longestMagic = 4

/** Unlike `pipe`, it fails where its source does. */
function through<T extends Transform>(source: Readable, transform: T): T {
  pipeline(source, transform, () => {})
  return transform
}
