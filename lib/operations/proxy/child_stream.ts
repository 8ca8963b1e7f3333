/** A child's input and output as one stream, as `node:http` wants its sockets. */
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { Duplex } from "node:stream"
import { ProxyFailure } from "./failures.ts"

export class ChildStream extends Duplex {
  #errors = ""

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    super()
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-1000)
    })
    child.stdin.on("error", () => {})
    child.once("error", (error) => this.destroy(error))
    child.once("close", (code) => {
      if (code === 0 || this.#errors === "") this.push(null)
      else this.destroy(this.#failure())
    })
  }

  override _read(): void {
    this.child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.child.stdin.write(chunk)) done()
    else this.child.stdin.once("drain", () => done())
  }

  override _final(done: () => void): void {
    this.child.stdin.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.child.kill()
    done(error)
  }

  #failure(): Error {
    const said = this.#errors
    if (/refused/i.test(said))
      return new ProxyFailure(502, "nothing listens there: the connection was refused")
    if (/name or service not known|could not resolve|name resolution/i.test(said)) {
      return new ProxyFailure(502, "the master does not know the name")
    }
    return new ProxyFailure(502, `ssh: ${said.trim().split("\n").at(-1) ?? "failed"}`)
  }

  // What node:http does to sockets that it keeps; a pipe has none of it.
  setKeepAlive(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}
