/** A backend's body as its connection reads it, piece by piece, and as fast as it is asked for. */
import type { Attempt } from "./exchange.ts"

/** Who takes the pieces; set before the first one comes. */
export interface BodyReader {
  data(bytes: Buffer): void
  end(): void
  failed(error: unknown): void
}

export class AnswerBody {
  #reader: BodyReader | null = null
  #over = false

  constructor(readonly attempt: Attempt) {}

  /** Without a reader the body is read and dropped. */
  read(reader: BodyReader): void {
    this.#reader = reader
  }

  take(bytes: Buffer): void {
    if (!this.#over) this.#reader?.data(bytes)
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#reader?.end()
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    if (this.#reader) this.#reader.failed(error)
    else this.attempt.fail(error)
  }

  pause(): void {
    this.attempt.call?.connection?.socket.pause()
  }

  resume(): void {
    if (!this.#over) this.attempt.call?.connection?.socket.resume()
  }

  /** Ends the backend's answer, of which no more is wanted. */
  destroy(): void {
    this.#over = true
    this.attempt.call?.destroy()
  }
}
