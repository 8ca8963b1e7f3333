/** The outcome of `audit verify` in lines. */
import type { TrailAct } from "../../aws/record_interfaces.ts"
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { ExplainedActs } from "../../operations/audit/explain_acts.ts"
import type { VerifiedLog } from "../../operations/audit/verify.ts"

/** Whether all is as it was written. */
export function isSound({ findings, worthless, unexplainedLines }: VerifiedLog): boolean {
  return findings.length === 0 && worthless === null && unexplainedLines.count === 0
}

export function verifiedLines(log: VerifiedLog): string[] {
  const { rows, head, findings, place, storedHeads, worthless, vouchedRowNo, unexplainedLines } = log
  return [
    ...findings.map(({ text }) => text),
    ...(worthless === null ? [] : [`${worthless}: its heads prove nothing`]),
    ...(unexplainedLines.count === 0
      ? []
      : [
          `this host's file has ${plural(unexplainedLines.count, "line")} without a row, the first: ${unexplainedLines.first[0]}`,
        ]),
    ...(findings.length === 0 ? [`${plural(rows, "row")} up to row ${head.rowNo}: each fits`] : []),
    place === null
      ? "rows cut off at the end are not found: [audit] names no bucket"
      : `${plural(storedHeads, "head")} in ${place}, which vouch for the rows up to ${vouchedRowNo}`,
  ]
}

export function actLines(acts: ExplainedActs, { students }: { students: boolean }): string[] {
  const { sinceUtcMs, untilUtcMs, explained, withoutAct, unexplained, ofStudents } = acts
  return [
    `CloudTrail from ${isoUtc(sinceUtcMs)} to ${isoUtc(untilUtcMs)}: ${plural(explained, "act")} that a row explains`,
    ...withoutAct.map(
      ({ rowNo, requestId, atUtcMs }) =>
        `row ${rowNo} of ${isoUtc(atUtcMs)}: CloudTrail has no event of request ${requestId}`,
    ),
    ...unexplained.map((act) => `no row explains ${actLine(act)}`),
    ...(students
      ? ofStudents.map((act) => `by a student: ${actLine(act)}`)
      : ofStudents.length > 0
        ? [
            `${plural(ofStudents.length, "act")} of students with their own credentials (--students lists them)`,
          ]
        : []),
  ]
}

function actLine({
  name,
  source,
  region,
  atUtcMs,
  user,
  accessKeyId,
  sourceIp,
  resources,
  eventId,
}: TrailAct): string {
  const service = source.replace(/\.amazonaws\.com$/, "")
  const what = resources.length > 0 ? ` of ${resources.join(" ")}` : ""
  const key = accessKeyId === "" ? "" : ` with key ${accessKeyId}`
  const from = sourceIp === "" ? "" : ` from ${sourceIp}`
  return `${service} ${name}${what} in ${region} at ${isoUtc(atUtcMs)} by ${user || "nobody named"}${key}${from} (event ${eventId})`
}
