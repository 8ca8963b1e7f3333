/** A backend's body on its way to the client: decoded, rewritten, sent as fast as the client reads and no faster. */
import { type Readable, Transform } from "node:stream"
import zlib from "node:zlib"
import { messageOf } from "../../base/errors.ts"
import { type DocumentOptions, rewriterFor } from "../../decisions/proxy/stream.ts"
import type { AnswerBody } from "./answer_body.ts"
import { ProxyFailure } from "./failures.ts"
import type { ProxyLimits } from "./limits.ts"

/** What decodes a Content-Encoding, outermost first; null where we cannot. */
export function decodersFor(contentEncoding: string): Transform[] | null {
  const codings = contentEncoding
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity")
  if (codings.length > 2) return null
  const decoders: Transform[] = []
  for (const coding of codings.reverse()) {
    const decoder = decoderOf(coding)
    if (!decoder) return null
    decoders.push(decoder)
  }
  return decoders
}

/** What sends a body on. */
export interface Sink {
  /** False asks to wait for `whenDrained`. */
  write(bytes: Buffer): boolean
  whenDrained(go: () => void): void
  end(bytes: Buffer | null): void
  fail(error: unknown): void
  /** Bytes went by: what keeps an exchange from being idle. */
  touched(): void
}

/** Passes a body on: through its decoders, and rewritten where it is a document. */
export function pump(
  body: AnswerBody,
  decoders: readonly Transform[],
  document: DocumentOptions | null,
  limits: ProxyLimits,
  sink: Sink,
): void {
  let failed = false
  const fail = (error: unknown) => {
    if (failed) return
    failed = true
    for (const decoder of decoders) decoder.destroy()
    body.destroy()
    sink.fail(error)
  }
  const rewriter = document && rewriterFor(document)
  const passOn = (chunk: Buffer, from: { pause(): unknown; resume(): unknown }) => {
    if (failed) return
    sink.touched()
    const bytes = rewriter ? rewriter.write(chunk) : chunk
    if (bytes.length === 0 || sink.write(bytes)) return
    from.pause()
    sink.whenDrained(() => {
      sink.touched()
      from.resume()
    })
  }
  const end = () => {
    if (!failed) sink.end(rewriter ? rewriter.end() : null)
  }
  if (decoders.length > 0) decode(body, decoders, limits, { passOn, end, fail })
  else body.read({ data: (chunk) => passOn(chunk, body), end, failed: fail })
}

interface Decoded {
  passOn(chunk: Buffer, from: Readable): void
  end(): void
  fail(error: unknown): void
}

function decode(body: AnswerBody, decoders: readonly Transform[], limits: ProxyLimits, to: Decoded): void {
  const [first] = decoders as [Transform]
  const last = decoders.at(-1) as Transform
  let encodedBytes = 0
  let decodedBytes = 0
  // A few kilobytes of a decompression bomb are gigabytes; real pages stay far below this ratio.
  const grown = (chunk: Buffer): boolean => {
    decodedBytes += chunk.length
    if (decodedBytes <= limits.decodedFreeBytes || decodedBytes <= encodedBytes * limits.decodedRatio)
      return false
    to.fail(
      new ProxyFailure(502, `the page is more than ${limits.decodedRatio} times larger than it was sent`),
    )
    return true
  }
  for (const [i, decoder] of decoders.entries()) {
    const next = decoders[i + 1]
    if (!next) continue
    // What lies between two codings can be a bomb, too, of which nothing comes out in the end.
    decoder.on("data", grown)
    decoder.on("error", (error) => next.destroy(error))
    decoder.pipe(next)
  }
  last.on("data", (chunk: Buffer) => {
    if (!grown(chunk)) to.passOn(chunk, last)
  })
  last.on("end", to.end)
  let ended = false
  last.on("error", (error) => {
    // Some servers name a coding over no body at all, as under a redirect; to a decoder that is one cut short.
    if (encodedBytes === 0 && ended) return to.end()
    const why = `its body is not what its Content-Encoding says: ${messageOf(error)}`
    to.fail(new ProxyFailure(502, why, { cause: error }))
  })
  body.read({
    data(chunk) {
      encodedBytes += chunk.length
      if (first.write(chunk)) return
      body.pause()
      first.once("drain", () => body.resume())
    },
    end() {
      ended = true
      first.end()
    },
    failed: to.fail,
  })
}

function decoderOf(coding: string): Transform | null {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip()
    case "deflate":
      return inflateEither()
    case "br":
      return zlib.createBrotliDecompress()
    case "zstd":
      // RFC 9659: browsers take no larger window either, and this one would be 128 MB.
      return zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } })
    default:
      return null
  }
}

/** "deflate" means zlib's format, but some servers send the bare stream: the first byte tells. */
function inflateEither(): Transform {
  let inner: Transform | undefined
  const open = (outer: Transform, first: number) => {
    const opened = (first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()
    // A slow reader's page must not wait here decoded: its next pieces come when `read` asks for them.
    opened.on("data", (chunk: Buffer) => {
      if (!outer.push(chunk)) opened.pause()
    })
    opened.on("error", (error) => outer.destroy(error))
    return opened
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      inner ??= open(this, chunk[0] ?? 0)
      inner.write(chunk, () => done())
    },
    read(size) {
      inner?.resume()
      Transform.prototype._read.call(this, size)
    },
    flush(done) {
      if (!inner) done()
      else inner.once("end", () => done()).end()
    },
    destroy(error, done) {
      inner?.destroy()
      done(error)
    },
  })
}
