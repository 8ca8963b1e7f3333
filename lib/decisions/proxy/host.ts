/** The one reading of a host: every spelling of an address or a name becomes the same string before anything is decided. */
import ipaddr from "ipaddr.js"

/**
 * The canonical spelling: names in lower case and punycode without a trailing dot, IPv4 in four decimals, IPv6 compressed and
 * without brackets, an IPv4 address inside IPv6 as IPv4. Null where it is no host: userinfo, percent signs, control
 * characters, empty labels, zone ids. Decimal, octal, hexadecimal and shortened IPv4 are read as browsers read them
 * (https://url.spec.whatwg.org/#host-parsing), since a filter that reads them otherwise is passed by them.
 */
export function canonicalHost(text: string): string | null {
  if (isPlainIpv4(text)) return text
  const bracketed = /^\[([0-9a-f:.]+)\]$/i.exec(text)
  if (bracketed?.[1] !== undefined) return canonicalIpv6(bracketed[1])
  if (text.length > 253 || !/^[\w.~\u0080-\uffff-]+$/.test(text)) return null
  let host: string
  try {
    host = new URL(`http://${text}/`).hostname
  } catch {
    return null
  }
  const name = host.endsWith(".") ? host.slice(0, -1) : host
  if (name === "" || name.split(".").includes("") || name.startsWith("[")) return null
  // A dot hidden behind the trailing dot (`10.1..`) or a number that became one only now.
  return ipaddr.IPv4.isValid(name) && !ipaddr.IPv4.isValidFourPartDecimal(name) ? null : name
}

/** The form that stands in a URL or a Host header: IPv6 in brackets. */
export function hostInUrl(canonical: string): string {
  return canonical.includes(":") ? `[${canonical}]` : canonical
}

export function isAddress(canonical: string): boolean {
  return canonical.includes(":") || isPlainIpv4(canonical)
}

function isPlainIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}$/.test(text) && !text.endsWith(".")
}

function canonicalIpv6(text: string): string | null {
  if (!ipaddr.IPv6.isValid(text)) return null
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toString()
}
