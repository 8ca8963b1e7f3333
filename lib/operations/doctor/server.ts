/** The PostgreSQL server that the hosts of a course share: what the budget's bound and the course's work need of it. */
import type { Config } from "../../base/config.ts"
import { plural } from "../../base/text.ts"
import { type Clock, duration, msPerMinute, msPerSecond } from "../../base/time.ts"
import { version } from "../../base/version.ts"
import { missingPostgresSteps } from "../../db/postgres/open.ts"
import type { ServerFacts } from "../../db/postgres/server_facts.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import { usersSteps } from "../../db/users_schema.ts"
import { differingConfig } from "../installation/agreed_config.ts"
import { attempt, type Finding, failing, ok, warning } from "./finding.ts"

export interface ServerDeps {
  config: Config
  clock: Clock
  /** Throws where the server cannot be reached. */
  usageDb(): UsageDb
}

const mostApartMs = 2 * msPerSecond
const cronLateMs = 15 * msPerMinute

/** None where the ledger is in SQLite. */
export async function checkServer(deps: ServerDeps): Promise<Finding[]> {
  const { database } = deps.config
  if (!database) return []
  const what = `database ${database.name}`
  return attempt(what, "see its server and [database] (docs/postgresql.md)", () => {
    const missing = [
      missingPostgresSteps({ settings: database, schema: "ec2_users" }, usersSteps),
      missingPostgresSteps({ settings: database, schema: "ec2_usage" }, usageSteps),
    ]
    if (missing.includes(null)) return [failing(what, "has no schema yet", "run init_dbs as the account")]
    const lacking = missing.flatMap((steps) => steps ?? [])
    if (lacking.length > 0)
      return [
        warning(
          what,
          `lacks ${lacking.map((name) => `"${name}"`).join(", ")}`,
          "run init_dbs as the account",
        ),
      ]
    const usageDb = deps.usageDb()
    const facts = usageDb.serverFacts()
    if (!facts) return []
    return [
      ok(what, `PostgreSQL ${facts.version}, its schema is up to date`),
      ...checkRole(what, facts),
      ...checkStandby(what, facts),
      checkBackup(what, facts),
      checkClock(what, deps.clock.now() - facts.nowUtcMs),
      ...checkAgreement(deps, usageDb),
      ...checkHosts(deps, usageDb),
    ]
  })
}

function checkRole(what: string, { isSuperuser, connectionLimit, otherDatabases }: ServerFacts): Finding[] {
  const role = `${what}: role`
  const wrong = [
    ...(isSuperuser ? [warning(role, "is a superuser", "take that from it: NOSUPERUSER")] : []),
    ...(connectionLimit < 0
      ? [
          warning(
            role,
            "has no connection limit",
            "ALTER ROLE … CONNECTION LIMIT 100: a course must not take all",
          ),
        ]
      : []),
    ...(otherDatabases > 0
      ? [
          warning(
            role,
            `owns ${plural(otherDatabases, "other database")}`,
            "one database and role for each course",
          ),
        ]
      : []),
  ]
  return wrong.length > 0 ? wrong : [ok(role, "has no more rights than it needs")]
}

function checkStandby(what: string, { standbys, isSynchronous }: ServerFacts): Finding[] {
  const todo =
    "set synchronous_standby_names and synchronous_commit=on: a lost reservation is a launch that nobody counts"
  const standby = `${what}: standby`
  if (standbys > 0 && !isSynchronous)
    return [failing(standby, `${plural(standbys, "standby", "standbys")}, not synchronous`, todo)]
  if (standbys === 0) return [warning(standby, "none", "a server that is lost takes the ledger with it")]
  return [ok(standby, `${plural(standbys, "standby", "standbys")}, synchronous`)]
}

/** What was dumped elsewhere nobody here can see. */
function checkBackup(what: string, { isArchived }: ServerFacts): Finding {
  const backup = `${what}: backup`
  return isArchived
    ? ok(backup, "the write-ahead log is archived")
    : warning(
        backup,
        "the write-ahead log is not archived",
        "its administrator backs it up: docs/postgresql.md",
      )
}

function checkClock(what: string, aheadMs: number): Finding {
  const clock = `${what}: clock`
  const found = `differs from this host's by ${duration(Math.abs(aheadMs))}`
  return Math.abs(aheadMs) > mostApartMs
    ? failing(clock, found, "let chrony or ntpd set both")
    : ok(clock, found)
}

function checkAgreement({ config }: ServerDeps, usageDb: UsageDb): Finding[] {
  const keys = differingConfig({ config, usageDb })
  const setback = usageDb.setbacks.current()
  return [
    keys.length === 0
      ? ok("config of all hosts", "agrees in what money depends on")
      : failing(
          "config of all hosts",
          `this host differs in ${keys.join(", ")}, and launches nothing`,
          "make them alike, or run doctor --accept-config on the one that is right",
        ),
    ...(setback
      ? [
          failing(
            "ledger",
            `went back, as ${setback.host} found`,
            "run usage_cron, which counts what AWS has",
          ),
        ]
      : []),
  ]
}

function checkHosts({ clock }: ServerDeps, usageDb: UsageDb): Finding[] {
  const hosts = usageDb.hosts.all()
  const latest = Math.max(...hosts.map(({ cronAtUtcMs }) => cronAtUtcMs ?? 0))
  return hosts.map(({ host, version: theirs, clockAheadMs, cronAtUtcMs }) => {
    const what = `host ${host}`
    const cron =
      cronAtUtcMs === null
        ? "its cron never worked"
        : `its cron worked ${duration(clock.now() - cronAtUtcMs)} ago`
    const found = `version ${theirs}, clock ${(clockAheadMs / msPerSecond).toFixed(1)} s ahead, ${cron}`
    if (Math.abs(clockAheadMs) > mostApartMs) return failing(what, found, "let chrony or ntpd set its clock")
    if (theirs !== version) return warning(what, found, `this host has ${version}: upgrade the older one`)
    // One of them works at a time.
    return clock.now() - latest > cronLateMs
      ? warning(what, found, "see whether cron runs usage_cron")
      : ok(what, found)
  })
}
