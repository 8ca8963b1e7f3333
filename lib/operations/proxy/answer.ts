/** Answers requests: who asks, where it goes, and our own pages. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { enterPath } from "../../decisions/proxy/reserved_paths.ts"
import { prefixOf } from "../../decisions/proxy/target.ts"
import { Exchange } from "./exchange.ts"
import { forward } from "./forward.ts"
import type { Site } from "./guard.ts"
import { escaped, indexPage, sendPage, sendRedirect } from "./pages.ts"
import type { ProxyContext } from "./proxy_context.ts"
import { type Destination, destinationOf } from "./routing.ts"
import { shimScript } from "./shim.ts"

/** Answers a request; `expectsContinue` where the client waits for 100 before it sends its body. */
export function answer(
  proxy: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue = false,
): void {
  const exchange = new Exchange(proxy, request, response, expectsContinue)
  const verdict = proxy.guard(request)
  switch (verdict.kind) {
    case "refuse":
      exchange.refuse(verdict.status, "This proxy is somebody's own", verdict.reason, wayOn(request, verdict))
      return
    case "redirect": {
      const cookie = verdict.setCookie === null ? [] : ["Set-Cookie", verdict.setCookie]
      sendRedirect(response, 303, verdict.location, cookie)
      return
    }
    case "pass":
      exchange.shownUnder(verdict.site)
      answerFrom(destinationOf(proxy, request, verdict.site), exchange, verdict.site)
  }
}

function answerFrom(destination: Destination, exchange: Exchange, site: Site): void {
  const { proxy, response } = exchange
  switch (destination.kind) {
    case "refuse":
      exchange.refuse(destination.status, destination.what, destination.cause)
      return
    case "redirect":
      sendRedirect(response, 307, destination.location)
      return
    case "hand over": {
      const { host, rest } = destination
      sendRedirect(response, 303, `http://${host}${enterPath}?${proxy.handOver.issue(host, rest)}`)
      return
    }
    case "index":
      sendIndex(proxy, response, destination.status)
      return
    case "shim":
      sendShim(exchange, destination)
      return
    case "backend":
      forward(exchange, site, destination)
  }
}

/** A link to the same page: on one of our own the cookie comes along. */
function wayOn({ url = "/" }: IncomingMessage, { mayFollow }: { mayFollow?: boolean }): string {
  return mayFollow && /^\/(?!\/)/.test(url)
    ? `<p><a href="${escaped(url)}">Go on</a> if you meant to come here.</p>`
    : ""
}

function sendShim(
  { proxy, response }: Exchange,
  { target, prefix }: Extract<Destination, { kind: "shim" }>,
): void {
  const script = shimScript(proxy.allowed(), target, prefix)
  const headers = ["Content-Type", "text/javascript; charset=utf-8", "Cache-Control", "no-store"]
  response.writeHead(200, [...headers, "Content-Length", String(Buffer.byteLength(script))] as never)
  response.end(script)
}

function sendIndex(proxy: ProxyContext, response: ServerResponse, status: number): void {
  const entries = proxy.allowed().entries.map(({ host, ports, text }) => {
    const [first] = ports[0] ?? [80]
    return { text, href: host === null ? null : `${prefixOf({ scheme: "http", host, port: first })}/` }
  })
  sendPage(response, status, status === 200 ? "Backends" : "404 No such backend", indexPage(entries))
}
