/** One connection to PostgreSQL: made with named parameters only, checked, and made again after it was lost. */

import { closeSync, constants, openSync } from "node:fs"
import type { PostgresSettings } from "../../base/database.ts"
import { Failed, messageOf } from "../../base/errors.ts"
import { requirePrivateFile } from "../../host/files/private_file.ts"
import { type Addon, type Handle, loadAddon, type Rows } from "./addon.ts"
import { isDisconnected } from "./errors.ts"

/** In milliseconds, as the server takes them; lock_timeout as long as SQLite's busy timeout. */
const serverLimits = {
  lock_timeout: 15_000,
  // Ends a client that is frozen inside a transaction, on whatever host.
  idle_in_transaction_session_timeout: 10_000,
  statement_timeout: 120_000,
}

/** libpq's own, where `url` does not name them; seconds but for tcp_user_timeout. */
const clientDefaults: [string, string][] = [
  ["connect_timeout", "5"],
  ["keepalives", "1"],
  ["keepalives_idle", "5"],
  ["keepalives_interval", "2"],
  ["keepalives_count", "3"],
  ["tcp_user_timeout", "5000"],
  ["client_encoding", "UTF8"],
  ["application_name", "ec2-wrappers"],
  ["gssencmode", "disable"],
  // What is not named must not be found in the account's home.
  ["passfile", "/nonexistent/pgpass"],
  ["sslcert", "/nonexistent/postgresql.crt"],
  ["sslkey", "/nonexistent/postgresql.key"],
  ["sslrootcert", "/nonexistent/root.crt"],
  ["sslcrl", "/nonexistent/root.crl"],
]

const secretFiles = new Set(["passfile", "sslkey"])

/** What is prepared at its second use: most statements of a tool run once. */
const preparedFrom = 2

export interface Session {
  /** Counts the connections: a lock that was taken on another one is gone. */
  generation(): number
  /** Statements without parameters; the rows are the last one's. */
  execute(sql: string): Rows
  query(sql: string, params: (string | null)[]): Rows
  /** Several in one round trip where libpq can, else one by one. */
  queryAll(statements: { sql: string; params: (string | null)[] }[]): Rows[]
  /** A new connection in place of the lost one. */
  reconnect(): void
  /** Judges each new connection; what it throws is thrown in place of using that. */
  onReconnect(judge: () => void): void
  close(): void
}

/** Connects; `schema` and pg_catalog are all that names are looked for in. Throws an error of the addon, or Failed. */
export function openSession(settings: PostgresSettings, schema: string): Session {
  const addon = loadAddon()
  let handle = connected(addon, settings, schema)
  let generation = 1
  let judge = () => {}
  let uses = new Map<string, { name: string; count: number }>()
  /** Counts a use of a statement: its name once it is to be prepared, and its text where it is not prepared yet. */
  const used = (sql: string): [name: string | null, sql: string | null] => {
    const known = uses.get(sql) ?? { name: `s${uses.size}`, count: 0 }
    known.count += 1
    uses.set(sql, known)
    if (known.count < preparedFrom) return [null, sql]
    return [known.name, known.count === preparedFrom ? sql : null]
  }
  const query: Session["query"] = (sql, params) => {
    const [name, text] = used(sql)
    if (name === null) return addon.query(handle, sql, params)
    if (text !== null && addon.canPipeline()) return addon.pipeline(handle, [[name, text, params]])[0] as Rows
    if (text !== null) addon.prepare(handle, name, text)
    return addon.queryPrepared(handle, name, params)
  }
  return {
    generation: () => generation,
    execute: (sql) => addon.execute(handle, sql),
    query,
    queryAll(statements) {
      if (!addon.canPipeline()) return statements.map(({ sql, params }) => query(sql, params))
      return addon.pipeline(
        handle,
        statements.map(({ sql, params }) => [...used(sql), params]),
      )
    },
    reconnect() {
      addon.close(handle)
      handle = connected(addon, settings, schema)
      generation += 1
      uses = new Map()
      judge()
    },
    onReconnect(given) {
      judge = given
    },
    close: () => addon.close(handle),
  }
}

function connected(addon: Addon, { parameters, name }: PostgresSettings, schema: string): Handle {
  const given = new Set(parameters.map(([keyword]) => keyword))
  for (const [keyword, path] of parameters) if (secretFiles.has(keyword)) requirePrivate(path)
  const limits = Object.entries(serverLimits).map(([setting, ms]) => `-c ${setting}=${ms}`)
  // pg_catalog comes first by itself: nothing that somebody put elsewhere is found before PostgreSQL's own.
  const path = `-c search_path=${pathOf(schema)}`
  const all: [string, string][] = [
    ...parameters,
    ...clientDefaults.filter(([keyword]) => !given.has(keyword)),
    ["options", [path, "-c TimeZone=UTC", "-c standard_conforming_strings=on", ...limits].join(" ")],
  ]
  const handle = addon.connect(
    all.map(([keyword]) => keyword),
    all.map(([, value]) => value),
  )
  try {
    check(addon, handle, name, schema)
    return handle
  } catch (error) {
    addon.close(handle)
    throw error
  }
}

/** libpq warns of a passfile that others may read and goes on without it. */
function requirePrivate(path: string): void {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    requirePrivateFile(fd, path)
  } catch (error) {
    throw error instanceof Failed ? error : new Failed(`open ${path}`, messageOf(error), { cause: error })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function pathOf(schema: string): string {
  return `${schema},pg_temp`
}

/** What nothing works without: a session of one's own, on a primary, in UTF-8, with the search path that was asked for. */
function check(addon: Addon, handle: Handle, name: string, schema: string): void {
  const { values } = addon.execute(
    handle,
    `SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_encoding'),
       pg_catalog.current_setting('search_path'), pg_catalog.current_setting('server_version_num')`,
  )
  const [pid, isStandby, encoding, path, version] = values
  const refuse = (reason: string) => new Failed(`database ${name}`, reason)
  // A pooler hands out process ids of its own.
  if (pid !== addon.backendPid(handle) || path !== pathOf(schema))
    throw refuse("is behind a pooler, which breaks session locks; let url name the server itself")
  if (isStandby === 1)
    throw refuse("is a standby; add target_session_attrs=read-write and the primary to url")
  if (encoding !== "UTF8") throw refuse(`has the encoding ${encoding}, wanted UTF8`)
  if (Number(version) < 130_000) throw refuse("is older than PostgreSQL 13")
}

/** Whether trying on a new connection may help. */
export function isLost(error: unknown): boolean {
  return isDisconnected(error) || /server closed the connection/.test(messageOf(error))
}
