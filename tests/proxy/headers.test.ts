import { describe, expect, test } from "bun:test"
import { baseOf } from "../../lib/decisions/proxy/base.ts"
import { linkMap } from "../../lib/decisions/proxy/link_map.ts"
import { requestHeaders } from "../../lib/decisions/proxy/request_headers.ts"
import { responseHeaders } from "../../lib/decisions/proxy/response_headers.ts"
import { allowed, documentPath, prefix, proxyOrigin, target } from "../decisions/proxy/oracle.ts"

const facts = {
  base: baseOf(target, prefix, documentPath),
  links: linkMap(allowed, { target, authorities: [new URL(proxyOrigin).host], originOf: null }),
  ownOrigin: proxyOrigin,
  inFrame: false,
  cookies: ["microproxy"],
  rewritten: true,
  heldWeakly: false,
  shimSource: null,
  pseudonym: "p",
}

/** The values under which a header of a backend arrives. */
function arriving(name: string, value: string): string[] {
  const headers = responseHeaders([name, value], facts)
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
}

describe("headers of backends", () => {
  test.each([
    ["Location", "http://10.0.0.2:8042/x?a=b#c", ["/10.0.0.2/8042/x?a=b#c"]],
    ["Location", "/path?q#f", ["/10.0.0.1/8088/path?q#f"]],
    ["Location", "/10.0.0.1/8088/path", ["/10.0.0.1/8088/path"]],
    ["Location", "relative?x", ["relative?x"]],
    ["Location", "//10.0.0.2:8042/x", ["/10.0.0.2/8042/x"]],
    ["Location", "//evil.example/x", ["//evil.example/x"]],
    ["Location", "https://10.0.0.2:8443/x", ["/~https/10.0.0.2/8443/x"]],
    ["Location", `${proxyOrigin}/path`, ["/10.0.0.1/8088/path"]],
    ["Content-Location", "/x", ["/10.0.0.1/8088/x"]],
    ["Refresh", "5; url=/x", ["5; url=/10.0.0.1/8088/x"]],
    ["Refresh", "0;URL='http://10.0.0.2:8042/'", ["0;URL='/10.0.0.2/8042/'"]],
    [
      "Link",
      "</a.css>; rel=preload, <http://10.0.0.2:8042/b>; rel=x",
      ["</10.0.0.1/8088/a.css>; rel=preload, </10.0.0.2/8042/b>; rel=x"],
    ],
    [
      "Link",
      '</a>; title="</b>, \\"</c>"; rel=preload; imagesrcset="/d 1x, http://10.0.0.2:8042/e 2x", </f>',
      [
        '</10.0.0.1/8088/a>; title="</b>, \\"</c>"; rel=preload; imagesrcset="/10.0.0.1/8088/d 1x, /10.0.0.2/8042/e 2x", </10.0.0.1/8088/f>',
      ],
    ],
    ["Via", "1.0 cache", ["1.0 cache, 1.1 p"]],
    [
      "Set-Cookie",
      "a=b; Path=/; Domain=.internal; Secure; HttpOnly",
      ["a=b; Path=/10.0.0.1/8088/; HttpOnly"],
    ],
    [
      "Set-Cookie",
      "a=b; path=/x; SameSite=None; Secure; Partitioned",
      ["a=b; Path=/10.0.0.1/8088/x; SameSite=Lax"],
    ],
    ["Set-Cookie", "__Host-a=b; Path=/; Secure", ["~Host-a=b; Path=/10.0.0.1/8088/"]],
    ["Set-Cookie", "__Http-a=b; Secure; HttpOnly", ["~Http-a=b; HttpOnly"]],
    ["Set-Cookie", "a=b; Max-Age=5", ["a=b; Max-Age=5"]],
    ["Set-Cookie", "microproxy=x", []],
    [
      "Content-Security-Policy",
      "script-src 'self' http://10.0.0.2:8042 'nonce-Ab+/=='; upgrade-insecure-requests; report-uri /csp",
      [`script-src 'self' ${proxyOrigin}/10.0.0.2/8042/ 'nonce-Ab+/=='; report-uri /10.0.0.1/8088/csp`],
    ],
    [
      "Content-Security-Policy",
      "img-src http://10.0.0.2:* *.internal:* *.example.org *; connect-src wss://10.0.0.2:*; frame-ancestors http://10.0.0.2:8042",
      [
        `img-src http://10.0.0.2:* ${proxyOrigin}/10.0.0.2/ *.internal:* ${proxyOrigin} *.example.org *; connect-src wss://10.0.0.2:* ${proxyOrigin.replace("http", "ws")}/~https/10.0.0.2/; frame-ancestors http://10.0.0.2:8042 ${proxyOrigin}`,
      ],
    ],
    ["Strict-Transport-Security", "max-age=1", []],
    ["Alt-Svc", 'h3=":443"', []],
    ["Clear-Site-Data", '"cookies"', []],
    ["ETag", '"x"', ['W/"x"']],
    ["ETag", 'W/"x"', ['W/"x"']],
    ["Last-Modified", "Sun, 22 Nov 2026 19:00:00 GMT", ["Sun, 22 Nov 2026 19:00:00 GMT"]],
    ["Content-Length", "5", []],
    ["Keep-Alive", "timeout=5", []],
    ["Access-Control-Allow-Origin", "http://10.0.0.2:8042", [proxyOrigin]],
  ])("%s: %s", (name, value, wanted) => {
    expect(arriving(name, value)).toEqual(wanted)
  })
})

test.each([["<"], ['"'], ['\\"'], ["imagesrcset="]])(
  "a Link of nothing but %s takes no time to speak of",
  (unit) => {
    const steps = (length: number) => {
      const value = unit.repeat(length / unit.length)
      const before = process.cpuUsage().user
      for (let i = 0; i < 4; i++) arriving("Link", value)
      return process.cpuUsage().user - before
    }
    steps(1000)
    // Where each character costs a look at all the others, the longer one takes 256 times longer.
    expect(steps(32_000)).toBeLessThan(64 * Math.max(1000, steps(2000)))
  },
)

describe("headers of clients", () => {
  const sent = (headers: string[]) => {
    const out = requestHeaders(headers, {
      target,
      prefix,
      ownOrigin: proxyOrigin,
      ownHost: new URL(proxyOrigin).host,
      cookies: ["microproxy"],
      secrets: ["s3cret-of-the-proxy"],
      client: "127.0.0.1",
      pseudonym: "p",
      httpVersion: "1.1",
    })
    return Object.fromEntries(out.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), out[i + 1]]])))
  }
  test("name the backend as it knows itself", () => {
    const headers = sent([
      "Origin",
      proxyOrigin,
      "Referer",
      `${proxyOrigin}/10.0.0.2/8042/a?b`,
      "Cookie",
      "~Host-a=b; microproxy=s",
    ])
    expect(headers).toMatchObject({
      origin: "http://10.0.0.1:8088",
      referer: "http://10.0.0.2:8042/a?b",
      cookie: "__Host-a=b",
      "x-forwarded-prefix": prefix,
      via: "1.1 p",
    })
  })
  test("ask only for codings that can be read", () => {
    expect(sent(["Accept-Encoding", "gzip, sdch;q=0.5, br, zstd, dcb"])["accept-encoding"]).toBe(
      "gzip, br, zstd",
    )
    expect(sent(["Referer", `${proxyOrigin}/`]).referer).toBeUndefined()
  })
})
