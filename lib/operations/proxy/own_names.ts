/** The names under which the proxy shows itself and its backends. */
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { isLoopback } from "../../decisions/proxy/address.ts"
import { labelOf, targetOfLabel } from "../../decisions/proxy/backend_names.ts"
import { hostInUrl } from "../../decisions/proxy/host.ts"
import type { Target } from "../../decisions/proxy/target.ts"

export interface OwnNames {
  /** `http://NAME.localhost:PORT`, what links are printed with. */
  origin: string
  /** `NAME.localhost:PORT`. */
  host: string
  /** Whether any address written in full is ours too: the proxy listens to the network. */
  anyAddress: boolean
  /** Hosts under which only the way to `origin` is shown: cookies of plain localhost go to every server on this host. */
  entrances: ReadonlySet<string>
  /** A name for each backend; null where browsers would not find them, and backends are shown by path only. */
  backends: BackendNames | null
}

/** Values of Host that mean a backend. */
export interface BackendNames {
  /** Null for a backend that has no name. */
  hostOf(target: Target): string | null
  /** Null for a Host that is none of ours, "malformed" for one that means no backend. */
  targetOf(host: string): Target | "malformed" | null
}

const base32 = "abcdefghijklmnopqrstuvwxyz234567"

/**
 * A name of our own under localhost, made anew each time: cookies ignore ports, so one for `localhost` would go to every
 * server on this host that the student's browser visits, and a service worker of yesterday's backend would answer for today's.
 * 65 bits: whoever guesses it could have the browser send our cookies to a port of theirs. Listening to the network, it is the
 * address or this host's name. `namedHosts` are the hosts of backends that are known by name;
 * with null, backends are shown by path only.
 */
export function ownNames(
  address: string,
  port: number,
  namedHosts: (() => Iterable<string>) | null,
): OwnNames {
  if (!isLoopback(address)) {
    const everywhere = address === "0.0.0.0" || address === "::"
    const host = `${everywhere ? hostname().toLowerCase() : hostInUrl(address)}:${port}`
    return { origin: `http://${host}`, host, anyAddress: true, entrances: new Set(), backends: null }
  }
  const base = `mp-${[...randomBytes(13)].map((byte) => base32[byte % 32]).join("")}`
  const host = `${base}.localhost:${port}`
  const entrances = ["localhost", "127.0.0.1", "[::1]", hostInUrl(address)].map((name) => `${name}:${port}`)
  return {
    origin: `http://${host}`,
    host,
    anyAddress: false,
    entrances: new Set(entrances),
    backends: namedHosts && backendNames(base, port, namedHosts),
  }
}

function backendNames(base: string, port: number, namedHosts: () => Iterable<string>): BackendNames {
  const ending = `.localhost:${port}`
  const hosts = new Map<string, string | null>()
  const targets = new Map<string, Target>()
  return {
    hostOf(target) {
      const key = `${target.scheme}//${target.host}//${target.port}`
      let host = hosts.get(key)
      if (host === undefined) {
        const label = labelOf(target, base)
        host = label === null ? null : label + ending
        if (hosts.size >= rememberedAtMost) hosts.clear()
        hosts.set(key, host)
      }
      return host
    },
    targetOf(host) {
      const known = targets.get(host)
      if (known) return known
      if (!host.endsWith(`--${base}${ending}`)) return null
      const target = targetOfLabel(host.slice(0, -ending.length), base, namedHosts())
      if (target === null) return "malformed"
      if (targets.size >= rememberedAtMost) targets.clear()
      targets.set(host, target)
      return target
    },
  }
}

/** Labels are spelled out for each request; these are the recent ones. */
const rememberedAtMost = 1024
