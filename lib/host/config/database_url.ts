/** [database]: libpq's parameters for the server that holds the ledger. https://www.postgresql.org/docs/current/libpq-connect.html */
import type { PostgresSettings } from "../../base/database.ts"
import { quoted } from "../../base/text.ts"

/** What `url` may name. Everything else has a value of ours, or has no place in a file that everybody may read. */
const allowed = new Set([
  "host",
  "hostaddr",
  "port",
  "dbname",
  "user",
  "target_session_attrs",
  "sslmode",
  "connect_timeout",
  "channel_binding",
  "krbsrvname",
  "gssencmode",
  "load_balance_hosts",
  "require_auth",
  "ssl_min_protocol_version",
])

/** Files that only the account may read: each is a key of its own in [database]. */
export interface DatabaseFiles {
  passfile?: string | undefined
  sslcert?: string | undefined
  sslkey?: string | undefined
  sslrootcert?: string | undefined
}

/** Reads a connection string of `keyword=value` pairs; returns why it cannot be used, else the settings. */
export function databaseSettings(
  url: string,
  files: DatabaseFiles,
): { settings: PostgresSettings } | { reason: string } {
  if (/^postgres(ql)?:/.test(url))
    return { reason: "is an address, wanted keyword=value pairs such as host=db1 dbname=cs61c user=cs61c" }
  const given = pairsOf(url)
  if (!given) return { reason: "is not a list of keyword=value pairs" }
  for (const [keyword] of given) {
    if (keyword === "password")
      return { reason: "has a password, which everybody could read here; name a passfile" }
    if (keyword in ({ passfile: 1, sslcert: 1, sslkey: 1, sslrootcert: 1 } as object))
      return { reason: `has ${keyword}, which is a key of its own in [database]` }
    if (!allowed.has(keyword))
      return { reason: `has ${quoted(keyword)}; it may name ${[...allowed].join(", ")}` }
  }
  const named = new Map(given)
  const missing = ["host", "dbname", "user"].find((keyword) => !named.get(keyword))
  if (missing) return { reason: `lacks ${missing}=` }
  const hosts = (named.get("host") ?? "").split(",")
  const isLocal = hosts.every((host) => host.startsWith("/") || host.startsWith("@"))
  const sslmode = named.get("sslmode") ?? (isLocal ? "disable" : "verify-full")
  if (!isLocal && sslmode !== "verify-full")
    return { reason: `has sslmode=${sslmode}, wanted verify-full: anybody on the way could be the server` }
  if (!isLocal && !files.sslrootcert) return { reason: "names a host, so [database] needs sslrootcert" }
  const parameters: [string, string][] = [
    ...given.filter(([keyword]) => keyword !== "sslmode"),
    ["sslmode", sslmode],
    ...Object.entries(files).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  ]
  return { settings: { parameters, name: `${named.get("dbname")} at ${hosts.join(",")}` } }
}

/** `a=b c = 'd e'`, a backslash quotes the next character; null where it is none of this, or a keyword comes twice. */
function pairsOf(url: string): [string, string][] | null {
  const pairs: [string, string][] = []
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/y
  while (pair.lastIndex < url.trimEnd().length) {
    const found = pair.exec(url)
    if (!found?.[1] || pairs.some(([keyword]) => keyword === found[1])) return null
    pairs.push([found[1], (found[2] ?? found[3] ?? "").replace(/\\(.)/g, "$1")])
  }
  return pairs
}
