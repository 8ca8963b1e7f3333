/** The script that `--shim` puts into pages: URLs that scripts build are mapped as links are. */
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import { escaped } from "./pages.ts"

export const shimPath = "/~microproxy/shim.js"

/** The tag that loads it; `nonce` where the page's policy wants one. */
export function shimTag(prefix: string, nonce: string | null): string {
  const attributes = [`src="${shimPath}"`, `data-prefix="${escaped(prefix)}"`]
  if (nonce !== null) attributes.push(`nonce="${escaped(nonce)}"`)
  return `<script ${attributes.join(" ")}></script>`
}

/** What may be reached as `allowed` has it, but for ranges of IPv6. */
export function shimScript({ entries, legacyHosts }: Pick<Allowed, "entries" | "legacyHosts">): string {
  const rules = entries.map(({ host, range, ports }) => ({
    host,
    range: range && range[0].kind() === "ipv4" ? [range[0].toString(), range[1]] : null,
    ports,
  }))
  return `(${shim.toString()})(${JSON.stringify(rules)}, ${legacyHosts})`
}

interface Rule {
  host: string | null
  range: (string | number)[] | null
  ports: [number, number][]
}

/** What the script uses of the browser, whose globals this program does not have. */
interface BrowserPage {
  document: {
    baseURI: string
    currentScript: { dataset: { prefix: string } }
    addEventListener(kind: string, listener: (event: UseEvent) => void, capture: true): void
  }
  location: { host: string; protocol: string }
  fetch: (input: unknown, init?: object) => unknown
  open: (url?: unknown, ...rest: unknown[]) => unknown
  Request: new (url: unknown, init?: unknown) => BrowserRequest
  WebSocket: Constructor
  EventSource: Constructor
  XMLHttpRequest: { prototype: { open: (method: string, url: unknown, ...rest: unknown[]) => unknown } }
  history: Record<"pushState" | "replaceState", (state: unknown, title: string, url?: unknown) => void>
  navigator: { sendBeacon?: (url: unknown, body?: unknown) => boolean }
}

interface BrowserRequest extends Record<"headers" | "cache" | "redirect" | "keepalive" | "signal", unknown> {
  url: string
  method: string
  arrayBuffer(): Promise<ArrayBuffer>
}

type Constructor = new (url: unknown, ...rest: unknown[]) => object

/** A click or submit, with the nearest link or form around it. */
interface UseEvent {
  target: { closest?(selector: string): ({ tagName: string } & Record<"href" | "action", unknown>) | null }
}

/** Runs in the browser: nothing outside itself is known here. */
function shim(rules: Rule[], legacyHosts: boolean): void {
  const page = globalThis as unknown as BrowserPage
  const { prefix } = page.document.currentScript.dataset
  const own = page.location.host
  const number = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
  const isLegacy = (host: string) =>
    /^(?:localhost|127\.0\.0\.1|10\.\d+\.\d+\.\d+|[a-z0-9.-]+\.(?:internal|amazonaws\.com))$/.test(host)
  // EC2's names for private addresses carry them.
  const addressOf = (host: string) =>
    host.replace(/^ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:ec2|[a-z0-9-]+\.compute)\.internal$/, "$1.$2.$3.$4")
  const permits = (host: string, port: number) =>
    (legacyHosts && port >= 1000 && isLegacy(host)) ||
    rules.some((rule) => {
      if (!rule.ports.some(([from, to]) => from <= port && port <= to)) return false
      if (rule.host !== null) return rule.host === host.replace(/^\[|\]$/g, "")
      const address = addressOf(host)
      if (rule.range === null || !/^\d+(\.\d+){3}$/.test(address)) return false
      const size = 2 ** (32 - Number(rule.range[1]))
      return Math.floor(number(address) / size) === Math.floor(number(String(rule.range[0])) / size)
    })
  // As the proxy reads paths: `/api/1/jobs` is one of the backend, for no node is called by one bare word.
  const isOurs = (path: string) => {
    const [, host = "", port = ""] = /^\/(?:~https\/)?([^/]+)\/(\d+)(?:\/|$)/.exec(path) ?? []
    if (host === "") return path.startsWith("/~microproxy/")
    return !/^[a-z][\w-]*$/.test(host) || permits(host, Number(port))
  }
  const mapped = (input: unknown): unknown => {
    let url: URL
    try {
      url = new URL(String(input), page.document.baseURI)
    } catch {
      return input
    }
    const socket = url.protocol === "ws:" || url.protocol === "wss:"
    if (!socket && url.protocol !== "http:" && url.protocol !== "https:") return input
    const base = `${socket ? "ws:" : page.location.protocol}//${own}`
    const rest = url.pathname + url.search + url.hash
    if (url.host === own) return isOurs(url.pathname) ? input : base + prefix + rest
    const secure = url.protocol === "https:" || url.protocol === "wss:"
    const port = Number(url.port || (secure ? 443 : 80))
    if (!permits(url.hostname, port)) return input
    return `${base}${secure ? "/~https" : ""}/${url.hostname}/${port}${rest}`
  }
  const { fetch, open: openWindow, Request, XMLHttpRequest, history, navigator } = page
  page.fetch = (input, init) => {
    if (!(input instanceof Request)) return fetch.call(page, mapped(input), init)
    const url = mapped(input.url)
    if (url === input.url) return fetch.call(page, input, init)
    if (/^(?:GET|HEAD)$/.test(input.method)) return fetch.call(page, new Request(url, input), init)
    // A body that is handed over as a stream cannot be sent by HTTP/1.
    return input.arrayBuffer().then((body) => {
      const { method, headers, cache, redirect, keepalive, signal } = input
      return fetch.call(page, url, { method, headers, cache, redirect, keepalive, signal, body, ...init })
    })
  }
  page.open = (url, ...rest) => openWindow.call(page, url ? mapped(url) : url, ...rest)
  const { open } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    return open.call(this, method, mapped(url), ...rest)
  }
  for (const name of ["WebSocket", "EventSource"] as const) {
    page[name] = new Proxy(page[name], {
      construct: (original, [url, ...rest]) => new original(mapped(url), ...rest),
    })
  }
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name]
    history[name] = (state, title, url) =>
      original.call(history, state, title, url === undefined || url === null ? url : mapped(url))
  }
  // Links and forms that scripts made are mapped when they are used.
  const atUse = ({ target }: UseEvent) => {
    const used = target.closest?.("a[href], area[href], form[action]")
    if (!used) return
    const attribute = used.tagName.toLowerCase() === "form" ? "action" : "href"
    const url = used[attribute]
    if (typeof url !== "string" || url === "") return
    const to = mapped(url)
    if (to !== url) used[attribute] = to
  }
  for (const kind of ["click", "auxclick", "submit"]) page.document.addEventListener(kind, atUse, true)
  if (navigator.sendBeacon) {
    const beacon = navigator.sendBeacon
    navigator.sendBeacon = (url, body) => beacon.call(navigator, mapped(url), body)
  }
}
