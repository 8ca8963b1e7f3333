/** The command line's words as the proxy's options. */
import { X509Certificate } from "node:crypto"
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs"
import { isIP } from "node:net"
import { Failed, messageOf, Refused, ToolError, UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { canonicalHost } from "../../decisions/proxy/host.ts"
import { portOf, type Target, targetOfAuthority, targetOfUrl } from "../../decisions/proxy/target.ts"

const defaultProxyPort = 8888

/** `PORT`; 0 takes a free one. */
export function listenPort(text: string | undefined): number {
  if (text === undefined) return defaultProxyPort
  const port = text === "0" ? 0 : portOf(text)
  if (port === null) throw new UsageError("PORT", `is ${quoted(text)}, wanted 0 to 65535`)
  return port
}

/** `--listen ADDRESS`, `--listen ADDRESS:PORT`. */
export function listenAddress(text: string | undefined, port: number): { address: string; port: number } {
  if (text === undefined) return { address: "127.0.0.1", port }
  const [, bracketed, plain, own] =
    /^(?:\[([^\]]+)\]|([^:]+|[\da-fA-F:]+:[\da-fA-F]*))(?::(\d+))?$/.exec(text) ?? []
  const address = bracketed ?? (plain === "localhost" ? "127.0.0.1" : (plain ?? ""))
  if (isIP(text) !== 0) return { address: text, port }
  if (isIP(address) === 0)
    throw new UsageError("--listen", `is ${quoted(text)}, wanted ADDRESS or ADDRESS:PORT`)
  return { address, port: own === undefined ? port : listenPort(own) }
}

/** DEFAULT_URL: a URL, or `HOST[:PORT][/PATH]` as the old tool took it. */
export function defaultSite(text: string | undefined): { target: Target; rest: string } | null {
  if (text === undefined) return null
  const site = targetOfUrl(/^[a-z][\w+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (!site) throw new UsageError("DEFAULT_URL", `is ${quoted(text)}, wanted http://HOST:PORT/PATH`)
  return { ...site, rest: site.rest.replace(/#.*$/s, "") }
}

/** `--socks HOST:PORT`. */
export function socksProxy(text: string): { host: string; port: number } {
  const target = /:\d+$/.test(text) ? targetOfAuthority("http", text) : null
  if (!target || canonicalHost(text.replace(/:\d+$/, "")) === null) {
    throw new UsageError("--socks", `is ${quoted(text)}, wanted HOST:PORT`)
  }
  return { host: target.host, port: target.port }
}

/** The secret in a file that only its owner can read: at least 16 characters that stand for themselves in a URL and a cookie. */
export function tokenFrom(file: string): string {
  const text = textOf("--token-file", file, (mode) => {
    if ((mode & 0o077) === 0) return
    throw new Refused("--token-file", `${quoted(file)} can be read by others, wanted mode 0600`)
  }).trim()
  if (!/^[\w.~-]{16,256}$/.test(text)) {
    throw new UsageError("--token-file", "holds no secret of 16 to 256 letters, digits, or any of - _ . ~")
  }
  return text
}

/** The certificates in a file, as text. */
export function certificatesFrom(file: string): string {
  const text = textOf("--ca-file", file)
  try {
    new X509Certificate(text)
  } catch {
    throw new UsageError("--ca-file", `${quoted(file)} holds no certificate in PEM form`)
  }
  return text
}

/** `checkMode` sees the mode of what is then read, whatever the name stands for a moment later. */
function textOf(option: string, file: string, checkMode = (_mode: number) => {}): string {
  let opened: number | null = null
  try {
    opened = openSync(file, "r")
    const stat = fstatSync(opened)
    if (stat.isDirectory()) throw new Failed(option, `${quoted(file)} is a directory`)
    checkMode(stat.mode)
    return readFileSync(opened, "utf8")
  } catch (error) {
    if (error instanceof ToolError) throw error
    throw new Failed(option, `${quoted(file)}: ${messageOf(error)}`)
  } finally {
    if (opened !== null) closeSync(opened)
  }
}
