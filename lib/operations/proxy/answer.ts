/** Answers requests: who asks, where it goes, and our own pages. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { prefixOf } from "../../decisions/proxy/target.ts"
import { Exchange } from "./exchange.ts"
import { forward } from "./forward.ts"
import { indexPage, sendPage, sendRedirect } from "./pages.ts"
import type { ProxyContext } from "./proxy_context.ts"
import { destinationOf } from "./routing.ts"
import { shimPath, shimScript } from "./shim.ts"

/** Answers a request; `expectsContinue` where the client waits for 100 before it sends its body. */
export function answer(
  proxy: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue = false,
): void {
  const exchange = new Exchange(proxy, request, response, expectsContinue)
  const verdict = proxy.guard(request)
  if (verdict.kind === "refuse") {
    exchange.refuse(verdict.status, "This proxy is somebody's own", verdict.reason)
    return
  }
  if (verdict.kind === "welcome") {
    const cookie = verdict.setCookie === null ? [] : ["Set-Cookie", verdict.setCookie]
    sendRedirect(response, 303, verdict.location, cookie)
    return
  }
  if (proxy.withShim && request.url === shimPath) {
    sendShim(proxy, response)
    return
  }
  const destination = destinationOf(proxy, request)
  switch (destination.kind) {
    case "refuse":
      exchange.refuse(destination.status, destination.what, destination.cause)
      return
    case "redirect":
      sendRedirect(response, 307, destination.location)
      return
    case "index":
      sendIndex(proxy, response, destination.status)
      return
    case "backend":
      forward(exchange, destination)
  }
}

function sendShim(proxy: ProxyContext, response: ServerResponse): void {
  const script = shimScript(proxy.allowed())
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
