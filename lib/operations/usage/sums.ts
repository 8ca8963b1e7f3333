/** The kept sums, made before anybody waits for them: by init_dbs, by cron after each look, by a report where they are stale. */
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"

/** So many in one transaction: launches wait for it meanwhile. */
const loginsAtOnce = 100

/** From here on summing up takes a second or more; a few logins are quick whatever there is. */
const manyRuns = 100_000
const fewLogins = 20

/** The same for everybody, telling `say` first where it will take a while: on a database just taken over, or after a change of rules. */
export function refreshAllSums(usageDb: UsageDb, tariff: Tariff, say: (line: string) => void): void {
  const runs = [usageDb.ledger.sums, usageDb.ledger.oldSums]
    .filter((sums) => sums.staleLogins(tariff, null).length > fewLogins)
    .reduce((sum, stale) => sum + stale.runs(), 0)
  if (runs >= manyRuns) say(`summing up ${runs.toLocaleString("en")} runs, this once`)
  refreshSums(usageDb, tariff, null)
}

/** Computes the sums that are stale, of a login or, with null, of everybody. */
export function refreshSums(usageDb: UsageDb, tariff: Tariff, login: string | null): void {
  refreshKept(usageDb, usageDb.ledger.sums, tariff, login)
  refreshKept(usageDb, usageDb.ledger.oldSums, tariff, login)
}

interface Kept<Key> {
  staleLogins(tariff: Tariff, login: string | null): Key[]
  refresh(tariff: Tariff, login: Key): void
}

function refreshKept<Key>(
  { transaction }: UsageDb,
  sums: Kept<Key>,
  tariff: Tariff,
  login: string | null,
): void {
  const stale = sums.staleLogins(tariff, login)
  for (let from = 0; from < stale.length; from += loginsAtOnce) {
    transaction(() => {
      for (const one of stale.slice(from, from + loginsAtOnce)) sums.refresh(tariff, one)
    })
  }
}
