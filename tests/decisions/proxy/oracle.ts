/** Whether a rewritten page leads where the page led: judged by an HTML5 parser and the platform's URLs, not by our code. */
import { type DefaultTreeAdapterTypes, parse } from "parse5"
import { allowedBy, parseAllow } from "../../../lib/decisions/proxy/allowed.ts"
import { baseOf } from "../../../lib/decisions/proxy/base.ts"
import { linkMap } from "../../../lib/decisions/proxy/link_map.ts"
import {
  type DocumentOptions,
  rewriterFor,
  type StreamRewriter,
} from "../../../lib/decisions/proxy/stream.ts"
import type { Target } from "../../../lib/decisions/proxy/target.ts"

export const proxyOrigin = "http://mp-x.localhost:8888"
export const target: Target = { scheme: "http", host: "10.0.0.1", port: 8088 }
export const prefix = "/10.0.0.1/8088"
export const documentPath = "/cluster/nodes/list"
export const backendDocument = `http://10.0.0.1:8088${documentPath}`
export const proxyDocument = `${proxyOrigin}${prefix}${documentPath}`

export const allowed = allowedBy(["10.0.0.0/24", "node.internal:8042", "[fd00::5]:8042"].map(parseAllow), {
  legacyHosts: false,
})

export function rewriter(
  kind: DocumentOptions["kind"] = "html",
  charset: DocumentOptions["charset"] = null,
): StreamRewriter {
  return rewriterFor({
    kind,
    use: "page",
    charset,
    base: baseOf(target, prefix, documentPath),
    links: linkMap(allowed, { target, authorities: [new URL(proxyOrigin).host], originOf: null }),
    ownOrigin: proxyOrigin,
  })
}

export function rewritten(text: string, kind: "html" | "css" | "xml" = "html"): string {
  const stream = rewriter(kind)
  return Buffer.concat([stream.write(Buffer.from(text, "latin1")), stream.end()]).toString("latin1")
}

/** The same in pieces that end at these places. */
export function rewrittenInPieces(
  text: string,
  ends: readonly number[],
  kind: DocumentOptions["kind"] = "html",
): string {
  const stream = rewriter(kind)
  const bytes = Buffer.from(text, "latin1")
  const out: Buffer[] = []
  let at = 0
  for (const end of [...ends].sort((a, b) => a - b)) {
    out.push(stream.write(bytes.subarray(at, end)))
    at = Math.max(at, end)
  }
  return Buffer.concat([...out, stream.write(bytes.subarray(at)), stream.end()]).toString("latin1")
}

/** Where a browser must come under the proxy for what leads to this URL at the backend. */
export function throughProxy(url: URL): string {
  if (url.protocol !== "http:" && url.protocol !== "https:") return url.href
  if (url.username !== "" || url.password !== "") return url.href
  if (url.origin === proxyOrigin) {
    const once = url.pathname.startsWith(`${prefix}/`) ? "" : prefix
    return `${proxyOrigin}${once}${url.pathname}${url.search}${url.hash}`
  }
  const secure = url.protocol === "https:"
  const port = Number(url.port || (secure ? 443 : 80))
  const host = url.hostname
    .replace("[::ffff:a00:2]", "10.0.0.2")
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
  if (!allowed.permits(host, port)) return url.href
  const shown = host.includes(":") ? `[${host}]` : host
  return `${proxyOrigin}${secure ? "/~https" : ""}/${shown}/${port}${url.pathname}${url.search}${url.hash}`
}

/** Null where the reference leads to the right place, else what is wrong. */
export function misled(
  before: string,
  after: string,
  base = backendDocument,
  proxyBase = proxyDocument,
): string | null {
  const from = URL.canParse(before, base) ? new URL(before, base) : null
  if (!from)
    return before === after ? null : `${JSON.stringify(before)} is no URL and became ${JSON.stringify(after)}`
  // What the backend already wrote with our prefix stays.
  const wanted =
    from.origin === new URL(base).origin &&
    from.pathname.startsWith(`${prefix}/`) &&
    !/^[a-z]+:|^\/\//i.test(before)
      ? proxyOrigin + from.pathname + from.search + from.hash
      : throughProxy(from)
  const got = URL.canParse(after, proxyBase) ? new URL(after, proxyBase).href : `unparsable ${after}`
  return got === wanted
    ? null
    : `${JSON.stringify(before)} became ${JSON.stringify(after)}: ${got}, wanted ${wanted}`
}

type Node = DefaultTreeAdapterTypes.Node
type Element = DefaultTreeAdapterTypes.Element

export interface SeenElement {
  name: string
  attributes: Map<string, string>
}

/** All elements in document order, as an HTML5 parser finds them. */
export function elementsOf(html: string, scriptingEnabled = true): SeenElement[] {
  const found: SeenElement[] = []
  const visit = (node: Node) => {
    if ("attrs" in node) {
      const element = node as Element
      const attributes = element.attrs.map(
        ({ name, prefix: namespace, value }) => [namespace ? `${namespace}:${name}` : name, value] as const,
      )
      found.push({ name: element.tagName.toLowerCase(), attributes: new Map(attributes) })
    }
    if ("content" in node)
      for (const child of (node as DefaultTreeAdapterTypes.Template).content.childNodes) visit(child)
    if ("childNodes" in node) for (const child of node.childNodes) visit(child)
  }
  visit(parse(html, { scriptingEnabled }))
  return found
}
