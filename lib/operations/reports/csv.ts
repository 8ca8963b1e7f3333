/** Every charge as comma-separated values (RFC 4180), for spreadsheets. */
import { toUsd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import type { Charge } from "../../decisions/reports/charge.ts"

const header = [
  "user",
  "kind",
  "id",
  "what",
  "market",
  "region",
  "zone",
  "start",
  "start_latest",
  "start_evidence",
  "end_earliest",
  "end",
  "end_evidence",
  "hours",
  "usd_per_hour",
  "price_source",
  "lowest_usd",
  "highest_usd",
]

export function* csvLines(charges: Iterable<Charge>): Generator<string> {
  yield header.join(",")
  for (const charge of charges) {
    const { start, end, cost, microUsdPerHour } = charge
    yield csvRow([
      charge.login,
      charge.kind,
      charge.id,
      charge.what,
      charge.market,
      charge.region,
      charge.zone,
      isoUtc(start.earliestUtcMs),
      isoUtc(start.latestUtcMs),
      start.evidence,
      ...(end ? [isoUtc(end.earliestUtcMs), isoUtc(end.latestUtcMs), end.evidence] : ["", "", ""]),
      charge.hours,
      microUsdPerHour === null ? "" : toUsd(microUsdPerHour),
      charge.priceSource ?? "",
      ...(cost ? [toUsd(cost.lowest), toUsd(cost.highest)] : ["", ""]),
    ])
  }
}

/** A row; what a spreadsheet would take for a formula is made text, since names and tags are other people's. */
export function csvRow(values: readonly (string | number)[]): string {
  return values.map((value) => (typeof value === "number" ? String(value) : quotedField(value))).join(",")
}

function quotedField(text: string): string {
  const harmless = /^[=+@\t\r-]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
