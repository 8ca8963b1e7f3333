/**
 * Rows of the old tools that run for ever: their instances vanished before the old cron saw them `terminated`. A complete
 * listing that lacks them proves that they ended; the old table tells between which looks.
 */
import type { Config } from "../../base/config.ts"
import { type Clock, isoUtc } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { linuxOperation } from "../../decisions/embedded_prices.ts"
import { between, exactly, type Instant, type OldRun } from "../../decisions/intervals.ts"

export interface Repair {
  row: OldRun
  end: Instant
  /** For the plan, and for `usage_report --explain`. */
  because: string
}

/** What would be closed, after a complete snapshot: what it saw is in the ledger, and not in the plan. */
export function planRepairs({ usageDb, clock }: { usageDb: UsageDb; clock: Clock }): Repair[] {
  const now = clock.now()
  return usageDb.oldRows.running(null).map((row) => {
    const seenUtcMs = Math.max(row.seenUtcMs ?? row.startUtcMs, row.startUtcMs)
    const nextLook = usageDb.oldRows.nextLookAfter(seenUtcMs)
    const missingUtcMs = nextLook ?? now
    const how =
      nextLook === null ? "missing from the listing of" : "missing when the old cron looked next, at"
    return {
      row,
      end: between(row.stoppedUtcMs ?? seenUtcMs, missingUtcMs, "vanished"),
      because: `last seen ${isoUtc(seenUtcMs)}, ${how} ${isoUtc(missingUtcMs)}`,
    }
  })
}

/** Closes what is planned, in one transaction. */
export function repair(
  { usageDb, config, clock }: { usageDb: UsageDb; config: Config; clock: Clock },
  plan: readonly Repair[],
): void {
  const { ledger, evidence } = usageDb
  const now = clock.now()
  usageDb.transaction(() => {
    for (const { row, end, because } of plan) {
      const { instanceId, instanceType, market, login, startUtcMs } = row
      const offer = {
        instanceType,
        market,
        region: config.aws.region,
        zone: "",
        usageOperation: linuxOperation,
      }
      ledger.instances.put({
        ...{
          instanceId,
          login,
          ...offer,
          state: "terminated",
          keyName: "",
          reservationId: "",
          publicIpv4: false,
        },
        ...{ launchedAtUtcMs: startUtcMs, seenUtcMs: row.seenUtcMs ?? startUtcMs },
      })
      ledger.addRun(null, {
        ...{ instanceId, login, ...offer, publicIpv4: false, seenUtcMs: row.seenUtcMs ?? startUtcMs },
        ...{ start: exactly(startUtcMs, "observed"), end, endedByEc2: market === "spot" ? null : false },
      })
      ledger.old.setEnd(instanceId, end.earliestUtcMs)
      evidence.add({ instanceId, foundUtcMs: now, kind: "repair", atUtcMs: end.earliestUtcMs, text: because })
    }
  })
}
