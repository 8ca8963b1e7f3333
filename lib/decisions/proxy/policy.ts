/** Content-Security-Policy: sources that name a backend must name it as the browser now sees it. Nonces and hashes stay. */
import type { Base } from "./base.ts"
import { canonicalHost, hostInUrl } from "./host.ts"
import type { LinkMap } from "./link_map.ts"
import { rewrittenReference } from "./reference.ts"

const reportDirectives = new Set(["report-uri"])
/** It would turn every link of ours into https, where nobody answers. */
const droppedDirectives = new Set(["upgrade-insecure-requests", "block-all-mixed-content"])

/** `shimSource`: allows our script where the policy restricts scripts. */
export function rewrittenPolicy(policy: string, base: Base, links: LinkMap, ownOrigin: string): string {
  return policy
    .split(",")
    .map((one) =>
      one
        .split(";")
        .filter((directive) => !droppedDirectives.has(directive.trim().toLowerCase()))
        .map((directive) => rewrittenDirective(directive, base, links, ownOrigin))
        .join(";"),
    )
    .join(",")
}

/** The nonce that policies let scripts run with, for a script of our own. */
export function scriptNonceOf(policies: readonly string[]): string | null {
  const directives = policies.join(",").split(/[;,]/)
  for (const name of [/^\s*script-src(?:-elem)?\s/i, /^\s*default-src\s/i]) {
    for (const directive of directives) {
      const nonce = name.test(directive) ? /'nonce-([\w+/=-]+)'/i.exec(directive) : null
      if (nonce?.[1] !== undefined) return nonce[1]
    }
  }
  return null
}

/** Lets scripts of `source` run under this policy. */
export function policyWithScripts(policy: string, source: string): string {
  return policy.replace(
    /(^|[;,]\s*)((?:script-src-elem|script-src|default-src)(?=[\s;,]|$))([^;,]*)/gi,
    (_, before, name, sources) =>
      /'none'/i.test(sources) ? `${before}${name} ${source}` : `${before}${name}${sources} ${source}`,
  )
}

function rewrittenDirective(directive: string, base: Base, links: LinkMap, ownOrigin: string): string {
  const [, name = "", rest = ""] = /^\s*(\S*)(.*)$/s.exec(directive) ?? []
  if (reportDirectives.has(name.toLowerCase())) {
    return (
      directive.slice(0, directive.length - rest.length) +
      rest.replace(/\S+/g, (url) => rewrittenReference(url, base, links))
    )
  }
  if (!/-src|-ancestors|form-action|base-uri|navigate-to/i.test(name)) return directive
  const sources = rest.replace(/\S+/g, (source) => {
    const mapped = rewrittenSource(source, links, ownOrigin)
    if (mapped === source || !/-ancestors$/i.test(name)) return mapped
    // Of those who frame a page only their origin is known, never a path.
    return `${source} ${links.byName ? (mapped.split(" ")[1] ?? ownOrigin) : ownOrigin}`
  })
  return directive.slice(0, directive.length - rest.length) + sources
}

/** `http://h:p/x`, `ws://h:p`, `h:p`; keywords, nonces, hashes and schemes stay. */
function rewrittenSource(source: string, links: LinkMap, ownOrigin: string): string {
  const parts = /^(?:(https?|wss?):\/\/)?([\w.-]+(?::\d+)?|\[[\da-f:]+\](?::\d+)?)(\/.*)?$/i.exec(source)
  if (!parts?.[2]) return withWildcard(source, links, ownOrigin)
  if (parts[1] === undefined && !/[.:]/.test(parts[2])) return source
  const scheme = (parts[1] ?? "http").toLowerCase()
  const httpScheme = scheme === "https" || scheme === "wss" ? "https" : "http"
  const prefix = links.prefixFor(httpScheme, parts[2])
  if (prefix === null || (prefix === "" && !links.byName)) return source
  const here = `${originFor(scheme, ownOrigin)}${prefix}${parts[3] ?? "/"}`
  // A link to another name is a path of this one first, then a redirect.
  const there = prefix === "" ? null : links.originFor(httpScheme, parts[2])
  return there === null ? here : `${here} ${originFor(scheme, there)}`
}

/** `*.internal:*`, `http://h:*`: besides them, for they may mean places elsewhere, what they mean here. */
function withWildcard(source: string, links: LinkMap, ownOrigin: string): string {
  const parts = /^(?:(https?|wss?):\/\/)?(\*\.)?([\w.-]+|\[[\da-f:]+\])(?::(?:\d+|\*))?(?:\/.*)?$/i.exec(
    source,
  )
  const host = parts && canonicalHost(parts[3] as string)
  if (!parts || !host) return source
  const scheme = (parts[1] ?? "http").toLowerCase()
  const origin = originFor(scheme, ownOrigin)
  if (parts[2]) return links.hasHostUnder(host) ? `${source} ${origin}` : source
  return `${source} ${origin}${scheme.endsWith("s") && scheme !== "ws" ? "/~https" : ""}/${hostInUrl(host)}/`
}

function originFor(scheme: string, ownOrigin: string): string {
  return scheme.startsWith("ws") ? ownOrigin.replace(/^http/, "ws") : ownOrigin
}
