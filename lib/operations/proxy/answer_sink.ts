/** Writes an answer to the client: what is there at once goes out in one piece with its length, any other as it comes. */
import type { ServerResponse } from "node:http"
import type { Sink } from "./body.ts"
import type { Watched } from "./core.ts"

export interface AnswerHead {
  status: number
  reason: string
  headers: string[]
  /** Whether the headers tell the body's length, or that there is none to tell. */
  sized: boolean
}

export class AnswerSink implements Sink {
  #first: Buffer[] | null = []
  #bytes = 0

  constructor(
    readonly response: ServerResponse,
    readonly head: AnswerHead,
    readonly watched: Watched,
    readonly reports: { sent(bytes: number): void },
    readonly fail: (error: unknown) => void,
    readonly finish: () => void,
  ) {
    setImmediate(() => {
      if (this.#first) this.#begin()
    })
  }

  write(bytes: Buffer): boolean {
    this.reports.sent(bytes.length)
    if (!this.#first) return this.response.write(bytes)
    this.#first.push(bytes)
    this.#bytes += bytes.length
    return this.#bytes < 256 * 1024 || this.#begin()
  }

  whenDrained(go: () => void): void {
    this.response.once("drain", go)
  }

  end(bytes: Buffer | null): void {
    if (bytes) this.reports.sent(bytes.length)
    const { response } = this
    if (this.#first) {
      if (bytes && bytes.length > 0) this.#first.push(bytes)
      const all = joined(this.#first)
      this.#first = null
      const { status, reason, headers, sized } = this.head
      if (!sized) headers.push("Content-Length", String(all.length))
      response.writeHead(status, reason, headers as never)
      response.end(all)
    } else if (bytes && bytes.length > 0) response.end(bytes)
    else response.end()
    this.finish()
  }

  touched(): void {
    this.watched.touch()
  }

  #begin(): boolean {
    const pieces = this.#first ?? []
    this.#first = null
    const { status, reason, headers } = this.head
    this.response.writeHead(status, reason, headers as never)
    if (pieces.length > 0) return this.response.write(joined(pieces))
    this.response.flushHeaders()
    return true
  }
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
}
