/** The script that `--shim` puts into pages: URLs that scripts build are mapped as links are. */
import type { AllowEntry } from "../../decisions/links/allowed.ts"
import { escaped } from "./pages.ts"

export const shimPath = "/~microproxy/shim.js"

/** The tag that loads it; `nonce` where the page's policy wants one. */
export function shimTag(prefix: string, nonce: string | null): string {
  const attributes = [`src="${shimPath}"`, `data-prefix="${escaped(prefix)}"`]
  if (nonce !== null) attributes.push(`nonce="${escaped(nonce)}"`)
  return `<script ${attributes.join(" ")}></script>`
}

/** Only what is written as a host is mapped from absolute URLs; ranges are matched by IPv4 prefix. */
export function shimScript(entries: readonly AllowEntry[]): string {
  const rules = entries.map(({ host, range, ports }) => ({
    host,
    range: range && range[0].kind() === "ipv4" ? [range[0].toString(), range[1]] : null,
    ports,
  }))
  return `(${shim.toString()})(${JSON.stringify(rules)})`
}

interface Rule {
  host: string | null
  range: (string | number)[] | null
  ports: [number, number][]
}

/** Runs in the browser: nothing outside itself is known here. */
function shim(rules: Rule[]): void {
  // biome-ignore lint/suspicious/noExplicitAny: the browser's globals, which this program does not have
  const page = globalThis as any
  const prefix: string = page.document.currentScript.dataset.prefix
  const own: string = page.location.host
  const number = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
  const permits = (host: string, port: number) =>
    rules.some((rule) => {
      if (!rule.ports.some(([from, to]) => from <= port && port <= to)) return false
      if (rule.host !== null) return rule.host === host.replace(/^\[|\]$/g, "")
      if (rule.range === null || !/^\d+(\.\d+){3}$/.test(host)) return false
      const size = 2 ** (32 - Number(rule.range[1]))
      return Math.floor(number(host) / size) === Math.floor(number(String(rule.range[0])) / size)
    })
  const isOurs = (path: string) =>
    /^\/(~https\/)?[^/]+\/\d+(\/|$)/.test(path) || path.startsWith("/~microproxy/")
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
  const { fetch, Request, WebSocket, EventSource, XMLHttpRequest, history, navigator } = page
  page.fetch = (input: unknown, init: unknown) => {
    if (!(input instanceof Request)) return fetch.call(page, mapped(input), init)
    const request = input as { url: string }
    const url = mapped(request.url)
    return fetch.call(page, url === request.url ? request : new Request(url, request), init)
  }
  const { open } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (method: string, url: unknown, ...rest: unknown[]) {
    return open.call(this, method, mapped(url), ...rest)
  }
  const constructing = (original: unknown) =>
    new Proxy(original as never, {
      construct: (target, [url, ...rest]) => Reflect.construct(target as never, [mapped(url), ...rest]),
    })
  page.WebSocket = constructing(WebSocket)
  page.EventSource = constructing(EventSource)
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name]
    history[name] = (state: unknown, title: string, url?: unknown) =>
      original.call(history, state, title, url === undefined || url === null ? url : mapped(url))
  }
  // Links and forms that scripts made are mapped when they are used.
  const atUse = (event: { target: { closest?(selector: string): unknown } }) => {
    const used = event.target.closest?.("a[href], area[href], form[action]") as Record<string, string> | null
    const attribute = used?.tagName?.toLowerCase() === "form" ? "action" : "href"
    const url = used?.[attribute]
    if (!used || typeof url !== "string" || url === "") return
    const to = String(mapped(url))
    if (to !== url) used[attribute] = to
  }
  for (const kind of ["click", "auxclick", "submit"]) page.document.addEventListener(kind, atUse, true)
  if (navigator.sendBeacon) {
    const beacon = navigator.sendBeacon
    navigator.sendBeacon = (url: unknown, body: unknown) => beacon.call(navigator, mapped(url), body)
  }
}
