/** What a login still has, by the ledger: for whoever drops somebody, and for leftovers later. */
import { type MicroUsd, noMicroUsd, times, total } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import { budgetBegan } from "../launches/limits.ts"
import type { RosterDeps } from "./deps.ts"

type HoldingDeps = Pick<RosterDeps, "usageDb" | "config" | "clock">

export interface RosterHoldings {
  instances: { id: string; type: string; leaseEndsAtUtcMs: UtcMs }[]
  /** Volumes, snapshots and addresses that go with no instance. */
  stored: { id: string; description: string }[]
  storedMicroUsdPerMonth: MicroUsd
  /** This term, at most. */
  spent: MicroUsd
}

/** AWS's month: https://aws.amazon.com/ebs/pricing/ counts 730 hours. */
export const hoursPerMonth = 730

export function holdingsOf({ usageDb, config, clock }: HoldingDeps, login: string): RosterHoldings {
  const nowUtcMs = clock.now()
  const tariff = usageDb.prices.tariff(config)
  const loose = usageDb.ledger.flatRates.open(login).filter(({ goesWithInstance }) => goesWithInstance === "")
  const perHour = total(loose.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd))
  return {
    instances: usageDb.leases.open(login).map(({ instanceId, instanceType, endsAtUtcMs }) => ({
      id: instanceId,
      type: instanceType,
      leaseEndsAtUtcMs: endsAtUtcMs,
    })),
    stored: loose.map(({ flatRateId, description }) => ({ id: flatRateId, description })),
    storedMicroUsdPerMonth: times(hoursPerMonth, perHour),
    spent: usageDb.ledger.spent(tariff, login, budgetBegan({ usageDb, config }, login, nowUtcMs), nowUtcMs)
      .highest,
  }
}

export function holdsNothing({ instances, stored }: RosterHoldings): boolean {
  return instances.length + stored.length === 0
}
