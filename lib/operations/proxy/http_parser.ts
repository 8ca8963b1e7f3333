/**
 * llhttp, the parser of HTTP/1 that node:http itself runs on, without node:http's objects around it: those cost several times
 * what the parser does (docs/microproxy.md has the figures).
 */
import { HTTPParser } from "node:_http_common"

/** What a message's head says. */
export interface AnswerHead {
  statusCode: number
  statusMessage: string
  /** Name, value, name, value … as they came. */
  rawHeaders: string[]
}

/** What becomes of an answer's pieces, in order. */
export interface AnswerEvents {
  /** The first byte of a message came. */
  begin(): void
  /** `keepsAlive`: the connection may carry another message. "skip" where no body follows. */
  head(head: AnswerHead, keepsAlive: boolean): "body" | "skip" | "upgrade"
  body(bytes: Buffer): void
  complete(): void
}

/** A message has no more headers than this. */
const pairsAtMost = 2000

export class AnswerParser {
  readonly #parser: NativeParser
  #headers: string[] = []

  /** Heads of more than `headerBytes` are errors. */
  constructor(
    readonly events: AnswerEvents,
    headerBytes: number,
  ) {
    const parser = new HTTPParser() as NativeParser
    parser.initialize(HTTPParser.RESPONSE, {}, headerBytes, HTTPParser.kLenientNone)
    const headersComplete = (...told: HeadersComplete): number => {
      const [, , headers, , , statusCode, statusMessage, , keepsAlive] = told
      const rawHeaders = headers ?? this.#headers
      this.#headers = []
      const kind = events.head({ statusCode, statusMessage, rawHeaders }, keepsAlive)
      return kind === "body" ? 0 : kind === "skip" ? 1 : 2
    }
    const someHeaders = (headers: string[]) => {
      if (this.#headers.length < 2 * pairsAtMost) this.#headers.push(...headers)
    }
    const messageComplete = () => {
      // Trailers come this way, too, and are nobody's.
      this.#headers = []
      events.complete()
    }
    parser[HTTPParser.kOnMessageBegin] = () => events.begin()
    parser[HTTPParser.kOnHeaders] = someHeaders
    parser[HTTPParser.kOnHeadersComplete] = headersComplete
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => events.body(bytes)
    parser[HTTPParser.kOnMessageComplete] = messageComplete
    this.#parser = parser
  }

  /** How many of these bytes were read: fewer than all behind an upgrade. An error where they are no HTTP. */
  execute(bytes: Buffer): number | Error {
    return this.#parser.execute(bytes)
  }

  /** The connection has ended; an error where that leaves a message unfinished. */
  finish(): Error | undefined {
    const result = this.#parser.finish()
    return result instanceof Error ? result : undefined
  }

  /** May be called by what `events` tell, while the parser still runs. */
  close(): void {
    setImmediate(() => this.#parser.close())
  }
}

/** Version, headers (null where they came before), what requests have, status, whether it upgrades, whether it keeps alive. */
type HeadersComplete = [
  major: number,
  minor: number,
  headers: string[] | undefined,
  method: unknown,
  url: unknown,
  status: number,
  message: string,
  upgrade: boolean,
  keepsAlive: boolean,
]

/** What of Bun's HTTPParser is used; its callbacks have numbers for names. */
interface NativeParser {
  initialize(kind: number, resource: object, headerBytes: number, lenience: number): void
  execute(bytes: Buffer): number | Error
  finish(): unknown
  close(): void
  [callback: number]: (...values: never[]) => unknown
}
