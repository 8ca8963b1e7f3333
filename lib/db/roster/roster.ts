/** `roster_imports` and `roster_entries`: who may use the course. Each import holds the whole roster as it was after it. */
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import type { RosterEntry } from "../../decisions/roster/roster_entry.ts"
import type { Db } from "../db.ts"

export interface RosterImport {
  id: number
  /** The file's name, or what else made it. */
  source: string
  importedBy: string
  importedAtUtcMs: UtcMs
}

type EntryRow = Omit<RosterEntry, "sections"> & { sections: string }

const importColumns = `import_id AS id, source, imported_by AS "importedBy", imported_at_utc_ms AS "importedAtUtcMs"`
const entryColumns = `login, person, sections, email, full_name AS "fullName"`
const inForce = "import_id = (SELECT max(import_id) FROM roster_imports)"

export function rosters(db: Db) {
  return {
    /** Whether one has been imported: from then on it says who may use the course. */
    isUsed: (): boolean => db.query("SELECT 1 AS one FROM roster_imports LIMIT 1").get() !== null,

    /** Of the roster in force; null where the login is not on it, or none has been imported. */
    entry(login: string): RosterEntry | null {
      const row = db
        .query<EntryRow, [string]>(
          `SELECT ${entryColumns} FROM roster_entries WHERE login = ? AND ${inForce}`,
        )
        .get(login)
      return row && toEntry(row)
    },

    /** The roster in force, by login. */
    entries: (): RosterEntry[] =>
      db
        .query<EntryRow, []>(`SELECT ${entryColumns} FROM roster_entries WHERE ${inForce} ORDER BY login`)
        .all()
        .map(toEntry),

    entriesOf: (importId: number): RosterEntry[] =>
      db
        .query<EntryRow, [number]>(
          `SELECT ${entryColumns} FROM roster_entries WHERE import_id = ? ORDER BY login`,
        )
        .all(importId)
        .map(toEntry),

    /** The newest first. */
    imports: (): RosterImport[] =>
      db.query<RosterImport, []>(`SELECT ${importColumns} FROM roster_imports ORDER BY import_id DESC`).all(),

    /** Puts a whole roster in force. Inside the caller's transaction. */
    put(
      entries: readonly RosterEntry[],
      { source, importedBy, importedAtUtcMs }: Omit<RosterImport, "id">,
    ): void {
      const id =
        db
          .query<{ id: number }, [string, string, number]>(
            `INSERT INTO roster_imports(source, imported_by, imported_at_utc_ms) VALUES (?, ?, ?)
             RETURNING import_id AS id`,
          )
          .get(source, importedBy, importedAtUtcMs)?.id ?? 0
      const insert = db.query(
        "INSERT INTO roster_entries(import_id, login, person, sections, email, full_name) VALUES (?, ?, ?, ?, ?, ?)",
      )
      for (const { login, person, sections, email, fullName } of entries)
        insert.run(id, login, person, JSON.stringify(sections), email, fullName)
    },
  }
}

function toEntry({ sections, ...entry }: EntryRow): RosterEntry {
  return { ...entry, sections: JSON.parse(sections) as string[] }
}

/** Who had a login when; logins are given to somebody else from term to term. */
export interface LoginHolder {
  login: string
  person: string
  /** 0 for the first one that the roster named. */
  sinceUtcMs: UtcMs
  /** The owner tag of what the person before left behind, such as `cs61c-aa:1`, which is no login; "" for the first one. */
  formerOwner: string
}

export function loginHolders(db: Db) {
  const columns = `login, person, since_utc_ms AS "sinceUtcMs", former_owner AS "formerOwner"`
  return {
    /** The oldest first. */
    of: (login: string): LoginHolder[] =>
      db
        .query<LoginHolder, [string]>(
          `SELECT ${columns} FROM roster_persons WHERE login = ? ORDER BY since_utc_ms`,
        )
        .all(login),
    /** The last one of each login. */
    current: (): Map<string, LoginHolder> =>
      new Map(
        db
          .query<LoginHolder, []>(`SELECT ${columns} FROM roster_persons ORDER BY login, since_utc_ms`)
          .all()
          .map((holder) => [holder.login, holder]),
      ),
    /** From when on the login's spending is its present person's; 0 for the first one. */
    since: (login: string): UtcMs =>
      db
        .query<{ at: UtcMs | null }, [string]>(
          "SELECT max(since_utc_ms) AS at FROM roster_persons WHERE login = ?",
        )
        .get(login)?.at ?? utcMsOf(0),
    /** Numbers the one whom a file without numbers named first. Inside the caller's transaction. */
    name(login: string, person: string): void {
      db.query("UPDATE roster_persons SET person = ? WHERE login = ? AND person = ''").run(person, login)
    },
    /** Inside the caller's transaction. */
    add({ login, person, sinceUtcMs, formerOwner }: LoginHolder): void {
      db.query(
        "INSERT INTO roster_persons(login, since_utc_ms, person, former_owner) VALUES (?, ?, ?, ?)",
      ).run(login, sinceUtcMs, person, formerOwner)
    },
  }
}
