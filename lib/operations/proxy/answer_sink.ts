/**
 * Writes an answer to the client: what is there at once goes out in one piece with its length, any other as it comes. The
 * head of a body that has to be decoded waits for its first decoded bytes: until then it can still become a 502.
 */
import type { ServerResponse } from "node:http"
import type { Sink } from "./body.ts"
import type { Attempt } from "./exchange.ts"

export interface ClientHead {
  status: number
  reason: string
  headers: string[]
  /** Whether the headers tell the body's length, or that there is none to tell. */
  sized: boolean
  /** Whether the body is decoded on its way. */
  decoded: boolean
}

export class AnswerSink implements Sink {
  #first: Buffer[] | null = []
  #bytes = 0
  #due = false

  constructor(
    readonly attempt: Attempt,
    readonly head: ClientHead,
  ) {
    if (!head.decoded) this.#beginSoon()
  }

  get response(): ServerResponse {
    return this.attempt.exchange.response
  }

  fail(error: unknown): void {
    this.attempt.fail(error)
  }

  write(bytes: Buffer): boolean {
    if (this.#answered()) return true
    this.attempt.exchange.sent(bytes.length)
    if (!this.#first) return this.response.write(bytes)
    this.#first.push(bytes)
    this.#bytes += bytes.length
    this.#beginSoon()
    return this.#bytes < 256 * 1024 || this.#begin()
  }

  whenDrained(go: () => void): void {
    this.response.once("drain", go)
  }

  end(bytes: Buffer | null): void {
    if (this.#answered()) return
    if (bytes) this.attempt.exchange.sent(bytes.length)
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
    this.attempt.finish()
  }

  touched(): void {
    this.attempt.touch()
  }

  /** Whether a failure was answered, or the client went away, while the head waited. */
  #answered(): boolean {
    return this.response.writableEnded || this.response.destroyed
  }

  #beginSoon(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      if (this.#first && !this.#answered()) this.#begin()
    })
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
