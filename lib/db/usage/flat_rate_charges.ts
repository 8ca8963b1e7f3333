/** What is paid by the hour whatever it does: EBS volumes, snapshots and elastic addresses. */

import { type MicroUsd, noMicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import { embeddedRegion } from "../../decisions/pricing/embedded_prices.ts"
import type { FlatRateCharge } from "../../decisions/pricing/flat_rate_charges.ts"
import { type Db, greatest, least } from "../db.ts"

export type FlatRates = ReturnType<typeof flatRateTable>

export function flatRateTable(db: Db) {
  const select = (where: string) => `SELECT rental_id AS "flatRateId", kind, login, region, description,
    micro_usd_per_hour AS "microUsdPerHour", start_earliest_utc_ms AS "startEarliestUtcMs",
    start_latest_utc_ms AS "startLatestUtcMs", end_earliest_utc_ms AS "endEarliestUtcMs",
    end_latest_utc_ms AS "endLatestUtcMs", seen_utc_ms AS "seenUtcMs", goes_with_instance AS "goesWithInstance",
    price_source AS "priceSource"
    FROM rentals WHERE ${where}`
  return {
    /** Adds it, or replaces what is known of it since that start. Inside the caller's transaction. */
    put(flatRate: FlatRateCharge): void {
      db.query(
        `INSERT INTO rentals(rental_id, kind, login, region, description, micro_usd_per_hour, start_earliest_utc_ms,
           start_latest_utc_ms, end_earliest_utc_ms, end_latest_utc_ms, seen_utc_ms, goes_with_instance, price_source)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (rental_id, start_earliest_utc_ms)
         DO UPDATE SET kind = excluded.kind, login = excluded.login, region = excluded.region,
           description = excluded.description, micro_usd_per_hour = excluded.micro_usd_per_hour,
           start_latest_utc_ms = excluded.start_latest_utc_ms, end_earliest_utc_ms = excluded.end_earliest_utc_ms,
           end_latest_utc_ms = excluded.end_latest_utc_ms, seen_utc_ms = excluded.seen_utc_ms,
           goes_with_instance = excluded.goes_with_instance, price_source = excluded.price_source`,
      ).run(
        flatRate.flatRateId,
        flatRate.kind,
        flatRate.login,
        flatRate.region,
        flatRate.description,
        flatRate.microUsdPerHour,
        flatRate.startEarliestUtcMs,
        flatRate.startLatestUtcMs,
        flatRate.endEarliestUtcMs,
        flatRate.endLatestUtcMs,
        flatRate.seenUtcMs,
        flatRate.goesWithInstance,
        flatRate.priceSource ?? null,
      )
    },

    /** What turned out to be something else. Inside the caller's transaction. */
    remove(flatRateId: string): void {
      db.query("DELETE FROM rentals WHERE rental_id = ?").run(flatRateId)
    },

    /** What ended with its instance between two instants ended with it at `atUtcMs`. Inside the caller's transaction. */
    endedWithInstance(
      { login, instanceId }: { login: string; instanceId: string },
      [fromUtcMs, toUtcMs]: [number, number],
      atUtcMs: UtcMs,
    ): void {
      db.query(
        `UPDATE rentals SET end_earliest_utc_ms = ?5, end_latest_utc_ms = ?5
         WHERE login = ?1 AND goes_with_instance = ?2 AND end_earliest_utc_ms = ?3 AND end_latest_utc_ms = ?4`,
      ).run(login, instanceId, fromUtcMs, toUtcMs, atUtcMs)
    },

    /** See ledger.forgetFuture. */
    forgetFuture(nowUtcMs: UtcMs): string[] {
      const rows = db
        .query<{ login: string }, [number]>(
          `UPDATE rentals SET seen_utc_ms = ${least("seen_utc_ms", "?1")},
             start_latest_utc_ms = ${least("start_latest_utc_ms", greatest("start_earliest_utc_ms", "?1"))},
             end_earliest_utc_ms = ${least("end_earliest_utc_ms", "?1")},
             end_latest_utc_ms = ${least("end_latest_utc_ms", "?1")}
           WHERE seen_utc_ms > ?1 OR end_latest_utc_ms > ?1 OR start_latest_utc_ms > ?1 RETURNING login`,
        )
        .all(nowUtcMs)
      return rows.map(({ login }) => login)
    },

    /** Those that are there, of a login or, with null, of everybody. */
    open(login: string | null): FlatRateCharge[] {
      return db
        .query<FlatRateCharge, [string | null]>(select(`end_latest_utc_ms IS NULL AND ${whose(login)}`))
        .all(login)
    },

    /** Whether a snapshot has seen a volume that goes with the instance, there or gone by now. */
    hasAnyOf: (login: string, instanceId: string): boolean =>
      db
        .query("SELECT 1 FROM rentals WHERE login = ? AND goes_with_instance = ? LIMIT 1")
        .get(login, instanceId) !== null,

    isAddress: (publicIp: string): boolean =>
      db
        .query(
          "SELECT 1 FROM rentals WHERE kind = 'address' AND description = ? AND end_latest_utc_ms IS NULL",
        )
        .get(publicIp) !== null,

    /** Of every volume, snapshot and address ever seen: since when, and whose it was last. */
    knownSince(): Map<string, { login: string; createdAtUtcMs: UtcMs }> {
      const rows = db
        .query<{ id: string; login: string; at: UtcMs }, []>(
          `SELECT rental_id AS id, login, start_earliest_utc_ms AS at FROM rentals
           ORDER BY rental_id, start_earliest_utc_ms`,
        )
        .all()
      const known = new Map<string, { login: string; createdAtUtcMs: UtcMs }>()
      for (const { id, login, at } of rows)
        known.set(id, { login, createdAtUtcMs: known.get(id)?.createdAtUtcMs ?? at })
      return known
    },

    /** What the volumes that go with no instance, and the snapshots, cost, of a login or of everybody else. */
    looseMicroUsdPerHour(login: string, whose: "own" | "others"): MicroUsd {
      const compared = whose === "own" ? "=" : "<>"
      return (
        db
          .query<{ sum: MicroUsd | null }, [string]>(
            `SELECT sum(micro_usd_per_hour) AS sum FROM rentals
             WHERE end_latest_utc_ms IS NULL AND kind IN ('volume', 'snapshot') AND goes_with_instance = '' AND login ${compared} ?`,
          )
          .get(login)?.sum ?? noMicroUsd
      )
    },

    ofLogin(login: string): FlatRateCharge[] {
      return db
        .query<FlatRateCharge, [string]>(`${select("login = ?")} ORDER BY start_earliest_utc_ms`)
        .all(login)
    },

    /** Who in a stretch of time has volumes or snapshots whose price is an estimate. */
    loginsWithEstimates(fromUtcMs: UtcMs, toUtcMs: UtcMs): Set<string> {
      const rows = db
        .query<{ login: string }, [number, number, string]>(
          `SELECT DISTINCT login FROM rentals WHERE kind <> 'address' AND micro_usd_per_hour IS NOT NULL
             AND coalesce(price_source, CASE region WHEN ?3 THEN 'embedded' ELSE 'estimate' END) = 'estimate'
             AND start_earliest_utc_ms < ?2 AND (end_latest_utc_ms IS NULL OR end_latest_utc_ms > ?1)`,
        )
        .all(fromUtcMs, toUtcMs, embeddedRegion)
      return new Set(rows.map(({ login }) => login))
    },

    /** Those of a stretch of time, of a login or, with null, of everybody. */
    within(login: string | null, fromUtcMs: UtcMs, toUtcMs: UtcMs): FlatRateCharge[] {
      return db
        .query<FlatRateCharge, [string | null, number, number]>(
          select(
            `${whose(login)} AND start_earliest_utc_ms < ?3 AND (end_latest_utc_ms IS NULL OR end_latest_utc_ms > ?2)`,
          ),
        )
        .all(login, fromUtcMs, toUtcMs)
    },
  }
}

/** A condition on ?1 that an index can serve, which `?1 IS NULL OR …` is not. */
function whose(login: string | null): string {
  return login === null ? "CAST(?1 AS TEXT) IS NULL" : "login = ?1"
}
