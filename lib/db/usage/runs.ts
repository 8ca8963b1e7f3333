/** When instances ran: a row for each run, its end NULL as long as it lasts. */
import type { UtcMs } from "../../base/time.ts"
import type { Evidence, Instant, Run } from "../../decisions/usage/runs.ts"
import { type Db, greatest, least } from "../db.ts"
import type { OfferKey, Offers } from "../pricing/offers.ts"

export interface StoredRun extends Run {
  runId: number
}

export type Runs = ReturnType<typeof runTable>

export function runTable(db: Db, offers: Offers) {
  const select = (where: string) => `SELECT ${columns} FROM intervals JOIN offers USING (offer_id)
    LEFT JOIN tracked_instances AS t USING (instance_id) WHERE ${where}`
  return {
    /** Inside the caller's transaction. Returns its number. */
    add(run: Run & OfferKey): number {
      const { instanceId, login, publicIpv4, start, end, endedByEc2 } = run
      const added = db
        .query<{ id: number }>(
          `INSERT INTO intervals(instance_id, login, offer_id, public_ipv4, start_earliest_utc_ms, start_latest_utc_ms,
             start_evidence, end_earliest_utc_ms, end_latest_utc_ms, end_evidence, ended_by_ec2)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING interval_id AS id`,
        )
        .get(
          instanceId,
          login,
          offers.idOf(run),
          flag(publicIpv4),
          start.earliestUtcMs,
          start.latestUtcMs,
          start.evidence,
          end?.earliestUtcMs ?? null,
          end?.latestUtcMs ?? null,
          end?.evidence ?? null,
          flag(endedByEc2),
        )
      if (!added) throw new Error(`a run of ${instanceId} was not kept`)
      return added.id
    },

    /** Changes what is known of an end; null reopens it. Inside the caller's transaction. */
    setEnd(runId: number, end: Instant | null, endedByEc2: boolean | null): void {
      db.query(
        `UPDATE intervals SET end_earliest_utc_ms = ?, end_latest_utc_ms = ?, end_evidence = ?, ended_by_ec2 = ?
         WHERE interval_id = ?`,
      ).run(
        end?.earliestUtcMs ?? null,
        end?.latestUtcMs ?? null,
        end?.evidence ?? null,
        flag(endedByEc2),
        runId,
      )
    },

    setStart(runId: number, start: Instant): void {
      db.query(
        "UPDATE intervals SET start_earliest_utc_ms = ?, start_latest_utc_ms = ?, start_evidence = ? WHERE interval_id = ?",
      ).run(start.earliestUtcMs, start.latestUtcMs, start.evidence, runId)
    },

    setPublicIpv4(runId: number, publicIpv4: boolean): void {
      db.query("UPDATE intervals SET public_ipv4 = ? WHERE interval_id = ?").run(flag(publicIpv4), runId)
    },

    /**
     * After the clock was found to have gone back: what was concluded to have ended later than now, and not dated by AWS, may have
     * ended since `insteadUtcMs`. Returns whose sums that changes. Inside the caller's transaction.
     */
    distrust(laterThanUtcMs: UtcMs, insteadUtcMs: UtcMs): string[] {
      const rows = db
        .query<{ login: string }, [number, number]>(
          `UPDATE intervals SET end_earliest_utc_ms = ${greatest("?2", least("start_latest_utc_ms", "?1"))}
           WHERE end_latest_utc_ms > ?1 AND end_earliest_utc_ms > ?1 AND end_evidence IN ('observed', 'vanished')
           RETURNING login`,
        )
        .all(laterThanUtcMs, insteadUtcMs)
      return [...new Set(rows.map(({ login }) => login))]
    },

    /** See ledger.forgetFuture. */
    forgetFuture(nowUtcMs: UtcMs): string[] {
      const now = greatest("start_earliest_utc_ms", "?1")
      const rows = db
        .query<{ login: string }, [number]>(
          `UPDATE intervals SET start_latest_utc_ms = ${least("start_latest_utc_ms", now)},
             end_latest_utc_ms = ${least("end_latest_utc_ms", now)},
             end_earliest_utc_ms = ${least("end_earliest_utc_ms", now)}
           WHERE end_latest_utc_ms > ?1 OR (end_latest_utc_ms IS NULL AND start_latest_utc_ms > ?1)
           RETURNING login`,
        )
        .all(nowUtcMs)
      return rows.map(({ login }) => login)
    },

    remove(runId: number): void {
      db.query("DELETE FROM intervals WHERE interval_id = ?").run(runId)
    },

    /** All runs of one instance, oldest first. */
    ofInstance(instanceId: string): StoredRun[] {
      return db
        .query<Row, [string]>(`${select("instance_id = ?")} ORDER BY start_earliest_utc_ms, interval_id`)
        .all(instanceId)
        .map(fromRow)
    },

    /** All runs of a login, oldest first. */
    *ofLogin(login: string): Generator<StoredRun> {
      const rows = db.query<Row, [string]>(`${select("intervals.login = ?")} ORDER BY start_earliest_utc_ms`)
      for (const row of rows.iterate(login)) yield fromRow(row)
    },

    /** Those that last, of a login or, with null, of everybody. */
    open(login: string | null): StoredRun[] {
      const isOpen = "end_latest_utc_ms IS NULL"
      const rows =
        login === null
          ? db.query<Row, []>(select(isOpen)).all()
          : db.query<Row, [string]>(select(`${isOpen} AND intervals.login = ?`)).all(login)
      return rows.map(fromRow)
    },

    /** Those on spot that last, or ended since `sinceUtcMs`. */
    spotSince(sinceUtcMs: UtcMs): StoredRun[] {
      return db
        .query<Row, [number]>(
          select("market = 'spot' AND (end_latest_utc_ms IS NULL OR end_latest_utc_ms >= ?)"),
        )
        .all(sinceUtcMs)
        .map(fromRow)
    },

    /** Those of a stretch of time, of a login or, with null, of everybody, in any order. */
    *within(login: string | null, fromUtcMs: UtcMs, toUtcMs: UtcMs): Generator<StoredRun> {
      // Two halves that indexes serve, as they would not `end_latest_utc_ms IS NULL OR …`, nor `login IS NULL OR …`.
      const whose = login === null ? "CAST(?3 AS TEXT) IS NULL" : "intervals.login = ?3"
      const open = select(`end_latest_utc_ms IS NULL AND start_earliest_utc_ms < ?1 AND ${whose}`)
      const closed = select(`end_latest_utc_ms > ?2 AND start_earliest_utc_ms < ?1 AND ${whose}`)
      const rows = db.query<Row, [number, number, string | null]>(`${closed} UNION ALL ${open}`)
      for (const row of rows.iterate(toUtcMs, fromUtcMs, login)) yield fromRow(row)
    },
  }
}

