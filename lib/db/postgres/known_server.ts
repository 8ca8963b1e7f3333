/**
 * What this host knows of the server from before, in a file of the data directory: an old primary that still answers, another cluster, and a
 * database that a restored backup put back must not admit anything.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Session } from "./session.ts"

interface Known {
  system: string
  timeline: number
  /** The mark of the last commit of this host, and when it was made. */
  commit: string | null
  committedAtUtcMs: number
}

/** Marks are kept for longer (transaction.ts). */
const rememberedMs = 25 * 86_400_000

const query = `SELECT CAST(system_identifier AS text), pg_walfile_name(pg_current_wal_lsn()),
  (SELECT count(*) FROM recent_commits WHERE commit_id = $1) FROM pg_control_system()`

export interface KnownServer {
  /**
   * Throws Failed where the server is another cluster, or on a timeline that was left. Returns false where it lacks what this host
   * committed: it went back.
   */
  check(session: Session, name: string): boolean
  remember(commit: string): void
}

/** `path`: of SQLite's file of the same ledger, beside which the host's knowledge lies. */
export function knownServer(path: string, now: () => number): KnownServer {
  const file = join(dirname(path), "known-database.json")
  let known: Known | null = null
  const keep = (next: Known) => {
    known = next
    try {
      writeFileSync(`${file}.${process.pid}`, JSON.stringify(next), { mode: 0o600 })
      renameSync(`${file}.${process.pid}`, file)
    } catch (error) {
      throw new Failed(`write ${file}`, messageOf(error), { cause: error })
    }
  }
  return {
    check(session, name) {
      known = readKnown(file)
      const { values } = session.query(query, [known?.commit ?? ""])
      const [system, timeline] = [String(values[0]), Number.parseInt(String(values[1]).slice(0, 8), 16)]
      if (!known) {
        keep({ system, timeline, commit: null, committedAtUtcMs: 0 })
        return true
      }
      if (known.system !== system)
        throw new Failed(
          `database ${name}`,
          `is another cluster than before (system identifier ${system}, not ${known.system}); where that is meant, remove ${file}`,
        )
      if (known.timeline > timeline)
        throw new Failed(
          `database ${name}`,
          `is an old primary: on timeline ${timeline}, and ${known.timeline} is in use; its administrator has to stop it`,
        )
      const isMissing =
        known.commit !== null && values[2] === 0 && now() - known.committedAtUtcMs < rememberedMs
      if (isMissing || known.timeline !== timeline)
        keep({ ...known, timeline, commit: isMissing ? null : known.commit })
      return !isMissing
    },
    remember(commit) {
      if (known) keep({ ...known, commit, committedAtUtcMs: now() })
    },
  }
}

function readKnown(file: string): Known | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Known
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw new Failed(`read ${file}`, messageOf(error), { cause: error })
  }
}
