/** Copies of a database that is in use, and putting one back. */
import { Database, SQLiteError } from "bun:sqlite"
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs"
import { Failed, messageOf } from "../../base/errors.ts"
import { busyTimeoutMs, explainErrors } from "./errors.ts"

/**
 * Copies the database as it is at one moment, while others read and write it, to a new file of mode 0600. The tables of `without` are
 * empty in the copy.
 */
export function copyDatabase(path: string, target: string, without: readonly string[] = []): void {
  closeSync(openSync(target, "wx", 0o600)) // VACUUM INTO takes an empty file, and would make one by the umask
  explainErrors(path, () => {
    const db = new Database(path, { readwrite: true, create: false })
    try {
      db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
      db.query("VACUUM INTO ?").run(target)
    } finally {
      db.close()
    }
  })
  emptyTables(target, without)
  const fd = openSync(target, "r")
  fsyncSync(fd)
  closeSync(fd)
}

function emptyTables(path: string, tables: readonly string[]): void {
  if (tables.length === 0) return
  explainErrors(path, () => {
    const db = new Database(path, { readwrite: true, create: false })
    try {
      db.run("PRAGMA secure_delete = ON")
      for (const table of tables) {
        const exists = db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
        if (exists) db.run(`DELETE FROM ${table}`)
      }
    } finally {
      db.close()
    }
  })
}

/**
 * What SQLite's own check finds wrong with a database, in one line; null when it is whole. Throws Failed where it cannot be
 * checked: one that is locked or out of reach is not damaged, and no reason to put a backup in its place.
 */
export function whyDamaged(path: string): string | null {
  return explainErrors(path, () => {
    let db: Database | undefined
    try {
      db = new Database(path, { readonly: true })
      db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
      const found = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").all()
      const [first] = found.map((row) => row.integrity_check)
      return first === "ok" ? null : (first ?? "the check says nothing")
    } catch (error) {
      if (error instanceof SQLiteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code ?? ""))
        return messageOf(error)
      throw error
    } finally {
      db?.close()
    }
  })
}

/**
 * Puts `replacement` in the place of the database at `path`, which is kept as `aside`. Throws Failed while any process has
 * the database open: it would go on writing to the file that was moved away.
 */
export function replaceDatabase(path: string, replacement: string, aside: string): void {
  if (existsSync(path)) {
    if (whyDamaged(path) === null) requireUnused(path)
    renameSync(path, aside)
  }
  // Of a damaged database; a whole one has had its journal taken in. They belong to the old file alone.
  for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true })
  renameSync(replacement, path)
}

/** Leaving WAL mode takes in the journal, and needs to be the only one: SQLite's own test for that. */
function requireUnused(path: string): void {
  const db = new Database(path, { readwrite: true, create: false })
  try {
    db.run("PRAGMA busy_timeout = 2000")
    db.run("PRAGMA journal_mode = DELETE")
  } catch (error) {
    if (!(error instanceof SQLiteError) || !error.code?.startsWith("SQLITE_BUSY")) throw error
    throw new Failed(`database ${path}`, "is in use; wait for running tools and stop cron, then try again")
  } finally {
    db.close()
  }
}
