/** The promise that an instance launched through us ends. The truth about it is here, never in a tag. */

import type { Market } from "../../base/instance.ts"
import { type MicroUsd, noMicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import type { LeaseTerms } from "../../decisions/launches/worst_case.ts"
import { suseOperation } from "../../decisions/pricing/costs.ts"
import { type Db, greatest } from "../db.ts"

export interface Lease {
  instanceId: string
  login: string
  reservationId: string
  region: string
  instanceType: string
  market: Market
  keyName: string
  /** What EC2 sells it as: some is charged by started hours. */
  usageOperation: string
  microUsdPerHour: MicroUsd
  storageMicroUsdPerHour: MicroUsd
  addressMicroUsdPerHour: MicroUsd
  launchedAtUtcMs: UtcMs
  /** The last start: of the launch, or by `ec2_active --start`. */
  runStartedAtUtcMs: UtcMs
  /** How long it had run before that: the ceiling of leases counts all of it (running_time.ts). */
  ranBeforeMs: number
  endsAtUtcMs: UtcMs
  /** Since when it is known to be stopped; null while it runs. */
  stoppedAtUtcMs: UtcMs | null
  /** Null while the instance exists. */
  endedAtUtcMs: UtcMs | null
  /** The end that the instance's tag shows; null before it is known. */
  announcedEndUtcMs: UtcMs | null
  /** When the scheduler terminates it; null without a schedule. */
  terminationAtUtcMs: UtcMs | null
  /** Since when the ledger charges the run that lasts; null where it charges none. */
  chargedSinceUtcMs: UtcMs | null
}

export type NewLease = Omit<Lease, "chargedSinceUtcMs">

/**
 * Only where the ledger, too, charges by started hours what the lease knows to be sold so. `+ 0` keeps both engines from the
 * indexes by end: all open runs are many, an instance's are few.
 */
const chargedSince = `(SELECT max(start_earliest_utc_ms) FROM intervals
  WHERE intervals.instance_id = l.instance_id AND end_latest_utc_ms + 0 IS NULL
    AND (l.usage_operation <> '${suseOperation}' OR l.usage_operation =
      (SELECT offers.usage_operation FROM offers WHERE offers.offer_id = intervals.offer_id)))`

const columns = `l.instance_id AS "instanceId", l.login, reservation_id AS "reservationId", region,
  l.instance_type AS "instanceType", market, key_name AS "keyName", usage_operation AS "usageOperation", micro_usd_per_hour AS "microUsdPerHour",
  storage_micro_usd_per_hour AS "storageMicroUsdPerHour", address_micro_usd_per_hour AS "addressMicroUsdPerHour",
  launched_at_utc_ms AS "launchedAtUtcMs", run_started_at_utc_ms AS "runStartedAtUtcMs",
  ran_before_ms AS "ranBeforeMs", ends_at_utc_ms AS "endsAtUtcMs",
  stopped_at_utc_ms AS "stoppedAtUtcMs", ended_at_utc_ms AS "endedAtUtcMs",
  announced_end_utc_ms AS "announcedEndUtcMs", switch_at_utc_ms AS "terminationAtUtcMs", ${chargedSince} AS "chargedSinceUtcMs"`

/** As worst_case.ts counts them. */
const startedHours = (ms: string) => greatest("1", `((${ms} + 3599999) / 3600000)`)

/** What the ledger has seen end has no lease any more, whoever ended it. */
const open = `FROM leases l LEFT JOIN instances i ON i.instance_id = l.instance_id
  WHERE l.ended_at_utc_ms IS NULL AND i.end_time IS NULL`

export type Leases = ReturnType<typeof leases>

export function leases(db: Db) {
  return {
    /** Does nothing where the instance has one. */
    add(lease: NewLease): void {
      db.query(`
        INSERT INTO leases(instance_id, login, reservation_id, region, instance_type, market, key_name,
          micro_usd_per_hour, storage_micro_usd_per_hour, address_micro_usd_per_hour, launched_at_utc_ms,
          run_started_at_utc_ms, ends_at_utc_ms, stopped_at_utc_ms, ended_at_utc_ms, announced_end_utc_ms,
          switch_at_utc_ms, ran_before_ms, usage_operation)
        VALUES ($instanceId, $login, $reservationId, $region, $instanceType, $market, $keyName, $microUsdPerHour,
          $storageMicroUsdPerHour, $addressMicroUsdPerHour, $launchedAtUtcMs, $runStartedAtUtcMs, $endsAtUtcMs,
          $stoppedAtUtcMs, $endedAtUtcMs, $announcedEndUtcMs, $terminationAtUtcMs, $ranBeforeMs,
          $usageOperation)
        ON CONFLICT DO NOTHING`).run({ ...lease })
    },
    of(instanceId: string): Lease | null {
      return db
        .query<Lease, [string]>(`SELECT ${columns} FROM leases l WHERE instance_id = ?`)
        .get(instanceId)
    },
    ofReservation(reservationId: string): Lease[] {
      return db
        .query<Lease, [string]>(
          `SELECT ${columns} FROM leases l WHERE reservation_id = ? ORDER BY instance_id`,
        )
        .all(reservationId)
    },
    /** Of what exists as far as is known: of one login, or of all. */
    open(login: string | null): Lease[] {
      return login === null
        ? db.query<Lease, []>(`SELECT ${columns} ${open} ORDER BY ends_at_utc_ms`).all()
        : db
            .query<Lease, [string]>(`SELECT ${columns} ${open} AND l.login = ? ORDER BY ends_at_utc_ms`)
            .all(login)
    },
    /** What the open leases of everybody but `login` may still cost: `remainingCost` of worst_case.ts, summed where the rows are. */
    remainingOfOthers(login: string, nowUtcMs: UtcMs, terms: LeaseTerms): MicroUsd {
      return (
        db
          .query<{ sum: MicroUsd | null }, Record<string, string | number | boolean>>(`
          WITH others AS MATERIALIZED (SELECT l.stopped_at_utc_ms, l.micro_usd_per_hour, l.storage_micro_usd_per_hour,
              l.address_micro_usd_per_hour,
              ${greatest("l.ends_at_utc_ms - $nowUtcMs", "0")} + $enforcementMs AS left_ms,
              $isHourly OR usage_operation = $byTheHour AS is_hourly,
              CASE WHEN $isHourly OR usage_operation = $byTheHour THEN ${chargedSince} END AS since
            ${open} AND l.login <> $login)
          SELECT sum(CASE WHEN stopped_at_utc_ms IS NULL THEN
              ((address_micro_usd_per_hour + CASE WHEN is_hourly THEN 0 ELSE micro_usd_per_hour END)
                * ((${greatest("left_ms", "$minimumMs")} + 999) / 1000 * 1000) + 3599999) / 3600000
              + CASE WHEN NOT is_hourly THEN 0
                WHEN since IS NULL THEN micro_usd_per_hour * ${startedHours("left_ms")}
                ELSE micro_usd_per_hour * (${startedHours("$nowUtcMs + left_ms - since")}
                  - ${startedHours("$nowUtcMs - since")}) END
            ELSE 0 END
            + (storage_micro_usd_per_hour * ${greatest("left_ms + $storageMs", "60000")} + 3599999) / 3600000 + 3) AS sum
          FROM others`)
          .get({ ...terms, nowUtcMs, login, byTheHour: suseOperation })?.sum ?? noMicroUsd
      )
    },
    extend(instanceId: string, endsAtUtcMs: UtcMs): void {
      db.query("UPDATE leases SET ends_at_utc_ms = ? WHERE instance_id = ?").run(endsAtUtcMs, instanceId)
    },
    /** Its type and price may be others than at the launch. What it ran until it was stopped is added up. */
    started(
      lease: Pick<
        Lease,
        | "instanceId"
        | "instanceType"
        | "usageOperation"
        | "microUsdPerHour"
        | "runStartedAtUtcMs"
        | "endsAtUtcMs"
      >,
    ): void {
      db.query(
        `UPDATE leases SET instance_type = $instanceType, usage_operation = $usageOperation,
           micro_usd_per_hour = $microUsdPerHour,
           ran_before_ms = ran_before_ms
             + ${greatest("coalesce(stopped_at_utc_ms, $runStartedAtUtcMs) - run_started_at_utc_ms", "0")},
           run_started_at_utc_ms = $runStartedAtUtcMs, ends_at_utc_ms = $endsAtUtcMs, stopped_at_utc_ms = NULL
         WHERE instance_id = $instanceId`,
      ).run({ ...lease })
    },
    stopped(instanceId: string, atUtcMs: UtcMs): void {
      db.query(
        "UPDATE leases SET stopped_at_utc_ms = coalesce(stopped_at_utc_ms, ?) WHERE instance_id = ?",
      ).run(atUtcMs, instanceId)
    },
    /** Somebody started it behind our back: it runs, and nothing says that it stopped. */
    runningAgain(instanceId: string): void {
      db.query("UPDATE leases SET stopped_at_utc_ms = NULL WHERE instance_id = ?").run(instanceId)
    },
    ended(instanceId: string, atUtcMs: UtcMs): void {
      db.query("UPDATE leases SET ended_at_utc_ms = coalesce(ended_at_utc_ms, ?) WHERE instance_id = ?").run(
        atUtcMs,
        instanceId,
      )
    },
    /** It is there after all: a listing had left it out. */
    reopen(instanceId: string): void {
      db.query("UPDATE leases SET ended_at_utc_ms = NULL WHERE instance_id = ?").run(instanceId)
    },
    announced(instanceId: string, endUtcMs: UtcMs): void {
      db.query("UPDATE leases SET announced_end_utc_ms = ? WHERE instance_id = ?").run(endUtcMs, instanceId)
    },
    /**
     * False where another run has set it otherwise since it was `before`: which of the two came last to AWS is not known, and no lease
     * wants what is noted then.
     */
    scheduleSet(instanceId: string, before: number | null, atUtcMs: UtcMs | null): boolean {
      const noted = db
        .query<{ isSo: number }, { instanceId: string; before: number | null; atUtcMs: UtcMs | null }>(
          `UPDATE leases SET switch_at_utc_ms =
             CASE WHEN switch_at_utc_ms IS NOT DISTINCT FROM $before OR switch_at_utc_ms IS NOT DISTINCT FROM $atUtcMs
               THEN $atUtcMs ELSE 0 END
           WHERE instance_id = $instanceId RETURNING switch_at_utc_ms IS NOT DISTINCT FROM $atUtcMs AS "isSo"`,
        )
        .get({ instanceId, before, atUtcMs })
      return noted?.isSo === 1
    },
    /** Ended ones whose schedule is still set. */
    schedulesLeft(): { instanceId: string; region: string }[] {
      return db
        .query<{ instanceId: string; region: string }, []>(
          `SELECT l.instance_id AS "instanceId", region FROM leases l LEFT JOIN instances i ON i.instance_id = l.instance_id
           WHERE switch_at_utc_ms IS NOT NULL AND (ended_at_utc_ms IS NOT NULL OR i.end_time IS NOT NULL)`,
        )
        .all()
    },
  }
}
