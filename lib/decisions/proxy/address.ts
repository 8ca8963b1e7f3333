/** Which addresses nobody may reach through the proxy, whatever was allowed. */
import ipaddr from "ipaddr.js"

/** Ranges that are refused always, with what they are. */
const deniedRanges: [cidr: string, what: string][] = [
  ["0.0.0.0/8", "an address of this network"],
  ["169.254.0.0/16", "link-local, where the metadata service is"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved or broadcast"],
  ["::/128", "the unspecified address"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local, deprecated"],
  ["ff00::/8", "multicast"],
  // fd00:ec2::254 is the metadata service, ::253 the resolver, ::23 pod identity, ::123 the time service.
  ["fd00:ec2::/32", "where EC2's own services are"],
]

const denied = deniedRanges.map(([cidr, what]) => ({ range: ipaddr.parseCIDR(cidr), what }))

/** Why this canonical address may never be reached, or null. Judges the IPv4 addresses that IPv6 forms carry, too. */
export function deniedAddress(address: string): string | null {
  const parsed = ipaddr.parse(address)
  for (const candidate of [parsed, ...embeddedIpv4(parsed)]) {
    for (const { range, what } of denied) {
      if (candidate.kind() === range[0].kind() && candidate.match(range as never)) return what
    }
  }
  return null
}

export function isLoopback(address: string): boolean {
  return ipaddr.process(address).range() === "loopback"
}

/** The address in the form that `canonicalHost` gives, from a resolver's answer. Null for what is no address. */
export function canonicalAddress(text: string): string | null {
  const withoutZone = text.replace(/%.*$/, "")
  return ipaddr.isValid(withoutZone) ? ipaddr.process(withoutZone).toString() : null
}

/**
 * IPv4 addresses that a gateway or the kernel would take out of this one: mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96),
 * compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48), 6to4 (2002::/16), Teredo (2001::/32, inverted) and ISATAP
 * (…:5efe:a.b.c.d).
 */
function embeddedIpv4(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4[] {
  if (address.kind() === "ipv4") return []
  const parts = (address as ipaddr.IPv6).parts
  const at = (index: number) => ipv4Of(parts[index] ?? 0, parts[index + 1] ?? 0)
  const found: ipaddr.IPv4[] = []
  if (parts.slice(0, 5).every((part) => part === 0)) found.push(at(6))
  if (parts[4] === 0xffff && [0, 1, 2, 3, 5].every((index) => parts[index] === 0)) found.push(at(6))
  if (parts[0] === 0x64 && parts[1] === 0xff9b) found.push(at(6))
  if (parts[0] === 0x2002) found.push(at(1))
  if (parts[0] === 0x2001 && parts[1] === 0) found.push(at(2), ipv4Of(~(parts[6] ?? 0), ~(parts[7] ?? 0)))
  if (parts[5] === 0x5efe) found.push(at(6))
  return address.toString() === "::1" ? [] : found
}

function ipv4Of(high: number, low: number): ipaddr.IPv4 {
  return new ipaddr.IPv4([(high >> 8) & 255, high & 255, (low >> 8) & 255, low & 255])
}
