/** AWS's bill, summed up by the things that it charges for as it streams by: bills are long, and often compressed. */

import { createReadStream } from "node:fs"
import { pipeline, Readable, type Transform } from "node:stream"
import { createGunzip } from "node:zlib"
import { parse } from "csv-parse"
import { Failed, messageOf } from "../../base/errors.ts"
import { type MicroUsd, noMicroUsd, plus } from "../../base/money.ts"
import { quoted } from "../../base/text.ts"
import { earliestOf, latestOf } from "../../base/time.ts"
import { always, type Range } from "../../decisions/pricing/costs.ts"
import { type BilledFor, type BilledRow, rowReader } from "../../decisions/reports/cost_export.ts"

/** What AWS charges for one thing in the whole export. */
interface BilledThing {
  id: string
  cost: MicroUsd
  owner: string
  of: BilledFor
}

export interface BillRead {
  things: Map<string, BilledThing>
  range: Range
  skipped: number
}

/** Sums the export up as it streams by: bills are long. */
export async function readBill(source: string): Promise<BillRead> {
  const things = new Map<string, BilledThing>()
  const range: Range = { fromUtcMs: always.toUtcMs, toUtcMs: always.fromUtcMs }
  const ofAdjustments = { ...range }
  let skipped = 0
  let read: ReturnType<typeof rowReader> | undefined
  const columns = (names: string[]) => {
    read = rowReader(names)
    return names
  }
  const rows = parse({ columns, bom: true, skip_empty_lines: true, relax_column_count: true })
  try {
    for await (const row of through(textOf(source), rows)) {
      if (!read) throw new Failed("reconcile", "its columns are of no Cost and Usage Report or FOCUS export")
      const billed = read(row as Record<string, string>)
      if (!billed) {
        skipped++
        continue
      }
      if (billed.currency !== "" && billed.currency !== "USD")
        throw new Failed("reconcile", `the bill is in ${quoted(billed.currency)}, wanted USD`)
      // A tax or a credit is of the whole month, also in a bill of its first days.
      widen(billed.of === "adjustment" ? ofAdjustments : range, billed)
      note(things, billed)
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const name = source === "-" ? "stdin" : source
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Failed("reconcile", `there is no file ${name}`)
    throw new Failed("reconcile", `${name} cannot be read: ${messageOf(error)}`)
  }
  if (things.size === 0) throw new Failed("reconcile", "the export has no row with a cost and a time")
  return { things, range: Number.isFinite(range.fromUtcMs) ? range : ofAdjustments, skipped }
}

function widen(range: Range, { fromUtcMs, toUtcMs }: Range): void {
  range.fromUtcMs = earliestOf(range.fromUtcMs, fromUtcMs)
  range.toUtcMs = latestOf(range.toUtcMs, toUtcMs)
}

/**
 * AWS bills an instance's address by a network interface, which we do not know: all of a user's are one thing. Elastic ones have
 * an id of their own.
 */
export function addressesOf(login: string): string {
  return `addresses of ${login}`
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

/** What has no id is one thing for each owner that the bill names. */
function note(things: Map<string, BilledThing>, { resourceId, owner, cost, of, isAddress }: BilledRow): void {
  const id = isAddress ? addressesOf(owner) : resourceId
  const key = JSON.stringify([id, of, id === "" ? owner : ""])
  const known = things.get(key)
  things.set(key, {
    id,
    cost: plus(known?.cost ?? noMicroUsd, cost),
    owner: owner || (known?.owner ?? ""),
    of,
  })
}
