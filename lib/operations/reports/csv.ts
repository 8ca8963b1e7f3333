/** Every charge as comma-separated values (RFC 4180), for spreadsheets. */
import { toUsd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import type { Charge } from "../../decisions/reports/charge.ts"
import { csvRow } from "../../decisions/reports/csv_row.ts"

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
