/** Ends what nobody can pay for any longer: volumes and snapshots that were made through us, when their owner's budget is spent. */

import { tagOf } from "../../base/instance.ts"
import { type MicroUsd, minus, noMicroUsd, plus, total } from "../../base/money.ts"
import { isoUtc, later, msPerDay, type UtcMs } from "../../base/time.ts"
import { leaseTerms, remainingCost } from "../../decisions/launches/worst_case.ts"
import {
  type KeptStorage,
  planStorage,
  type StorageStep,
  storageWarning,
} from "../../decisions/storage/storage_plan.ts"
import type { Warning } from "../enforcement/warnings.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { budgetBegan, limitsOf, storageGrace } from "../launches/limits.ts"
import { awsNow } from "../usage/aws_time.ts"
import { deleteAll } from "./own_storage.ts"

/** What is due now, by the ledger: no question to AWS. */
export function storageDue(deps: LedgerDeps): StorageStep[] {
  const { usageDb } = deps
  const steps = usageDb.transaction(() => planStorage(keptStorage(deps), awsNow(deps)))
  return steps.filter(
    (step) => step.kind === "delete" || !usageDb.notices.has(step.storage.login, warningOf(step).about),
  )
}

function keptStorage(deps: LedgerDeps): KeptStorage[] {
  const { usageDb, config } = deps
  const nowUtcMs = awsNow(deps)
  const tariff = usageDb.prices.tariff(config)
  const loose = usageDb.ledger.flatRates
    .open(null)
    .filter(
      ({ login, kind, goesWithInstance }) => login !== "" && kind !== "address" && goesWithInstance === "",
    )
  return [...new Set(loose.map(({ login }) => login))].flatMap((login) => {
    const { budget } = limitsOf(deps, login)
    if (budget === null) return []
    const own = loose.filter((flatRate) => flatRate.login === login)
    const { highest } = usageDb.ledger.spent(tariff, login, budgetBegan(deps, login, nowUtcMs), nowUtcMs)
    return {
      login,
      items: own.map(({ flatRateId: id, description, region }) => ({ id, description, region })),
      microUsdPerHour: total(own.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd)),
      leftMicroUsd: minus(budget, plus(highest, reservedForInstances(deps, login, nowUtcMs))),
      keptUntilUtcMs: storageGrace(deps, login, 3 * msPerDay),
      warnedAtUtcMs: usageDb.notices.firstSince(login, aboutStorage, later(nowUtcMs, -3 * msPerDay)),
    }
  })
}

/** What a login's instances and launches may still cost. */
export function reservedForInstances(
  { usageDb, config }: Pick<LedgerDeps, "usageDb" | "config">,
  login: string,
  nowUtcMs: UtcMs,
): MicroUsd {
  const terms = leaseTerms(config)
  const pending = usageDb.reservations.pending(login)
  const leases = usageDb.leases.open(login)
  return total([
    ...pending.map(({ awaitedWorstMicroUsd }) => awaitedWorstMicroUsd),
    ...leases.map((lease) =>
      remainingCost(lease, { ...lease, isRunning: lease.stoppedAtUtcMs === null }, nowUtcMs, terms),
    ),
  ])
}

/** Only what carries a reservation of ours at AWS. */
export async function deleteUnpaid(
  deps: LedgerDeps,
  { login, item, because }: StorageStep & { kind: "delete" },
): Promise<{ failures: string[]; foreign: string[] }> {
  const { id, description, region } = item
  const ec2 = await deps.aws.ec2(region)
  const filter = { ids: [id] }
  const [found] = id.startsWith("vol-") ? await ec2.volumes(filter) : await ec2.snapshots(filter)
  if (!found) return { failures: [], foreign: [] } // gone, as the next snapshot sees
  if (found.tags[tagOf.owner] !== login || found.tags[tagOf.reservation] === undefined) {
    const foreign = `${id} (${description}) of ${login} was not made through us and is left alone: ${because}`
    return { failures: [], foreign: [foreign] }
  }
  const failures = await deleteAll(deps, [item], "enforcement", ` of ${login}: ${because}`)
  if (failures.length === 0) noteDeleted(deps, login, `${id} (${description}) was deleted: ${because}`, id)
  return { failures, foreign: [] }
}

function noteDeleted({ usageDb, clock }: LedgerDeps, login: string, text: string, id: string): void {
  const createdAtUtcMs = clock.now()
  const expiresAtUtcMs = later(createdAtUtcMs, 7 * msPerDay)
  usageDb.transaction(() =>
    usageDb.notices.add({ login, about: `delete ${id}`, text, createdAtUtcMs, expiresAtUtcMs }),
  )
}

const aboutStorage = "storage until "

/** Said once for each day that the end may fall on. */
export function warningOf({
  storage,
  endsAtUtcMs,
  days,
}: StorageStep & { kind: "warn of storage" }): Warning {
  return {
    login: storage.login,
    about: `${aboutStorage}${isoUtc(endsAtUtcMs).slice(0, 10)}, ${days} days before`,
    what: "storage",
    subject: "Your volumes and snapshots will be deleted",
    text: storageWarning(storage, endsAtUtcMs),
    expiresAtUtcMs: endsAtUtcMs,
  }
}
