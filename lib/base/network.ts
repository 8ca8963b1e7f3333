/** IPv4 networks, as security groups take them. */

/** Whether it is written `a.b.c.d/n` with no bit set beyond the first n. */
export function isIpv4Network(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match) return false
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number)
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return false
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return address % 2 ** (32 - bits) === 0
}
