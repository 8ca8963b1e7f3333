/** Whether the rows of the audit log are the ones that were written: by their hashes, and by heads that were stored elsewhere. */
import type { UtcMs } from "../../base/time.ts"
import { isoUtc } from "../../base/time.ts"
import { type AuditRow, type ChainPoint, hashOfRow } from "./chain.ts"

/** A head of the chain, stored where the account's key cannot change it. */
export interface Anchor extends ChainPoint {
  /** By the clock of whoever keeps it. */
  storedUtcMs: UtcMs
}

export interface ChainFinding {
  /** The first row that it is about. */
  rowNo: number
  text: string
}

export interface CheckedChain {
  rows: number
  head: ChainPoint
  /** Empty where all is as it was written. */
  findings: ChainFinding[]
  /** The last row that a stored head vouches for; 0 for none. */
  vouchedRowNo: number
}

/** The message of the row that says what was pruned. */
export function pruneMessage({ rowNo, hash }: ChainPoint): string {
  return `audit: pruned the rows up to ${rowNo}, whose hash is ${hash}`
}

/** `start`: where the chain begins, after what was pruned. Give it every row, in order. */
export function chainCheck(
  start: ChainPoint,
  anchors: readonly Anchor[],
): { add(row: AuditRow): void; finish(): CheckedChain } {
  const anchored = Map.groupBy(anchors, ({ rowNo }) => rowNo)
  const misfits: ChainFinding[] = []
  const foreign: Anchor[] = []
  let before = start
  let rows = 0
  let vouchedRowNo = 0
  let saysPruned = start.rowNo === 0

  const hold = (point: ChainPoint) => {
    for (const anchor of anchored.get(point.rowNo) ?? []) {
      if (anchor.hash !== point.hash) foreign.push(anchor)
      else if (foreign.length === 0) vouchedRowNo = point.rowNo
    }
  }
  hold(start)

  return {
    add(row) {
      if (row.rowNo !== before.rowNo + 1)
        misfits.push({
          rowNo: before.rowNo + 1,
          text:
            row.rowNo === before.rowNo + 2
              ? `row ${before.rowNo + 1} is missing`
              : `rows ${before.rowNo + 1} to ${row.rowNo - 1} are missing`,
        })
      else if (row.hash !== hashOfRow(before.hash, row.rowNo, row))
        misfits.push({
          rowNo: row.rowNo,
          text: `row ${row.rowNo} does not fit: it was changed, or the row before it was`,
        })
      if (row.message === pruneMessage(start)) saysPruned = true
      before = { rowNo: row.rowNo, hash: row.hash }
      rows += 1
      hold(before)
    },
    finish() {
      const findings = [
        ...misfits.slice(0, 1).map(({ rowNo, text }) => ({ rowNo, text: text + more(misfits.length - 1) })),
        ...(saysPruned
          ? []
          : [
              {
                rowNo: 1,
                text: `the rows up to ${start.rowNo} were removed, and no row says that they were pruned`,
              },
            ]),
        ...rewritten(foreign, anchored, vouchedRowNo),
        ...cutOff(before.rowNo, anchors),
      ]
      return { rows, head: before, findings: findings.toSorted((a, b) => a.rowNo - b.rowNo), vouchedRowNo }
    },
  }
}

const more = (count: number) => (count > 0 ? `, and ${count} more after it` : "")

/** A fork: hosts wrote on two databases, or the end was cut off and written anew. */
function rewritten(
  foreign: readonly Anchor[],
  anchored: ReadonlyMap<number, Anchor[]>,
  vouchedRowNo: number,
): ChainFinding[] {
  const [first] = foreign
  if (!first) return []
  const hashes = new Set(anchored.get(first.rowNo)?.map(({ hash }) => hash))
  const where = `between row ${vouchedRowNo} and row ${first.rowNo}`
  const stored = `row ${first.rowNo} was stored at ${isoUtc(first.storedUtcMs)} with another hash`
  const fork =
    hashes.size > 1
      ? ", and with this one, too: the chain forked"
      : ": the rows were cut off and written anew"
  return [
    {
      rowNo: vouchedRowNo + 1,
      text: `the rows from somewhere ${where} on are not those of before: ${stored}${fork}`,
    },
  ]
}

function cutOff(headRowNo: number, anchors: readonly Anchor[]): ChainFinding[] {
  const beyond = anchors.filter(({ rowNo }) => rowNo > headRowNo).toSorted((a, b) => b.rowNo - a.rowNo)
  const [last] = beyond
  if (!last) return []
  const rows =
    last.rowNo === headRowNo + 1 ? `row ${last.rowNo} was` : `rows ${headRowNo + 1} to ${last.rowNo} were`
  return [
    {
      rowNo: headRowNo + 1,
      text: `${rows} cut off at the end: at ${isoUtc(last.storedUtcMs)} the head was row ${last.rowNo}`,
    },
  ]
}
