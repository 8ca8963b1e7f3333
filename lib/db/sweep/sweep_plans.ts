/** `sweep_plans` and `sweep_items`: what each sweep found, for the run that removes it, and to know what is new. */
import type { UtcMs } from "../../base/time.ts"
import type { LeftoverKind } from "../../decisions/sweep/leftover.ts"
import type { SweepVerdict } from "../../decisions/sweep/sweep_verdict.ts"
import type { Db } from "../db.ts"

export interface SweepItem {
  kind: LeftoverKind
  region: string
  id: string
  verdict: SweepVerdict
  /** By AWS; null where it does not say. */
  createdAtUtcMs: UtcMs | null
}

export function sweepPlans(db: Db) {
  return {
    /** Returns its number. Inside the caller's transaction. */
    add(by: string, nowUtcMs: UtcMs, items: readonly SweepItem[]): number {
      const id =
        db
          .query<{ id: number }, [string, number]>(
            "INSERT INTO sweep_plans(made_by, made_at_utc_ms) VALUES (?, ?) RETURNING plan_id AS id",
          )
          .get(by, nowUtcMs)?.id ?? 0
      const insert = db.query(
        `INSERT INTO sweep_items(plan_id, kind, region, item_id, verdict, created_at_utc_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      )
      for (const item of items)
        insert.run(id, item.kind, item.region, item.id, item.verdict, item.createdAtUtcMs)
      return id
    },
    last: (): { id: number; madeAtUtcMs: UtcMs } | null =>
      db
        .query<{ id: number; madeAtUtcMs: UtcMs }, []>(
          `SELECT plan_id AS id, made_at_utc_ms AS "madeAtUtcMs" FROM sweep_plans ORDER BY plan_id DESC LIMIT 1`,
        )
        .get(),
    items: (planId: number): SweepItem[] =>
      db
        .query<SweepItem, [number]>(
          `SELECT kind, region, item_id AS id, verdict, created_at_utc_ms AS "createdAtUtcMs" FROM sweep_items
           WHERE plan_id = ? ORDER BY kind, region, item_id`,
        )
        .all(planId),
    /** When each thing was first found, by `keyOf`. */
    firstSeen: (): Map<string, UtcMs> =>
      new Map(
        db
          .query<{ kind: string; region: string; id: string; at: UtcMs }, []>(
            `SELECT kind, region, item_id AS id, min(made_at_utc_ms) AS at
             FROM sweep_items JOIN sweep_plans ON sweep_plans.plan_id = sweep_items.plan_id
             GROUP BY kind, region, item_id`,
          )
          .all()
          .map((row) => [sweepKey(row), row.at]),
      ),
  }
}

export function sweepKey({ kind, region, id }: { kind: string; region: string; id: string }): string {
  return `${kind} ${region} ${id}`
}
