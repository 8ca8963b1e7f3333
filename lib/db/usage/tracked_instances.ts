/** What is known of each instance as it last was: whose it is, its state, when it was last seen. */

import type { InstanceState, Market } from "../../base/instance.ts"
import type { UtcMs } from "../../base/time.ts"
import { type Db, greatest, least } from "../db.ts"
import { type OfferKey, type Offers, offerColumns } from "../pricing/offers.ts"

export interface TrackedInstance extends OfferKey {
  instanceId: string
  /** "" for nobody's. */
  login: string
  /** As last known; what vanished is terminated. */
  state: InstanceState
  keyName: string
  /** "" where it was not launched through us. */
  reservationId: string
  publicIpv4: boolean
  /** EC2's LaunchTime: the last start. */
  launchedAtUtcMs: UtcMs
  /** When EC2 last answered that it was there. */
  seenUtcMs: UtcMs
}

export function trackedInstances(db: Db, offers: Offers) {
  const select = `SELECT instance_id AS "instanceId", login, state, key_name AS "keyName", reservation_id AS "reservationId",
    public_ipv4 AS "publicIpv4", launched_at_utc_ms AS "launchedAtUtcMs", seen_utc_ms AS "seenUtcMs", ${offerColumns}
    FROM tracked_instances JOIN offers USING (offer_id)`
  return {
    /** Inside the caller's transaction. */
    put(instance: TrackedInstance): void {
      db.query(
        `INSERT INTO tracked_instances(instance_id, login, offer_id, state, key_name, reservation_id, public_ipv4,
           launched_at_utc_ms, seen_utc_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (instance_id) DO UPDATE SET login = excluded.login,
           offer_id = excluded.offer_id, state = excluded.state, key_name = excluded.key_name,
           reservation_id = excluded.reservation_id, public_ipv4 = excluded.public_ipv4,
           launched_at_utc_ms = excluded.launched_at_utc_ms, seen_utc_ms = excluded.seen_utc_ms`,
      ).run(
        instance.instanceId,
        instance.login,
        offers.idOf(instance),
        instance.state,
        instance.keyName,
        instance.reservationId,
        instance.publicIpv4 ? 1 : 0,
        instance.launchedAtUtcMs,
        instance.seenUtcMs,
      )
    },

    /**
     * After the clock was found to have gone back: what was seen later than now was seen at `instead` at the earliest, or when it
     * was launched. Inside the caller's transaction.
     */
    distrust(laterThanUtcMs: UtcMs, insteadUtcMs: UtcMs): void {
      db.query(
        `UPDATE tracked_instances SET seen_utc_ms = ${greatest("?2", least("launched_at_utc_ms", "?1"))}
         WHERE seen_utc_ms > ?1`,
      ).run(laterThanUtcMs, insteadUtcMs)
    },

    get(instanceId: string): TrackedInstance | null {
      const row = db.query<Row, [string]>(`${select} WHERE instance_id = ?`).get(instanceId)
      return row && fromRow(row)
    },

    /** Those of a login that have not ended, and those last seen after `sinceUtcMs`: the latest first, what has ended last. */
    lately: (login: string, sinceUtcMs: UtcMs): TrackedInstance[] =>
      db
        .query<Row, [string, number]>(
          `${select} WHERE login = ? AND (state <> 'terminated' OR seen_utc_ms > ?)
           ORDER BY CASE WHEN state = 'terminated' THEN 1 ELSE 0 END, seen_utc_ms DESC, instance_id`,
        )
        .all(login, sinceUtcMs)
        .map(fromRow),

    /** What is on in a region, by type and market: of everybody, launched through us or not, where EC2 showed it since then. */
    onByType(
      region: string,
      seenSinceUtcMs: UtcMs,
    ): { instanceType: string; market: Market; count: number }[] {
      return db
        .query<{ instanceType: string; market: Market; count: number }, [string, number]>(
          `SELECT instance_type AS "instanceType", market, count(*) AS count
           FROM tracked_instances JOIN offers USING (offer_id)
           WHERE state <> 'terminated' AND state IN ('pending', 'running') AND region = ? AND seen_utc_ms >= ?
           GROUP BY instance_type, market`,
        )
        .all(region, seenSinceUtcMs)
    },

    /** All that are not known to have ended, of a login or, with null, of everybody. */
    notEnded(login: string | null): TrackedInstance[] {
      const where = "WHERE state <> 'terminated'"
      const rows =
        login === null
          ? db.query<Row, []>(`${select} ${where} ORDER BY instance_id`).all()
          : db.query<Row, [string]>(`${select} ${where} AND login = ? ORDER BY instance_id`).all(login)
      return rows.map(fromRow)
    },
  }
}

type Row = Omit<TrackedInstance, "publicIpv4"> & { publicIpv4: number }

function fromRow(row: Row): TrackedInstance {
  return { ...row, publicIpv4: row.publicIpv4 === 1 }
}
