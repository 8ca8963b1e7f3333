/** The exact set of backends: what `--allow`, a cluster's nodes and, on request, the old patterns permit. */
import ipaddr from "ipaddr.js"
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { deniedAddress, isLoopback } from "./address.ts"
import { canonicalHost, hostInUrl, isAddress } from "./host.ts"
import { portOf } from "./target.ts"

/** A host or a range of addresses, with the ports that may be reached there; no ports means `usualPorts`. */
export interface AllowEntry {
  host: string | null
  range: [ipaddr.IPv4 | ipaddr.IPv6, number] | null
  ports: [from: number, to: number][]
  /** As it was written. */
  text: string
}

/** Web pages of clusters: 80, 443 and what needs no root; never ssh, mail or other people's system services. */
const usualPorts: AllowEntry["ports"] = [
  [80, 80],
  [443, 443],
  [1000, 65_535],
]

/** Why a backend may be reached: named itself, inside a range, or by an old pattern. */
export type Permission = "named" | "range" | "legacy"

export interface Allowed {
  /** Whether a name or address may be asked for at all; its addresses are checked by `permitsAddress` when it is resolved. */
  permits(host: string, port: number): Permission | null
  /** Why this address of a permitted host may not be connected to, or null. */
  refusesAddress(host: string, port: number, address: string): string | null
  readonly entries: readonly AllowEntry[]
  /** Whether the old patterns are permitted, too. */
  readonly legacyHosts: boolean
}

/** Reads `HOST[:PORTS]`, `CIDR[:PORTS]`, `[IPV6]:PORTS`; PORTS is `8088`, `8000-8100` or both with commas. */
export function parseAllow(text: string): AllowEntry {
  const wrong = (what: string) =>
    new UsageError("--allow", `${quoted(text)} ${what}, wanted HOST[:PORTS] or CIDR[:PORTS]`)
  // An IPv6 range needs no brackets: behind its bits there is no doubt where ports begin.
  const parts = /^(\[[^\]]*\](?:\/\d+)?|[^:[\]]+|[\da-f:.]+\/\d+)(?::([\d,-]+))?$/i.exec(text)
  if (!parts?.[1]) throw wrong("is malformed")
  const ports = parts[2] === undefined ? usualPorts : parsePorts(parts[2])
  if (!ports) throw wrong("has malformed ports")
  const cidr = /^\[?([^\]]*?)\]?\/(\d+)$/.exec(parts[1])
  if (cidr) {
    const [, address = "", bits] = cidr
    if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address))
      throw wrong("has a malformed range")
    try {
      return { host: null, range: ipaddr.parseCIDR(`${address}/${bits}`), ports, text }
    } catch {
      throw wrong("has a malformed range")
    }
  }
  const host = canonicalHost(parts[1])
  if (host === null) throw wrong("names no host")
  const why = isAddress(host) ? deniedAddress(host) : null
  if (why) throw wrong(`is ${why} and never reached`)
  return { host, range: null, ports, text }
}

/** A node of a cluster: every spelling that its pages use for it. Hosts that are malformed are left out. */
export function allowHosts(hosts: Iterable<string>): AllowEntry[] {
  return [...hosts].flatMap((text) => {
    const host = canonicalHost(text.includes(":") ? `[${text}]` : text)
    return host === null ? [] : [{ host, range: null, ports: usualPorts, text: hostInUrl(host) }]
  })
}

export function allowedBy(entries: readonly AllowEntry[], options: { legacyHosts: boolean }): Allowed {
  const byHost = new Map<string, AllowEntry["ports"]>()
  for (const { host, ports } of entries) {
    if (host !== null) byHost.set(host, [...(byHost.get(host) ?? []), ...ports])
  }
  const ranges = entries.flatMap(({ range, ports }) => (range ? [{ range, ports }] : []))
  const inRange = (address: string, port: number) => {
    if (ranges.length === 0) return false
    const parsed = ipaddr.parse(address)
    return ranges.some(
      ({ range, ports }) =>
        range[0].kind() === parsed.kind() && parsed.match(range as never) && includesPort(ports, port),
    )
  }
  const permits = (host: string, port: number): Permission | null => {
    if (includesPort(byHost.get(host) ?? [], port)) return "named"
    const address = isAddress(host) ? host : addressInName(host)
    if (address && !deniedAddress(address) && inRange(address, port)) return "range"
    return options.legacyHosts && port >= 1000 && isLegacyHost(host) ? "legacy" : null
  }
  return {
    entries,
    legacyHosts: options.legacyHosts,
    permits,
    refusesAddress(host, port, address) {
      const why = deniedAddress(address)
      if (why) return why
      const permission = permits(host, port)
      if (permission === null) return "not allowed"
      if (permission === "range" && !inRange(address, port)) return "outside the allowed ranges"
      // Whoever answers for a name that only matches a pattern must not choose this host's own services by it.
      const oneself = host === "localhost" || isAddress(host)
      return permission === "legacy" && isLoopback(address) && !oneself ? "this host's own loopback" : null
    },
  }
}

function includesPort(ports: AllowEntry["ports"], port: number): boolean {
  return ports.some(([from, to]) => from <= port && port <= to)
}

function parsePorts(text: string): AllowEntry["ports"] | null {
  const ports: AllowEntry["ports"] = []
  for (const part of text.split(",")) {
    const [from = "", to = from, ...more] = part.split("-")
    const [first, last] = [portOf(from), portOf(to)]
    if (first === null || last === null || first > last || more.length > 0) return null
    ports.push([first, last])
  }
  return ports
}

/** EC2's names for private addresses carry them: `ip-10-0-0-5.ec2.internal`, `ip-10-0-0-5`. */
export function addressInName(host: string): string | null {
  const parts = /^ip-(\d+)-(\d+)-(\d+)-(\d+)(?:\.(?:ec2|[a-z0-9-]+\.compute)\.internal)?$/.exec(host)
  return parts && canonicalHost(parts.slice(1).join("."))
}

/** The patterns of the old proxy, anchored: there `10.evil.example` and `a.amazonawsXcom` passed. */
function isLegacyHost(host: string): boolean {
  if (isAddress(host)) return /^10\./.test(host) || host === "127.0.0.1"
  return host === "localhost" || /^[a-z0-9.-]+\.(?:internal|amazonaws\.com)$/.test(host)
}
