/** One connection to a backend, which carries one request after another. */
import type { Duplex } from "node:stream"
import { ProxyFailure } from "./failures.ts"
import { type AnswerHead, AnswerParser } from "./http_parser.ts"

/** What becomes of a request; at most one of `complete`, `upgraded` and `failed` is told, and last. */
export interface Answering {
  /** The head is sent: a body may follow. */
  ready(connection: BackendConnection): void
  /** 100 Continue. */
  continued(): void
  head(head: AnswerHead): void
  body(bytes: Buffer): void
  complete(): void
  /** The backend switches protocols: from now on the socket is the caller's; `first` came behind the head. */
  upgraded(head: AnswerHead, socket: Duplex, first: Buffer): void
  failed(error: unknown): void
}

export class BackendConnection {
  readonly #parser: AnswerParser
  #answering: Answering | null = null
  #method = ""
  /** The message that is being read: of an interim answer nothing but its end is of interest. */
  #reading: "nothing" | "interim" | "answer" = "nothing"
  #upgrade: AnswerHead | null = null
  #keepsAlive = false
  #gone = false
  /** Whether it carried a request before. */
  used = false

  /** `released` is told once a request is over, and whether another may follow. */
  constructor(
    readonly socket: Duplex,
    headerBytes: number,
    readonly released: (connection: BackendConnection, reusable: boolean) => void,
  ) {
    this.#parser = new AnswerParser(
      {
        // Bytes behind the answer, which would be taken for the next one.
        begin: () => {
          if (!this.#answering) this.#keepsAlive = false
        },
        head: (head, keepsAlive) => this.#head(head, keepsAlive),
        body: (bytes) => this.#answering?.body(bytes),
        complete: () => this.#complete(),
      },
      headerBytes,
    )
    socket.on("data", this.#data)
    socket.on("end", this.#end)
    socket.on("error", this.#failed)
    socket.on("close", this.#closed)
  }

  begin(head: string, method: string, answering: Answering): void {
    this.#answering = answering
    this.#method = method
    this.#reading = "nothing"
    this.socket.write(head, "latin1")
    answering.ready(this)
  }

  /** Nobody waits for the answer any more. */
  abandon(answering: Answering): void {
    if (this.#answering !== answering) return
    this.#answering = null
    this.#leave(false)
  }

  readonly #data = (bytes: Buffer) => {
    // An answer that nobody asked for must not be taken for the next one.
    if (!this.#answering) return this.#leave(false)
    const read = this.#parser.execute(bytes)
    if (read instanceof Error) return this.#failed(read)
    const upgrade = this.#upgrade
    if (upgrade) {
      const answering = this.#answering as Answering | null
      this.#detach()
      answering?.upgraded(upgrade, this.socket, bytes.subarray(read))
      return
    }
    // Only now all of these bytes are known to belong to the answer that they complete.
    if (!this.#answering && !this.#gone) this.#leave(this.#keepsAlive)
  }

  #head(head: AnswerHead, keepsAlive: boolean): "body" | "skip" | "upgrade" {
    const answering = this.#answering
    if (!answering) return "skip"
    const { statusCode } = head
    if (statusCode === 101) {
      this.#upgrade = head
      return "upgrade"
    }
    if (statusCode >= 100 && statusCode < 200) {
      this.#reading = "interim"
      if (statusCode === 100) answering.continued()
      return "skip"
    }
    this.#reading = "answer"
    this.#keepsAlive = keepsAlive
    answering.head(head)
    return this.#method === "HEAD" ? "skip" : "body"
  }

  #complete(): void {
    const answering = this.#answering
    const isAnswer = this.#reading === "answer"
    this.#reading = "nothing"
    if (!isAnswer || !answering) return
    this.#answering = null
    this.used = true
    answering.complete()
  }

  readonly #end = () => {
    const error = this.#parser.finish()
    if (this.#answering) this.#failed(error ?? null)
    else this.#leave(false)
  }

  readonly #failed = (error: unknown) => {
    const answering = this.#answering
    const begun = this.#reading === "answer"
    this.#answering = null
    this.#leave(false)
    if (!answering) return
    const cutOff = error === null || (error as { code?: string }).code === "HPE_INVALID_EOF_STATE"
    const what = begun
      ? "the backend broke off its answer"
      : "the backend closed the connection without an answer"
    answering.failed(cutOff ? new ProxyFailure(502, what) : error)
  }

  readonly #closed = () => this.#failed(null)

  #leave(reusable: boolean): void {
    if (this.#gone) return
    if (reusable) {
      // The last pieces may have found a client that was slow to read.
      this.socket.resume()
    } else {
      this.#gone = true
      this.#parser.close()
    }
    this.released(this, reusable)
  }

  /** The socket becomes somebody else's. */
  #detach(): void {
    const { socket } = this
    socket.off("data", this.#data).off("end", this.#end).off("error", this.#failed).off("close", this.#closed)
    this.#answering = null
    this.#gone = true
    this.#parser.close()
    socket.once("close", () => this.released(this, false))
    // Whoever takes it over listens for errors of its own; until then none may end the process.
    socket.on("error", () => {})
  }
}
