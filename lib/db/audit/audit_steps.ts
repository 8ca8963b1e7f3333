/** usage.db: the audit log's rows. */
import type { Step } from "../migrate.ts"

export const auditSteps: readonly Step[] = [
  {
    name: "audit rows, chained by hash",
    up: `
      -- hash: of the row's content and of the row before (lib/decisions/audit/chain.ts).
      CREATE TABLE audit_rows(
        row_no INTEGER PRIMARY KEY, at_utc_ms INTEGER NOT NULL, host TEXT NOT NULL, login TEXT NOT NULL,
        message TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
      CREATE INDEX audit_rows_by_time ON audit_rows(at_utc_ms);
      -- The last row that was pruned, each time: the next row follows its hash.
      CREATE TABLE audit_checkpoints(
        row_no INTEGER PRIMARY KEY, hash TEXT NOT NULL, pruned_at_utc_ms INTEGER NOT NULL,
        pruned_by TEXT NOT NULL) STRICT;
      -- One row: the head of the chain that was stored last where the account's key cannot change it.
      CREATE TABLE audit_anchored(
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), row_no INTEGER NOT NULL, hash TEXT NOT NULL,
        place TEXT NOT NULL, anchored_at_utc_ms INTEGER NOT NULL) STRICT;`,
  },
]
