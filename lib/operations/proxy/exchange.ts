/** One request and its answer: who asks, where it goes, and the line of the log. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { originOf, prefixOf } from "../../decisions/proxy/target.ts"
import type { Core } from "./core.ts"
import { failureOf } from "./failures.ts"
import { type Exchange, forward, hasBody } from "./forward.ts"
import { pathOf } from "./log.ts"
import { noteGarbage } from "./memory.ts"
import { failurePage, indexPage, sendPage, sendRedirect } from "./pages.ts"
import { destinationOf } from "./routing.ts"
import { shimPath, shimScript } from "./shim.ts"

/** Answers a request; `expectsContinue` where the client waits for 100 before it sends its body. */
export function answer(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue = false,
) {
  const startedAt = core.now()
  let cause: string | undefined
  let bytes = 0
  // Whoever was answered before all of a body came owes the rest for ever; nobody waits for it.
  if (hasBody(request)) {
    response.once("finish", () => {
      if (!request.complete) request.socket.destroySoon()
    })
  }
  response.on("close", () => {
    noteGarbage(bytes)
    core.log({
      atUtcMs: startedAt,
      method: request.method ?? "",
      path: pathOf(request.url ?? ""),
      status: response.statusCode,
      bytes,
      tookMs: core.now() - startedAt,
      ...(cause === undefined ? {} : { cause }),
    })
  })
  const fail = (status: number, what: string, why: string) => {
    cause = why
    const { title, body } = failurePage(status, what, why)
    // Nobody reads the rest of a refused body, and of what is malformed nobody knows where it ends: what follows on this
    // connection must not be taken for a request.
    const ends = hasBody(request) || status === 400
    sendPage(response, status, title, body, ends ? ["Connection", "close"] : [])
  }
  const verdict = core.guard(request)
  if (verdict.kind === "refuse") return fail(verdict.status, "This proxy is somebody's own", verdict.reason)
  if (verdict.kind === "welcome") {
    const cookie = verdict.setCookie === null ? [] : ["Set-Cookie", verdict.setCookie]
    return sendRedirect(response, 303, verdict.location, cookie)
  }
  if (core.withShim && request.url === shimPath) return sendShim(core, response)
  const destination = destinationOf(core, request)
  switch (destination.kind) {
    case "refuse":
      return fail(destination.status, destination.what, destination.cause)
    case "redirect":
      return sendRedirect(response, 307, destination.location)
    case "index":
      return sendIndex(core, response, destination.status)
  }
  const exchange: Exchange = { core, request, response, ...destination, expectsContinue }
  forward(exchange, {
    sent: (count) => {
      bytes += count
    },
    fail(error) {
      const failure = failureOf(error)
      cause = failure.message
      if (response.headersSent || response.destroyed) response.destroy()
      else fail(failure.status, originOf(destination.target), failure.message)
    },
  })
}

function sendShim(core: Core, response: ServerResponse): void {
  const script = shimScript(core.allowed())
  const headers = ["Content-Type", "text/javascript; charset=utf-8", "Cache-Control", "no-store"]
  response.writeHead(200, [...headers, "Content-Length", String(Buffer.byteLength(script))] as never)
  response.end(script)
}

function sendIndex(core: Core, response: ServerResponse, status: number): void {
  const entries = core.allowed().entries.map(({ host, ports, text }) => {
    const [first] = ports[0] ?? [80]
    return { text, href: host === null ? null : `${prefixOf({ scheme: "http", host, port: first })}/` }
  })
  sendPage(response, status, status === 200 ? "Backends" : "404 No such backend", indexPage(entries))
}
