/** The kept sums, made before anybody waits for them: by init_dbs, by cron after each look, by a report where they are stale. */
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/costs.ts"

/** So many in one transaction: launches wait for it meanwhile. */
const loginsAtOnce = 100

/** Computes the sums that are stale, of a login or, with null, of everybody. */
export function refreshSums({ ledger, transaction }: UsageDb, tariff: Tariff, login: string | null): void {
  for (const sums of [ledger.sums, ledger.oldSums]) {
    const stale = sums.staleLogins(tariff, login)
    for (let from = 0; from < stale.length; from += loginsAtOnce) {
      transaction(() => {
        for (const one of stale.slice(from, from + loginsAtOnce)) sums.refresh(tariff, one)
      })
    }
  }
}
