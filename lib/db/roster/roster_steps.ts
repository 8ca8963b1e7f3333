/** usage.db: who may use the course, and who had a login when. */
import type { Step } from "../migrate.ts"

export const rosterSteps: readonly Step[] = [
  {
    name: "rosters, the people behind logins, and what an import has yet to do",
    up: `
      -- Each holds the whole roster as it was after it; the last one is in force.
      CREATE TABLE roster_imports(
        import_id INTEGER PRIMARY KEY, source TEXT NOT NULL, imported_by TEXT NOT NULL,
        imported_at_utc_ms INTEGER NOT NULL) STRICT;
      -- sections: JSON, a list of names.
      CREATE TABLE roster_entries(
        import_id INTEGER NOT NULL, login TEXT NOT NULL, person TEXT NOT NULL, sections TEXT NOT NULL,
        email TEXT NOT NULL, full_name TEXT NOT NULL, PRIMARY KEY (import_id, login)) STRICT;
      -- The first person of a login has it from 0. former_owner: whose tag what the person before left carries now.
      CREATE TABLE roster_persons(
        login TEXT NOT NULL, since_utc_ms INTEGER NOT NULL, person TEXT NOT NULL, former_owner TEXT NOT NULL,
        PRIMARY KEY (login, since_utc_ms)) STRICT;
      CREATE TABLE roster_drops(
        drop_id INTEGER PRIMARY KEY, login TEXT NOT NULL, person TEXT NOT NULL, dropped_at_utc_ms INTEGER NOT NULL,
        returned_at_utc_ms INTEGER) STRICT;
      CREATE INDEX roster_drops_of_login ON roster_drops(login);
      -- What an import changes at AWS. A row without done_at_utc_ms is carried out by the next run.
      CREATE TABLE roster_tasks(
        task_id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('suspend', 'lift', 'begin anew')),
        login TEXT NOT NULL, created_at_utc_ms INTEGER NOT NULL, done_at_utc_ms INTEGER, failure TEXT) STRICT;
      CREATE INDEX open_roster_tasks ON roster_tasks(login) WHERE done_at_utc_ms IS NULL;`,
  },
]
