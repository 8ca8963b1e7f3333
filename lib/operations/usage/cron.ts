/** What usage_cron does each time, in an order in which nothing that fails takes back what was found out before it. */
import { join } from "node:path"
import { messageOf } from "../../base/errors.ts"
import { version } from "../../base/version.ts"
import type { SharedClock } from "../../host/clock.ts"
import { hostName } from "../../host/host_name.ts"
import { tryExclusiveLock } from "../../host/processes/lock_file.ts"
import { keepSpotPrices } from "../pricing/spot_prices.ts"
import { askEventHistory } from "./event_history.ts"
import { type FlatRateListing, listFlatRateCharges, recordFlatRateCharges } from "./flat_rate_charges.ts"
import { type SnapshotDeps, type SnapshotSummary, takeSnapshot } from "./snapshot.ts"
import { refreshSums } from "./sums.ts"

export interface CronOptions {
  /** Ask CloudTrail about what is uncertain. */
  cloudTrail: boolean
}

export interface CronSummary extends SnapshotSummary {
  /** What else could not be found out, a line each; the snapshot itself is complete. */
  warnings: string[]
}

/** Null where another usage_cron is at work. Throws where no region answers; one that does not, where others do, is a warning. */
export async function runCron(deps: SnapshotDeps, { cloudTrail }: CronOptions): Promise<CronSummary | null> {
  const { usageDb, config } = deps
  const release = tryExclusiveLock(join(config.paths.dataDir, "usage-cron.lock"))
  if (!release) return null
  try {
    const warnings: string[] = []
    const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
      try {
        return await work()
      } catch (error) {
        warnings.push(`${what}: ${messageOf(error)}`)
        return null
      }
    }
    const look = await attempt<FlatRateListing>("volumes and addresses not read", () =>
      listFlatRateCharges(deps),
    )
    const tariff = usageDb.prices.tariff(config)
    const summary = await takeSnapshot(deps, tariff, look?.elasticIps ?? new Set())
    for (const { reason } of summary.silent) warnings.push(`not read: ${reason}`)
    noteHost(deps)
    if (look) usageDb.transaction(() => recordFlatRateCharges(usageDb, tariff, look))
    await attempt("spot prices not read", () => keepSpotPrices(deps))
    if (cloudTrail) await attempt("CloudTrail not read", () => askEventHistory(deps))
    await attempt("sums not made", async () => refreshSums(usageDb, usageDb.prices.tariff(config), null))
    const unread = new Set(summary.silent.map(({ region }) => region))
    for (const { region, reason } of look?.silent ?? [])
      if (!unread.has(region)) warnings.push(`volumes and addresses not read: ${reason}`)
    if (summary.clockWentBack) {
      warnings.push(
        "the clock has gone back since the last snapshot: some bounds are wider for it, set it by NTP",
      )
    }
    return { ...summary, warnings }
  } finally {
    release()
  }
}

/** For doctor on the other hosts. */
function noteHost({ usageDb, clock }: SnapshotDeps): void {
  if (usageDb.engine === "sqlite") return
  usageDb.transaction(() => {
    const nowUtcMs = clock.now()
    const clockAheadMs = (clock as Partial<SharedClock>).aheadMs?.() ?? 0
    usageDb.hosts.put({
      host: hostName(),
      version,
      seenAtUtcMs: nowUtcMs,
      clockAheadMs,
      cronAtUtcMs: nowUtcMs,
    })
  })
}
