/** Host keys out of a console's output, and lines of known_hosts. */

export interface HostKey {
  /** `ssh-ed25519` … */
  type: string
  /** Base64. */
  key: string
}

const begin = "-----BEGIN SSH HOST KEY KEYS-----"
const end = "-----END SSH HOST KEY KEYS-----"
const keyPattern = /(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{40,}={0,2})/

/**
 * The keys that cloud-init prints while the machine starts for the first time; empty while there are none. Only the first
 * block counts: it is printed before anything of the user's runs, and what comes later could be printed by anybody.
 */
export function hostKeysOfConsole(output: string): HostKey[] {
  const start = output.indexOf(begin)
  const stop = output.indexOf(end, start)
  if (start < 0 || stop < 0) return []
  return output
    .slice(start + begin.length, stop)
    .split("\n")
    .flatMap((line) => {
      const [, type, key] = keyPattern.exec(line) ?? []
      return type && key && isKeyOf(type, key) ? [{ type, key }] : []
    })
}

/** Whether the blob says itself that it is of that type: a line cut by the console's 64 KiB window is not. */
function isKeyOf(type: string, base64: string): boolean {
  const blob = Uint8Array.fromBase64(base64.length % 4 === 0 ? base64 : base64.slice(0, -(base64.length % 4)))
  const length = new DataView(blob.buffer).getUint32(0)
  return new TextDecoder().decode(blob.subarray(4, 4 + length)) === type
}

/** A line of known_hosts for a host or several, separated by commas. */
export function knownHostsLine(host: string, { type, key }: HostKey): string {
  return `${host} ${type} ${key}`
}

/** The keys that a known_hosts file holds for a host. */
export function hostKeysIn(knownHosts: string, host: string): HostKey[] {
  return knownHosts.split("\n").flatMap((line) => {
    const [hosts = "", type = "", key = ""] = line.trim().split(/\s+/)
    return hosts.split(",").includes(host) && key !== "" ? [{ type, key }] : []
  })
}

/** The file without a host's lines, and with these. */
export function withHostKeys(knownHosts: string, host: string, keys: readonly HostKey[]): string {
  const others = knownHosts
    .split("\n")
    .filter((line) => line.trim() !== "" && !(line.split(/\s+/)[0] ?? "").split(",").includes(host))
  return `${[...others, ...keys.map((key) => knownHostsLine(host, key))].join("\n")}\n`
}

/** Whether no key that was seen differs from the expected one of its type. */
export function sameHostKeys(seen: readonly HostKey[], expected: readonly HostKey[]): boolean {
  return seen.every((one) => expected.some(({ type, key }) => one.type !== type || one.key === key))
}
