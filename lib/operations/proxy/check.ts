/** `--check URL`: what the proxy would do with a URL, and why. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import { originOf, prefixOf, targetOfUrl } from "../../decisions/proxy/target.ts"
import { checkedAddresses, type Resolve, refuseDenied } from "./dial.ts"
import { failureOf } from "./failures.ts"

export interface Checked {
  url: string
  allowed: boolean
  /** Why it is, or is not. */
  because: string
  /** Path under the proxy. */
  path: string
  /** What would be connected to; empty where names are resolved remotely, or nothing is allowed. */
  addresses: string[]
}

/** `resolve` is null where names are resolved by a SOCKS proxy. */
export async function checkUrl(url: string, allowed: Allowed, resolve: Resolve | null): Promise<Checked> {
  const parsed = targetOfUrl(url)
  if (!parsed) throw new UsageError("--check", `${quoted(url)} is no http or https URL without userinfo`)
  const { target, rest } = parsed
  const result = { url, path: prefixOf(target) + rest, addresses: [] as string[] }
  const permission = allowed.permits(target.host, target.port)
  try {
    refuseDenied(target.host)
    if (!permission)
      return { ...result, allowed: false, because: `${originOf(target)} is not among the allowed backends` }
    const because = {
      named: "it is named",
      range: "it is in an allowed range",
      legacy: "--legacy-hosts permits it",
    }
    if (!resolve) return { ...result, allowed: true, because: because[permission] }
    const addresses = await checkedAddresses(target.host, target.port, { allowed, ownPort: 0 }, resolve)
    return { ...result, addresses, allowed: true, because: because[permission] }
  } catch (error) {
    return { ...result, allowed: false, because: failureOf(error).message }
  }
}
