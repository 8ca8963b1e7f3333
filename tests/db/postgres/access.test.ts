/** Who is let in, and what libpq reads: certificates, passwords, and nothing of a hostile environment. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import type { PostgresSettings } from "../../../lib/base/database.ts"
import { openSession } from "../../../lib/db/postgres/session.ts"
import { databaseSettings } from "../../../lib/host/config/database_url.ts"
import { type PostgresServer, postgresBinaries, startServer } from "../../support/postgres.ts"
import { scratchDirectory } from "../../support/scratch.ts"
import { noteSkipped } from "../../support/skips.ts"

const possible = postgresBinaries !== null && Bun.which("openssl") !== null && Bun.which("strace") !== null
const describeOrSkip = possible ? describe : describe.skip
const directory = scratchDirectory("access")
const at = (name: string) => join(directory, name)
let server: PostgresServer
let port: number
let dbname: string

beforeAll(async () => {
  if (!possible) return noteSkipped("PostgreSQL's access: the server, openssl or strace is not installed")
  port = await freePort()
  server = startServer({
    listen_addresses: "'127.0.0.1'",
    port: String(port),
    password_encryption: "scram-sha-256",
  })
  const settings = server.newDatabase()
  dbname = Object.fromEntries(settings.parameters).dbname ?? ""
  for (const name of ["ca", "other-ca"]) authority(name)
  certificate("server", "localhost", "ca")
  certificate("client", "course", "ca")
  certificate("stranger", "somebody", "ca")
  const owner = statSync(server.dataDir)
  for (const name of ["server.crt", "server.key"]) {
    copyFileSync(at(name), join(server.dataDir, name))
    chmodSync(join(server.dataDir, name), 0o600)
    Bun.spawnSync(["chown", `${owner.uid}:${owner.gid}`, join(server.dataDir, name)])
  }
  copyFileSync(at("ca.crt"), join(server.dataDir, "ca.crt"))
  server.psql("ALTER ROLE course PASSWORD 'correct horse'")
  writeFileSync(
    join(server.dataDir, "pg_hba.conf"),
    `local all postgres trust
     local all course scram-sha-256
     hostssl all course 127.0.0.1/32 cert\n`,
  )
  for (const setting of ["ssl = on", "ssl_ca_file = 'ca.crt'"]) server.psql(`ALTER SYSTEM SET ${setting}`)
  server.psql("SELECT pg_reload_conf()")
})
afterAll(() => server?.remove())

function openssl(...argv: string[]): void {
  const ran = Bun.spawnSync(["openssl", ...argv], { cwd: directory })
  if (!ran.success) throw new Error(ran.stderr.toString())
}

function authority(name: string): void {
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.crt`,
  )
}

function certificate(name: string, commonName: string, by: string): void {
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    `/CN=${commonName}`,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
  )
  openssl(
    "x509",
    "-req",
    "-days",
    "2",
    "-in",
    `${name}.csr`,
    "-CA",
    `${by}.crt`,
    "-CAkey",
    `${by}.key`,
    "-CAcreateserial",
    "-out",
    `${name}.crt`,
  )
  chmodSync(at(`${name}.key`), 0o400)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve))
  const { port: free } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return free
}

function settingsOf(url: string, files: Parameters<typeof databaseSettings>[1] = {}): PostgresSettings {
  const read = databaseSettings(`${url} port=${port} dbname=${dbname} user=course`, files)
  if ("reason" in read) throw new Error(read.reason)
  return read.settings
}

const overTls = (client: string, ca: string, host = "localhost") =>
  settingsOf(`host=${host} hostaddr=127.0.0.1`, {
    sslrootcert: at(`${ca}.crt`),
    sslcert: at(`${client}.crt`),
    sslkey: at(`${client}.key`),
  })
const connect = (settings: PostgresSettings) => openSession(settings, "ec2_usage").close()

describeOrSkip("a connection", () => {
  test("over the network takes the account's certificate, and the server's by name", () => {
    connect(overTls("client", "ca"))
    expect(() => connect(overTls("stranger", "ca"))).toThrow("certificate authentication failed")
    expect(() => connect(overTls("client", "other-ca"))).toThrow("certificate verify failed")
    expect(() => connect(overTls("client", "ca", "db1.example.org"))).toThrow(
      'does not match host name "db1.example.org"',
    )
  })

  test("takes a password from a file that only the account can read", () => {
    const passfile = at("passfile")
    writeFileSync(passfile, `*:*:*:course:correct horse\n`, { mode: 0o600 })
    connect(settingsOf(`host=${server.socket}`, { passfile }))
    chmodSync(passfile, 0o640)
    expect(() => connect(settingsOf(`host=${server.socket}`, { passfile }))).toThrow("has mode 0640")
    writeFileSync(passfile, "*:*:*:course:wrong\n")
    chmodSync(passfile, 0o600)
    const wrong = () => connect(settingsOf(`host=${server.socket}`, { passfile }))
    expect(wrong).toThrow("password authentication failed")
    expect(wrong).not.toThrow("correct horse")
  })

  test("takes nothing from a hostile environment, and opens no file of the home", () => {
    const home = at("home")
    mkdirSync(join(home, ".postgresql"), { recursive: true })
    writeFileSync(join(home, ".pgpass"), "*:*:*:*:correct horse\n", { mode: 0o600 })
    writeFileSync(join(home, ".pg_service.conf"), `[evil]\nhost=/nonexistent\n`)
    writeFileSync(join(home, "openssl.cnf"), "openssl_conf = nowhere\n")
    for (const name of ["postgresql.crt", "postgresql.key", "root.crt", "root.crl"])
      writeFileSync(join(home, ".postgresql", name), "no certificate")
    const script = `
      import { openSession } from "${import.meta.dir}/../../../lib/db/postgres/session.ts"
      try {
        openSession(${JSON.stringify(settingsOf(`host=${server.socket}`))}, "ec2_usage")
      } catch (error) { console.log(error.message) }
      console.log(process.env.HOME)`
    const trace = at("trace")
    const ran = Bun.spawnSync(
      ["strace", "-f", "-e", "trace=openat,open", "-o", trace, process.execPath, "-e", script],
      {
        cwd: "/",
        env: {
          PATH: "/usr/bin:/bin",
          HOME: home,
          PGHOST: "/nonexistent",
          PGPASSWORD: "correct horse",
          PGPASSFILE: join(home, ".pgpass"),
          PGSERVICE: "evil",
          PGSERVICEFILE: join(home, ".pg_service.conf"),
          PGSSLMODE: "disable",
          PGOPTIONS: "-c search_path=evil",
          OPENSSL_CONF: join(home, "openssl.cnf"),
          KRB5_CONFIG: join(home, "krb5.conf"),
        },
      },
    )
    // The right server was asked, and no password was found anywhere.
    expect(ran.stdout.toString()).toContain("no password supplied")
    expect(ran.stdout.toString()).toContain(`${home}\n`)
    const opened = [...readFileSync(trace, "utf8").matchAll(/open(?:at)?\((?:AT_FDCWD, )?"([^"]+)"/g)].map(
      ([, path]) => path ?? "",
    )
    const afterLibpq = opened.slice(opened.findIndex((path) => path.includes("libpq.so")))
    expect(afterLibpq.length).toBeGreaterThan(0)
    expect(afterLibpq.filter((path) => path.startsWith(home))).toEqual([])
  })

  test("to a server of another encoding is refused", () => {
    server.psql("CREATE DATABASE latin OWNER course TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    const passfile = at("passfile")
    writeFileSync(passfile, `*:*:*:course:correct horse\n`, { mode: 0o600 })
    const settings = settingsOf(`host=${server.socket}`, { passfile })
    const parameters = settings.parameters.map(([keyword, value]) => [
      keyword,
      keyword === "dbname" ? "latin" : value,
    ])
    expect(() => connect({ ...settings, parameters } as PostgresSettings)).toThrow(
      "has the encoding SQL_ASCII, wanted UTF8",
    )
  })
})