const columns = `interval_id, instance_id, intervals.login AS login, intervals.public_ipv4 AS public_ipv4,
  start_earliest_utc_ms, start_latest_utc_ms, start_evidence, end_earliest_utc_ms, end_latest_utc_ms, end_evidence,
  ended_by_ec2, instance_type, market, region, zone, usage_operation, seen_utc_ms`

interface Row {
  interval_id: number
  instance_id: string
  login: string
  public_ipv4: number | null
  start_earliest_utc_ms: UtcMs
  start_latest_utc_ms: UtcMs
  start_evidence: Evidence
  end_earliest_utc_ms: UtcMs | null
  end_latest_utc_ms: UtcMs | null
  end_evidence: Evidence | null
  ended_by_ec2: number | null
  instance_type: string
  market: Run["market"]
  region: string
  zone: string
  usage_operation: string
  seen_utc_ms: UtcMs | null
}

function flag(value: boolean | null): number | null {
  return value === null ? null : Number(value)
}

function fromRow(row: Row): StoredRun {
  const { end_earliest_utc_ms: earliestUtcMs, end_latest_utc_ms: latestUtcMs, end_evidence: evidence } = row
  return {
    runId: row.interval_id,
    instanceId: row.instance_id,
    login: row.login,
    instanceType: row.instance_type,
    market: row.market,
    region: row.region,
    zone: row.zone,
    usageOperation: row.usage_operation,
    publicIpv4: row.public_ipv4 === null ? null : row.public_ipv4 === 1,
    start: {
      earliestUtcMs: row.start_earliest_utc_ms,
      latestUtcMs: row.start_latest_utc_ms,
      evidence: row.start_evidence,
    },
    end:
      earliestUtcMs === null || latestUtcMs === null || evidence === null
        ? null
        : { earliestUtcMs, latestUtcMs, evidence },
    seenUtcMs: row.seen_utc_ms ?? row.start_latest_utc_ms,
    endedByEc2: row.ended_by_ec2 === null ? null : row.ended_by_ec2 === 1,
  }
}
