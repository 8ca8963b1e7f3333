/** What may name a cluster, an environment variable of its nodes, or one of its nodes. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

/**
 * A cluster's name becomes a tag, the name of security groups, a directory and a section of clusters.cfg: whatever a login may have, since
 * `--init` names clusters LOGIN-testing; never an option or `..`.
 */
const clusterNamePattern = /^(?!-|\.\.?$)[\w+=.@-]{1,60}$/

/** What stands beside the clusters' directories. */
const ownFile = /^(clusters\.cfg|ec2-storage-.*\.json)$/

export function requireClusterName(name: string): string {
  if (name.startsWith("sg-"))
    throw new UsageError("cluster", `name ${quoted(name)} would be taken for a group's id`)
  if (ownFile.test(name)) throw new UsageError("cluster", `name ${quoted(name)} is that of a file of ours`)
  if (clusterNamePattern.test(name)) return name
  throw new UsageError(
    "cluster",
    `name ${quoted(name)} is not 1 to 60 letters, digits and _ + = . @ -, not beginning with -`,
  )
}

/** `K=V` as in `--env`; throws UsageError where K is no shell variable. */
export function parseEnv(pair: string): [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError("env", `${quoted(pair)} is not NAME=VALUE`)
  return [name, value]
}

/** A whole number from `least` to `most`. */
export function parseCount(what: string, text: string, least: number, most: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw new UsageError(what, `is ${quoted(text)}, wanted a whole number from ${least} to ${most}`)
}

/** An IPv4 network `a.b.c.d/n`, or a plain address as `/32`. */
export function parseCidr(text: string): string {
  const [, address = "", bits = "32"] = /^(\d{1,3}(?:\.\d{1,3}){3})(?:\/(\d{1,2}))?$/.exec(text) ?? []
  const bytes = address.split(".").map(Number)
  if (address === "" || bytes.some((byte) => byte > 255) || Number(bits) > 32) {
    throw new UsageError("client-cidr", `${quoted(text)} is not an IPv4 address or network a.b.c.d/n`)
  }
  const mask = Number(bits) === 0 ? 0 : (0xffffffff << (32 - Number(bits))) >>> 0
  const network = (bytes.reduce((number, byte) => number * 256 + byte, 0) & mask) >>> 0
  return `${[24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join(".")}/${Number(bits)}`
}
