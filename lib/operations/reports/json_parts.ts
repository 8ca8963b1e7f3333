/** Amounts and lines as the JSON of a report has them. */
import { toUsd } from "../../base/money.ts"
import type { Bounds } from "../../decisions/pricing/costs.ts"
import type { UsageLine } from "../../decisions/reports/text_form.ts"

export function boundsJson({ lowest, highest }: Bounds) {
  return { lowest_usd: toUsd(lowest), highest_usd: toUsd(highest) }
}

export function lineJson({ hours, what, market, microUsdPerHour, cost, priceSource }: UsageLine) {
  return {
    what,
    market,
    hours,
    usd_per_hour: microUsdPerHour === null ? null : toUsd(microUsdPerHour),
    ...(cost ? boundsJson(cost) : { lowest_usd: null, highest_usd: null }),
    unpriced: cost === null,
    ...(priceSource === "estimate" && { estimate: true }),
  }
}
