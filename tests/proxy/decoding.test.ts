import { describe, expect, test } from "bun:test"
import type { Transform } from "node:stream"
import zlib from "node:zlib"
import { decodersFor } from "../../lib/operations/proxy/body.ts"

const page = Buffer.alloc(40 * 2 ** 20, "<td>node</td>\n")

describe("a page that is decoded for a reader who takes his time", () => {
  test.each([
    ["gzip", zlib.gzipSync(page)],
    ["deflate", zlib.deflateSync(page)],
    ["deflate", zlib.deflateRawSync(page)],
    ["br", zlib.brotliCompressSync(page, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ["zstd", zlib.zstdCompressSync(page)],
  ])("waits encoded: %s", async (coding, encoded) => {
    const [decoder] = decodersFor(coding) as [Transform]
    decoder.end(encoded)
    let most = 0
    const hash = new Bun.CryptoHasher("sha256")
    for await (const chunk of decoder) {
      hash.update(chunk)
      for (let turn = 0; turn < 4; turn++) await new Promise((go) => setImmediate(go))
      most = Math.max(most, decoder.readableLength)
    }
    expect(most).toBeLessThan(2 ** 20)
    expect(hash.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(page).digest("hex"))
  })
})

test("a zstd frame that asks for 128 MB of memory is refused", async () => {
  const large = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: 27 } })
  large.write("<p>")
  // Flushed before its end is known, so that the frame's head names the window and no size.
  await new Promise<void>((done) => large.flush(done))
  large.end("</p>")
  const [decoder] = decodersFor("zstd") as [Transform]
  const failed = new Promise((resolve) => decoder.once("error", resolve))
  large.pipe(decoder).resume()
  expect(String(await failed)).toContain("too much memory")
})
