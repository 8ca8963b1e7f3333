/** Moves a course's ledger from SQLite's files to the config's server, or back: copied, compared, and left behind so that it admits nothing. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Config } from "../../base/config.ts"
import type { PostgresSettings } from "../../base/database.ts"
import { Failed, UsageError } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import type { Clock } from "../../base/time.ts"
import { auditRows } from "../../db/audit/audit_rows.ts"
import { copyRows, countRows, liftTimeouts } from "../../db/copy.ts"
import type { Db } from "../../db/db.ts"
import { freezes } from "../../db/enforcement/freezes.ts"
import { presence } from "../../db/launches/presence.ts"
import { reservations } from "../../db/launches/reservations.ts"
import { markMoved, unmarkMoved } from "../../db/migrate.ts"
import { openDb } from "../../db/open.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import { neverCopied, usersSteps } from "../../db/users_schema.ts"
import type { AuditLog } from "../../host/files/audit.ts"

export interface CopyDeps {
  config: Config
  clock: Clock
  audit: AuditLog
}

interface Ledger {
  /** For people: a directory, or the server. */
  name: string
  users: Db
  usage: Db
}

/** Brings SQLite's ledger in `directory` to the config's server. Returns a line for each thing done. */
export function copyFrom(deps: CopyDeps, directory: string, login: string): string[] {
  const server = serverOf(deps.config)
  for (const file of ["users.db", "usage.db"])
    if (!existsSync(join(directory, file)))
      throw new Failed(
        `copy from ${directory}`,
        `there is no ${file} in it; name the data directory of the old config`,
      )
  return move(
    deps,
    () => opened(deps, directory, null, false),
    () => opened(deps, deps.config.paths.dataDir, server, true),
    login,
  )
}

/** Brings the server's ledger to new files in `directory`. */
export function copyTo(deps: CopyDeps, directory: string, login: string): string[] {
  const server = serverOf(deps.config)
  for (const file of ["users.db", "usage.db"])
    if (existsSync(join(directory, file)))
      throw new Failed(
        `copy to ${directory}`,
        `${file} is there already; name an empty directory of mode 0700`,
      )
  return move(
    deps,
    () => opened(deps, deps.config.paths.dataDir, server, false),
    () => opened(deps, directory, null, true),
    login,
  )
}

function serverOf({ database, path }: Config): PostgresSettings {
  if (database) return database
  throw new UsageError("options", `${path} has no [database] to copy from or to`)
}

function opened(
  { clock }: CopyDeps,
  directory: string,
  server: PostgresSettings | null,
  create: boolean,
): Ledger {
  const options = { server, clock, create, evenMoved: true }
  const users = openDb({ ...options, path: join(directory, "users.db") }, "ec2_users", usersSteps)
  try {
    const usage = openDb({ ...options, path: join(directory, "usage.db") }, "ec2_usage", usageSteps)
    return { name: server?.name ?? directory, users, usage }
  } catch (error) {
    users.close()
    throw error
  }
}

/**
 * The old ledger is closed first: killed after that, nothing is launched anywhere, and the same command goes on. Where the copy fails it is
 * opened again.
 */
function move(
  { audit, clock }: CopyDeps,
  openFrom: () => Ledger,
  openTo: () => Ledger,
  login: string,
): string[] {
  const from = openFrom()
  try {
    const to = openTo()
    try {
      requireEmpty(to)
      requireNobodyAtWork(from)
      audit.on(() => auditRows(from.usage)).record(login, `move the ledger from ${from.name} to ${to.name}`)
      const isFrozenHere = close(from, to.name, login, clock)
      let copied: { table: string; rows: number }[]
      try {
        copied = to.users.transaction(() =>
          to.usage.transaction(() => {
            for (const db of [to.users, to.usage]) liftTimeouts(db)
            requireEmpty(to)
            const own = auditRows(to.usage).after(0, Number.MAX_SAFE_INTEGER)
            const rows = [...copyRows(from.users, to.users, neverCopied), ...copyRows(from.usage, to.usage)]
            // What was done before the ledger came, setup for example, goes on in its chain.
            for (const { atUtcMs, host, login: by, message } of own)
              auditRows(to.usage).append({ atUtcMs, host, login: by, message })
            // The copy brought along that the old one is closed.
            if (isFrozenHere) freezes(to.usage).lift(login, clock.now())
            return rows
          }),
        )
      } catch (error) {
        for (const db of [from.users, from.usage]) db.transaction(() => unmarkMoved(db))
        if (isFrozenHere) from.usage.transaction(() => freezes(from.usage).lift(login, clock.now()))
        throw error
      }
      audit.on(() => auditRows(to.usage)).record(login, `moved the ledger from ${from.name} to ${to.name}`)
      const rows = copied.reduce((sum, table) => sum + table.rows, 0)
      return [
        `copied ${plural(rows, "row")} of ${plural(copied.length, "table")} from ${from.name} to ${to.name}, and compared their sums`,
        `${from.name} launches nothing any more`,
      ]
    } finally {
      to.users.close()
      to.usage.close()
    }
  } finally {
    from.users.close()
    from.usage.close()
  }
}

function requireEmpty({ users, usage, name }: Ledger): void {
  const counts = [
    ...["users", "access_keys", "ssh_keys"].map((table) => countRows(users, table)),
    ...["reservations", "leases", "tracked_instances", "intervals", "instances"].map((table) =>
      countRows(usage, table),
    ),
  ]
  if (counts.some((rows) => rows > 0)) throw new Failed(`copy to ${name}`, "it holds a ledger already")
}

function requireNobodyAtWork({ usage, name }: Ledger): void {
  const pending = reservations(usage).pending(null)
  const living = pending.length - presence(usage).orphans(pending).length
  if (living > 0)
    throw new Failed(
      `copy from ${name}`,
      `${plural(living, "launch", "launches")} under way; wait for it, or end it`,
    )
}

/**
 * Returns whether the freeze is ours: there may have been one before. Who has it open already finds the freeze when it admits, or marks what it sends; the others do not get to open it.
 */
function close({ users, usage }: Ledger, where: string, login: string, clock: Clock): boolean {
  users.transaction(() => markMoved(users, where))
  return usage.transaction(() => {
    markMoved(usage, where)
    const reason = `the ledger moved to ${where}`
    const isNew = freezes(usage).begin({ frozenBy: login, reason, frozenAtUtcMs: clock.now() })
    return isNew || freezes(usage).current()?.reason === reason
  })
}
