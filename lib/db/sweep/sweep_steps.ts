/** usage.db: what sweeps found. */
import type { Step } from "../migrate.ts"

export const sweepSteps: readonly Step[] = [
  {
    name: "sweeps, and what each found",
    up: `
      CREATE TABLE sweep_plans(
        plan_id INTEGER PRIMARY KEY, made_by TEXT NOT NULL, made_at_utc_ms INTEGER NOT NULL) STRICT;
      -- verdict: ours (--apply removes it), tagged (--apply ID does), nobody's, or kept.
      CREATE TABLE sweep_items(
        plan_id INTEGER NOT NULL, kind TEXT NOT NULL, region TEXT NOT NULL, item_id TEXT NOT NULL,
        verdict TEXT NOT NULL, created_at_utc_ms INTEGER, PRIMARY KEY (plan_id, kind, region, item_id)) STRICT;
      CREATE INDEX sweep_items_by_id ON sweep_items(kind, region, item_id);`,
  },
]
