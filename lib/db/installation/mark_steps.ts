/** usage.db: which installation this ledger is, as the course's mark at AWS has it. */
import type { Step } from "../migrate.ts"

export const markSteps: readonly Step[] = [
  {
    name: "the installation's id",
    up: `
      -- One row: a random id; when the mark at AWS was last found to name it, or to be missing, and by which machine.
      CREATE TABLE installation(
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), installation_id TEXT NOT NULL,
        looked_at_utc_ms INTEGER, looked_on TEXT) STRICT;`,
  },
]
