/** Documents in UTF-16 and ISO-2022-JP: links change, and no other byte. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { charsetOf } from "../../../lib/decisions/proxy/charsets.ts"
import { documentKind } from "../../../lib/decisions/proxy/content_type.ts"
import type { DocumentOptions } from "../../../lib/decisions/proxy/stream.ts"
import { rewriter } from "./oracle.ts"

type Charset = DocumentOptions["charset"]

function inPieces(bytes: Buffer, size: number, charset: Charset): Buffer {
  const stream = rewriter("html", charset)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size)
    out.push(Buffer.from(stream.write(bytes.subarray(at, at + size))))
  return Buffer.concat([...out, stream.end()])
}

const le = (text: string) => Buffer.from(text, "utf16le")
const be = (text: string) => le(text).swap16()
const page = (link: string) =>
  `<!doctype html><title>\u65e5\u672c \u233c\u3c3c \ud83d\ude00</title><a href="${link}">\u2f00\u3e22</a>`
const before = page("/x")
const after = page("/10.0.0.1/8088/x")

describe("UTF-16", () => {
  test.each<[what: string, encode: (text: string) => Buffer, charset: Charset]>([
    ["little-endian, by its label", le, "utf-16le"],
    ["big-endian, by its label", be, "utf-16be"],
    ["little-endian, by its mark", (text) => le(`\ufeff${text}`), null],
    ["big-endian, by its mark", (text) => be(`\ufeff${text}`), null],
    ["by its mark, whatever the label says", (text) => be(`\ufeff${text}`), "utf-16le"],
  ])("%s, in pieces of any size", (_, encode, charset) => {
    for (const size of [1, 2, 3, 7, 64, 10_000]) {
      expect(inPieces(encode(before), size, charset).equals(encode(after))).toBe(true)
    }
  })

  test("a link with characters beyond ASCII keeps them; half a unit at the end stays", () => {
    const bytes = Buffer.concat([le('<a href="http://10.0.0.2:8042/\u65e5?\u672c">'), Buffer.from([0x41])])
    const wanted = Buffer.concat([le('<a href="/10.0.0.2/8042/\u65e5?\u672c">'), Buffer.from([0x41])])
    expect(inPieces(bytes, 5, "utf-16le").equals(wanted)).toBe(true)
  })

  test("pages without a link of ours come out as they came in", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
        const given = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(bytes)])
        expect(inPieces(given, size, "utf-16le").equals(given)).toBe(true)
      }),
    )
  })
})

describe("ISO-2022-JP", () => {
  // Two bytes a character, which look like `<a href="/y">` and quotes.
  const japanese = '\x1b$B<a href="/y">""<\x1b(B'
  const jp = (link: string) =>
    Buffer.from(
      `<meta charset=iso-2022-jp><p>${japanese}<a title="${japanese}" href="${link}">${japanese}</a>`,
      "latin1",
    )
  test.each<[what: string, charset: Charset]>([
    ["by its label", "iso-2022-jp"],
    ["by its <meta>", null],
  ])("%s, in pieces of any size", (_, charset) => {
    for (const size of [1, 2, 3, 7, 64, 10_000]) {
      expect(inPieces(jp("/x"), size, charset).toString("latin1")).toBe(
        jp("/10.0.0.1/8088/x").toString("latin1"),
      )
    }
  })

  test("an escape in a page of another encoding is a character like others", () => {
    const text = (link: string) => Buffer.from(`<p>\x1b$B<a href="${link}">`)
    expect(inPieces(text("/x"), 4, null).equals(text("/10.0.0.1/8088/x"))).toBe(true)
  })
})

test.each([
  ["text/html; charset=UTF-16", "utf-16le", "html"],
  ["text/html;charset='utf-16be'", "utf-16be", "html"],
  ["text/html; charset=ucs-2", "utf-16le", "html"],
  ["text/html; charset=ISO-2022-JP", "iso-2022-jp", "html"],
  ["text/html; charset=utf-8", null, "html"],
  ["text/html; charset=utf-32", null, null],
  ["text/html; charset=iso-2022-kr", null, null],
  ["text/css; charset=utf-16le", "utf-16le", "css"],
])("%s", (type, charset, kind) => {
  expect(charsetOf(["Content-Type", type])).toBe(charset as never)
  expect(documentKind(["Content-Type", type])).toBe(kind as never)
})
