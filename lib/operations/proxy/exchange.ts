/** One request of a client, its answer, and the line of the log that they leave behind. */

import type { IncomingMessage, ServerResponse } from "node:http"
import type { UtcMs } from "../../base/time.ts"
import { originOf, prefixOf, type Target } from "../../decisions/proxy/target.ts"
import type { BackendCall } from "./backends.ts"
import { failureOf, ProxyFailure } from "./failures.ts"
import { noteGarbage } from "./gc_pressure.ts"
import type { Site } from "./guard.ts"
import type { Watched } from "./idle_watch.ts"
import { pathOf } from "./log.ts"
import { failurePage, sendPage } from "./pages.ts"
import type { ProxyContext } from "./proxy_context.ts"

/** Where a request goes. */
export interface BackendRoute {
  target: Target
  /** What stands before the backend's paths as the browser sees them; nothing under the backend's own name. */
  prefix: string
  /** The backend's path and query, byte for byte. */
  rest: string
}

/** Logs itself when the response has ended or the client has gone. */
export class Exchange {
  readonly #startedAtMs: UtcMs
  #cause: string | undefined
  #sentBytes = 0
  #shownAs = ""

  constructor(
    readonly proxy: ProxyContext,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    /** Whether the client waits for 100 before it sends its body. */
    readonly expectsContinue: boolean,
  ) {
    this.#startedAtMs = proxy.now()
    // A client that was answered before its body had come may never send the rest; the connection ends instead.
    if (hasBody(request)) {
      response.once("finish", () => {
        if (!request.complete) request.socket.destroySoon()
      })
    }
    response.on("close", () => this.#log())
  }

  /** Under a backend's name: the log names it as by path. */
  shownUnder({ target }: Site): void {
    if (target) this.#shownAs = prefixOf(target)
  }

  /** Counts bytes of the body that go to the client. */
  sent(bytes: number): void {
    this.#sentBytes += bytes
  }

  /** Answers with a page that names what was asked for and the cause of the failure; `more` is HTML. */
  refuse(status: number, what: string, cause: string, more = ""): void {
    this.#cause = cause
    const { title, body } = failurePage(status, what, cause)
    // The rest of a refused body is not read, and nobody knows where a malformed request ends: what follows on this connection
    // must not be taken for a request.
    const ends = hasBody(this.request) || status === 400
    sendPage(this.response, status, title, body + more, ends ? ["Connection", "close"] : [])
  }

  /** Answers for a backend that failed; an answer that has begun is cut off. */
  fail(error: unknown, target: Target): void {
    const failure = failureOf(error)
    this.#cause = failure.message
    if (this.response.headersSent || this.response.destroyed) this.response.destroy()
    else this.refuse(failure.status, originOf(target), failure.message)
  }

  #log(): void {
    const { proxy, request, response } = this
    noteGarbage(this.#sentBytes)
    proxy.log({
      atUtcMs: this.#startedAtMs,
      method: request.method ?? "",
      path: this.#shownAs + pathOf(request.url ?? ""),
      status: response.statusCode,
      bytes: this.#sentBytes,
      tookMs: proxy.now() - this.#startedAtMs,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
    })
  }
}

/** One attempt to get an exchange's answer from its backend. It ends once: finished, failed, or with the client. */
export class Attempt {
  /** The request, once it was begun. */
  call: BackendCall | null = null
  readonly #watched: Watched
  #over = false

  constructor(
    readonly exchange: Exchange,
    readonly site: Site,
    readonly route: BackendRoute,
  ) {
    const { idle, limits } = exchange.proxy
    this.#watched = idle.watch(() => {
      this.fail(new ProxyFailure(504, `nothing came for ${limits.idleMs / 1000} s`))
    })
    exchange.response.on("close", () => this.abandon())
  }

  get over(): boolean {
    return this.#over
  }

  /** Bytes went by: the attempt is not idle. */
  touch(): void {
    this.#watched.touch()
  }

  /** The answer is an event stream, which may stay silent. */
  mayStaySilent(): void {
    this.#watched.deadline = Number.POSITIVE_INFINITY
  }

  /** The answer has gone to the client, or another attempt takes over. */
  finish(): void {
    this.#over = true
    this.#watched.done()
  }

  /** Ends the request to the backend without an answer to the client. */
  abandon(): void {
    if (this.#over) return
    this.finish()
    this.call?.destroy()
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.abandon()
    this.exchange.fail(error, this.route.target)
  }
}

/** Whether the request's headers announce a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"]
  return length !== undefined ? length !== "0" : headers["transfer-encoding"] !== undefined
}
