/** A PostgreSQL server for tests: Debian's package, an unprivileged user, a socket in a temporary directory, no network. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PostgresSettings } from "../../lib/base/database.ts"
import { compileAddon } from "../../packaging/addon.ts"
import { root } from "./build.ts"

/** Whether the tests' ledgers are to lie in PostgreSQL: TEST_DATABASE=postgres. */
export const onPostgres = process.env.TEST_DATABASE === "postgres"

export interface PostgresServer {
  /** The directory of its socket. */
  socket: string
  dataDir: string
  psql(sql: string, database?: string): string
  /** A new, empty database; the settings by which a tool finds it. */
  newDatabase(): PostgresSettings
  start(): void
  /** How: smart, fast, or immediate, which is as good as kill -9. */
  stop(how?: "fast" | "immediate"): void
  /** kill -9 of every process of the server. */
  kill(): void
  /** A standby becomes the primary; returns when it takes writes. */
  promote(): void
  remove(): void
}

const binaries = ["/usr/lib/postgresql", "/usr/pgsql-15"]
  .filter(existsSync)
  .flatMap((path) => readdirSync(path).map((version) => join(path, version, "bin")))
  .findLast((path) => existsSync(join(path, "initdb")))

/** Null where PostgreSQL's server is not installed. */
export const postgresBinaries: string | null = binaries ?? null

let shared: PostgresServer | undefined

/** One server for each test process, started at first use and gone with it. */
export function sharedServer(): PostgresServer {
  if (!shared) {
    shared = startServer()
    process.on("exit", () => shared?.remove())
  }
  return shared
}

export function startServer(settings: Record<string, string> = {}): PostgresServer {
  const server = serverIn((place) => {
    place.as(
      place.bin("initdb"),
      ...["-D", place.dataDir, "-U", "postgres", "-A", "trust"],
      ...["-E", "UTF8", "--locale=C", "-N"],
    )
    configure(place, {
      listen_addresses: "''",
      // The tests' data outlives no crash of the machine.
      fsync: "off",
      max_connections: "200",
      shared_buffers: "16MB",
      ...settings,
      unix_socket_directories: `'${place.socket}'`,
    })
  }, settings.port)
  server.psql("CREATE ROLE course LOGIN")
  return server
}

/** A standby of a server, which follows it from now on. */
export function startStandby(primary: PostgresServer): PostgresServer {
  return serverIn((place) => {
    place.as(
      place.bin("pg_basebackup"),
      "-h",
      primary.socket,
      "-U",
      "postgres",
      "-D",
      place.dataDir,
      "-R",
      "-c",
      "fast",
    )
    configure(place, { unix_socket_directories: `'${place.socket}'` })
  })
}

interface Place {
  dataDir: string
  socket: string
  bin(name: string): string
  /** Runs a program as the unprivileged user; returns what it printed. */
  as(...argv: string[]): string
}

/** Lines at the end count. */
function configure({ dataDir }: Place, settings: Record<string, string>): void {
  const conf = join(dataDir, "postgresql.conf")
  const lines = Object.entries(settings).map((pair) => pair.join(" = "))
  writeFileSync(conf, `${readFileSync(conf, "utf8")}\n${lines.join("\n")}\n`)
}

function serverIn(fill: (place: Place) => void, port = "5432"): PostgresServer {
  if (!postgresBinaries) throw new Error("PostgreSQL's server is not installed")
  const binaries = postgresBinaries
  ensureAddon()
  const directory = mkdtempSync(join(tmpdir(), "postgres-"))
  const [uid, gid] = unprivileged()
  chownSync(directory, uid, gid)
  chmodSync(directory, 0o711)
  const [dataDir, socket] = [join(directory, "data"), join(directory, "socket")]
  mkdirSync(socket)
  chownSync(socket, uid, gid)
  const as = (...argv: string[]) => {
    const dropped =
      process.getuid?.() === 0 ? ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"] : []
    const ran = Bun.spawnSync([...dropped, ...argv], { cwd: "/", stdout: "pipe", stderr: "pipe" })
    if (!ran.success) throw new Error(`${argv.join(" ")}: ${ran.stderr}${ran.stdout}`)
    return ran.stdout.toString().trim()
  }
  const bin = (name: string) => join(binaries, name)
  fill({ dataDir, socket, bin, as })
  let databases = 0
  const server: PostgresServer = {
    socket,
    dataDir,
    psql: (sql, database = "postgres") =>
      as(
        bin("psql"),
        ...[
          "-h",
          socket,
          "-p",
          port,
          "-U",
          "postgres",
          "-d",
          database,
          "-qAtX",
          "-v",
          "ON_ERROR_STOP=1",
          "-c",
          sql,
        ],
      ),
    newDatabase() {
      databases += 1
      const dbname = `course_${process.pid}_${databases}`
      server.psql(`CREATE DATABASE ${dbname} OWNER course`)
      return settingsOf({ host: socket, dbname, user: "course" })
    },
    start() {
      // After a kill its shared memory is in use until the last of its processes is gone.
      for (let attempt = 1; ; attempt++) {
        try {
          return void as(bin("pg_ctl"), "-D", dataDir, "-l", join(directory, "log"), "-w", "start")
        } catch (error) {
          if (attempt === 20)
            throw new Error(readFileSync(join(directory, "log"), "utf8").slice(-2000), { cause: error })
          Bun.sleepSync(250)
        }
      }
    },
    stop: (how = "immediate") => void as(bin("pg_ctl"), "-D", dataDir, "-m", how, "-w", "stop"),
    kill() {
      const [pid = ""] = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")
      const children = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", pid])
        .stdout.toString()
        .split(/\s+/)
        .filter(Boolean)
      for (const one of [pid, ...children]) process.kill(Number(one), "SIGKILL")
    },
    promote: () => void as(bin("pg_ctl"), "-D", dataDir, "-w", "promote"),
    remove() {
      try {
        server.stop()
      } catch {
        // stopped before
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
  server.start()
  return server
}

export function settingsOf(parameters: Record<string, string>): PostgresSettings {
  return { parameters: Object.entries(parameters), name: `${parameters.dbname} at ${parameters.host}` }
}

/** As a build has it, for tests that run the tools as scripts. */
function ensureAddon(): void {
  const addon = join(root, "dist/libexec/postgres.node")
  const source = join(root, "native/postgres.c")
  if (existsSync(addon) && statSync(addon).mtimeMs >= statSync(source).mtimeMs) return
  const made = `${addon}.${process.pid}`
  compileAddon(made)
  renameSync(made, addon)
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): [uid: number, gid: number] {
  const uid = process.getuid?.() ?? 0
  return uid === 0 ? [65_534, 65_534] : [uid, process.getgid?.() ?? uid]
}
