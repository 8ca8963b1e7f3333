/** What a sweep found, for people and as JSON. */
import { type MicroUsd, noMicroUsd, times, total, toUsd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { SweepPlan, Swept } from "../../operations/sweep/sweep.ts"
import { tableLines } from "../table.ts"

const hoursPerMonth = 730

const verdicts: Record<Swept["verdict"], string> = {
  ours: "remove (--apply)",
  tagged: "list (--apply ID)",
  kept: "keep",
  "nobody's": "leave",
}

export function sweepLines({ number, regions, unlisted }: SweepPlan, shown: readonly Swept[]): string[] {
  const ours = shown.filter(({ verdict }) => verdict === "ours")
  return [
    ...(shown.length === 0
      ? []
      : tableLines(
          ["", "kind", "id", "region", "owner", "a month", "since", "why"],
          shown.map((one) => [
            verdicts[one.verdict],
            one.kind,
            one.name === "" ? one.id : `${one.id} (${one.name})`,
            one.region,
            one.owner || "nobody",
            monthly(one.microUsdPerHour),
            one.createdAtUtcMs === null ? "unknown" : isoUtc(one.createdAtUtcMs),
            one.because,
          ]),
        )),
    ...unlisted.map((why) => escapeControls(`not listed: ${why}`)),
    `plan ${number}: ${plural(shown.length, "thing")} in ${plural(regions.length, "region")}, ${ours.length} to remove, ${monthly(sumOf(ours))} a month`,
  ]
}

function sumOf(found: readonly Swept[]): MicroUsd {
  return total(found.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd))
}

function monthly(perHour: MicroUsd | null): string {
  return perHour === null ? "unknown" : `$${toUsd(times(hoursPerMonth, perHour)).toFixed(2)}`
}

export function sweepJson({ number, regions, unlisted }: SweepPlan, shown: readonly Swept[]) {
  return { plan: number, regions, unlisted, found: shown.map(sweptJson) }
}

function sweptJson({
  kind,
  region,
  id,
  name,
  owner,
  verdict,
  because,
  microUsdPerHour,
  createdAtUtcMs,
  isNew,
}: Swept) {
  return {
    ...{ kind, region, id, name, owner, verdict, because, new: isNew },
    usd_per_month: microUsdPerHour === null ? null : toUsd(times(hoursPerMonth, microUsdPerHour)),
    since: createdAtUtcMs === null ? null : isoUtc(createdAtUtcMs),
  }
}

/** Other courses' and AWS's own things are counted, not listed, unless they cost or are asked for as JSON. */
export function worthShowing({ verdict, microUsdPerHour }: Swept): boolean {
  return verdict !== "nobody's" || microUsdPerHour === null || microUsdPerHour > 0
}
