/** The attack list: what somebody would try, and what must come of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import net from "node:net"
import zlib from "node:zlib"
import { UsageError } from "../../lib/base/errors.ts"
import { parseAllow } from "../../lib/decisions/proxy/allowed.ts"
import { type Backend, rawBackend, type TestProxy, testBackend, testProxy } from "./client.ts"

let backend: Backend
let proxy: TestProxy
const page = '<a href="/x">x</a>'

beforeAll(async () => {
  backend = await testBackend((request, response) => {
    if (request.url?.startsWith("/redirect")) {
      response.writeHead(302, { Location: "http://169.254.169.254/latest/meta-data/" }).end()
    } else {
      response.writeHead(200, { "Content-Type": "text/html" }).end(page)
    }
  })
  const names: Record<string, string[]> = {
    "rebound.example": ["127.0.0.1", "169.254.169.254"],
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "zoned.example": ["fe80::1%lo"],
    "good.example": ["127.0.0.1"],
    "ip-10-0-0-5.ec2.internal": ["127.0.0.1"],
    "evil.internal": ["127.0.0.1"],
  }
  proxy = await testProxy({
    allow: [
      `127.0.0.1:${backend.port}`,
      ...Object.keys(names)
        .filter((name) => name.endsWith(".example"))
        .map((name) => `${name}:${backend.port}`),
      `10.0.0.0/24`,
    ],
    resolve: async (host) => names[host] ?? ["192.0.2.1"],
    limits: { requestHeadersMs: 600, idleMs: 1500, connectMs: 1000 },
  })
})
afterAll(async () => {
  await proxy.close()
  backend.close()
})

describe("SSRF: hosts in every spelling", () => {
  const port = () => backend.port
  test.each([
    ["127.0.0.1"],
    ["2130706433"],
    ["0x7f000001"],
    ["0x7f.1"],
    ["0177.0.0.1"],
    ["127.1"],
    ["127.0.0.1."],
    ["[::ffff:127.0.0.1]"],
    ["[::ffff:7f00:1]"],
    ["%5B::ffff:7f00:1%5D"],
  ])("%s is 127.0.0.1, which is allowed", async (host) => {
    expect((await proxy.get(`/${host}/${port()}/`)).status).toBe(200)
  })

  test.each([
    ["169.254.169.254"],
    ["2852039166"],
    ["0xa9fea9fe"],
    ["0251.0376.0251.0376"],
    ["169.254.43518"],
    ["[::ffff:169.254.169.254]"],
    ["[::ffff:a9fe:a9fe]"],
    ["[64:ff9b::a9fe:a9fe]"],
    ["[2002:a9fe:a9fe::]"],
    ["[fd00:ec2::254]"],
    ["[fe80::1]"],
    ["[ff02::1]"],
    ["[::]"],
    ["0"],
    ["0.0.0.0"],
    ["127.0.0.2"],
    ["localhost"],
    ["LOCALHOST."],
    ["224.0.0.1"],
    ["255.255.255.255"],
    ["10.0.1.5"],
    ["10.evil.example"],
    ["a.amazonawsXcom"],
    ["ip-10-0-0-5.ec2.internal.evil.example"],
    ["unknown.example"],
  ])("%s is refused", async (host) => {
    expect((await proxy.get(`/${host}/${port()}/`)).status).toBe(403)
  })

  test.each([
    ["/user@127.0.0.1/80/"],
    ["/127.0.0.1%00/80/"],
    ["/127.0.0.1%0d%0a/80/"],
    ["/127.0.0.1%2f/80/"],
    ["/[fe80::1%25lo]/80/"],
    ["/127.0.0.1:80/80/"],
    ["/127.0.0.1/0/"],
    ["/127.0.0.1/65536/"],
    ["/127.0.0.1/99999999999999999999/"],
    ["/127.0.0.1/080/"],
    ["/../80/"],
    ["/%2e%2e/80/"],
    ["/./80/x"],
    ["/127.0.0.1/../x"],
    ["/127.0.0.1/%2E%2e/x"],
    ["/127.0.0.1/80%0d%0a/x"],
    ["/127.0.0.1/%00/x"],
    ["/~https/../80/"],
    ["/a..b/80/"],
    ["/x#y"],
  ])("%s is malformed", async (path) => {
    const answer = await proxy.raw(
      `GET ${path} HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toStartWith("HTTP/1.1 400 ")
  })

  test.each([
    ["rebound.example", "one bad address among good ones refuses all"],
    ["metadata.example", "a name of the metadata service"],
    ["mapped.example", "in its mapped form"],
    ["zoned.example", "with a zone"],
  ])("a permitted name is refused by its addresses: %s (%s)", async (host) => {
    const answer = await proxy.get(`/${host}/${port()}/`)
    expect(answer.text).toContain("never reached")
    expect(answer.status).toBe(403)
  })

  test("a name inside an allowed range must resolve into it", async () => {
    expect((await proxy.get(`/ip-10-0-0-5.ec2.internal/${port()}/`)).status).toBe(403)
  })

  test("the proxy itself is never reached", async () => {
    const own = proxy.proxy.port
    const second = await testProxy({ allow: ["127.0.0.1"] })
    expect((await second.get(`/127.0.0.1/${second.proxy.port}/`)).status).toBe(403)
    await second.close()
    expect((await proxy.get(`/127.0.0.1/${own}/`)).status).toBe(403)
  })

  test("two proxies that point at each other end with 508", async () => {
    const answer = await proxy.get(`${backend.prefix}/`)
    const pseudonym = answer.headers.via?.[0] ?? ""
    expect((await proxy.get(`${backend.prefix}/`, { Via: pseudonym })).status).toBe(508)
  })

  test("redirects are passed on, never followed", async () => {
    const answer = await proxy.get(`${backend.prefix}/redirect`)
    expect(answer.headers.location).toEqual(["http://169.254.169.254/latest/meta-data/"])
    expect(answer.status).toBe(302)
  })

  test("what is always denied cannot be allowed", () => {
    for (const host of ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "0xa9fea9fe"]) {
      expect(() => parseAllow(host)).toThrow(UsageError)
    }
  })

  test("a range that covers the metadata service does not open it", async () => {
    const wide = await testProxy({ allow: ["0.0.0.0/0", "[::]/0"], resolve: async () => ["127.0.0.1"] })
    for (const host of ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0"]) {
      expect((await wide.get(`/${host}/80/`)).status).toBe(403)
    }
    await wide.close()
  })

  test("the old patterns hold only where asked for, and anchored", async () => {
    const legacy = await testProxy({ legacyHosts: true, resolve: async () => ["127.0.0.1"] })
    expect((await legacy.get(`/127.0.0.1/${port()}/`)).status).toBe(200)
    expect((await legacy.get(`/localhost/${port()}/`)).status).toBe(200)
    for (const host of [
      "10.evil.example",
      "a.amazonawsXcom",
      "xamazonaws.com",
      "ec2.evil.example",
      "internal",
      "evil.internal",
    ]) {
      expect(`${host} ${(await legacy.get(`/${host}/${port()}/`)).status}`).toBe(`${host} 403`)
    }
    expect((await legacy.get("/127.0.0.1/22/")).status).toBe(403)
    await legacy.close()
  })
})

describe("who may come in", () => {
  const cookie = () => `microproxy=${proxy.token}`
  test("without the secret nothing is shown, not even what exists", async () => {
    for (const path of ["/", `${backend.prefix}/`, "/10.9.9.9/80/", "/~microproxy/shim.js"]) {
      expect((await proxy.get(path, { Cookie: "a=b" })).status).toBe(401)
    }
  })

  test("guesses of the secret fail alike, and nearly right ones too", async () => {
    for (const guess of [
      "",
      "x",
      proxy.token.slice(0, -1),
      `${proxy.token}x`,
      proxy.token.toLowerCase(),
      `${proxy.token}%00`,
    ]) {
      expect((await proxy.get("/", { Cookie: `microproxy=${guess}` })).status).toBe(401)
      expect((await proxy.get(`/?token=${guess}`, { Cookie: "" })).status).toBe(401)
    }
  })

  test("the token in the address becomes an HttpOnly SameSite cookie and leaves the address", async () => {
    const answer = await proxy.get(`${backend.prefix}/a?b=1&token=${proxy.token}&c=2`, { Cookie: "" })
    expect(answer.headers.location).toEqual([`${backend.prefix}/a?b=1&c=2`])
    expect(answer.headers["set-cookie"]).toEqual([`${cookie()}; Path=/; HttpOnly; SameSite=Strict`])
    expect(answer.status).toBe(303)
  })

  test("the token does not make an open redirect", async () => {
    const answer = await proxy.get(`//evil.example/?token=${proxy.token}`, { Cookie: "" })
    expect(answer.headers.location).toEqual(["/evil.example/"])
  })

  test.each([["evil.example"], ["localhost:1"], ["127.0.0.1"], ["mp-x.localhost"], [""]])(
    "DNS rebinding: Host %s is refused even with the secret",
    async (host) => {
      const answer = await proxy.raw(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie()}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 4(?:21|00) /)
    },
  )

  test("two Host headers are refused", async () => {
    const answer = await proxy.raw(
      `GET / HTTP/1.1\r\nHost: ${proxy.host}\r\nHost: ${proxy.host}\r\nCookie: ${cookie()}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toStartWith("HTTP/1.1 400 ")
  })

  test("plain localhost only leads to our own name, without a cookie", async () => {
    const entrance = `127.0.0.1:${proxy.proxy.port}`
    const answer = await proxy.get(`/?token=${proxy.token}`, { Host: entrance, Cookie: "" })
    expect(answer.headers.location).toEqual([`${proxy.proxy.origin}/?token=${proxy.token}`])
    expect(answer.headers["set-cookie"]).toBeUndefined()
    expect((await proxy.get("/", { Host: entrance })).status).toBe(421)
  })

  test("other origins may neither post nor open WebSockets", async () => {
    for (const origin of ["http://evil.example", "null", `http://localhost:${proxy.proxy.port}`]) {
      expect((await proxy.send("POST", `${backend.prefix}/`, { Origin: origin }, "x")).status).toBe(403)
      const upgrade = await proxy.raw(
        `GET ${backend.prefix}/ HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: ${cookie()}\r\nOrigin: ${origin}\r\n` +
          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
      )
      expect(upgrade).toStartWith("HTTP/1.1 403 ")
    }
    expect(
      (await proxy.send("POST", `${backend.prefix}/`, { "Sec-Fetch-Site": "cross-site" }, "x")).status,
    ).toBe(403)
    expect((await proxy.send("POST", `${backend.prefix}/`, { Origin: proxy.proxy.origin }, "x")).status).toBe(
      200,
    )
  })

  test("the secret never goes upstream, and backends cannot set it", async () => {
    await proxy.get(`${backend.prefix}/`, { Cookie: `a=1; ${cookie()}; __Host-microproxy=other; b=2` })
    expect(JSON.stringify(backend.requests.at(-1))).not.toContain(proxy.token)
    expect(backend.requests.at(-1)?.headers.cookie).toBe("a=1; b=2")
    const fixing = await rawBackend(
      () =>
        "HTTP/1.1 200 OK\r\nSet-Cookie: microproxy=x; Path=/\r\nSet-Cookie: =microproxy=x\r\nSet-Cookie: ok=1\r\nContent-Length: 0\r\n\r\n",
    )
    const other = await testProxy({ allow: [`127.0.0.1:${fixing.port}`] })
    expect((await other.get(`${fixing.prefix}/`)).headers["set-cookie"]).toEqual(["ok=1"])
    await other.close()
    fixing.close()
  })

  test("the log holds no query, cookie or secret", async () => {
    await proxy.get(`${backend.prefix}/page?password=hunter2&token=${proxy.token}x`)
    const text = JSON.stringify(proxy.log)
    expect(text).toContain(`${backend.prefix}/page`)
    for (const secret of ["hunter2", proxy.token, "password"]) expect(text).not.toContain(secret)
  })
})

describe("smuggling and injection", () => {
  const head = () => `Host: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\n`
  test.each([
    ["both lengths", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["both, the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"],
    ["two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"],
    ["a list of lengths", "Content-Length: 4, 5\r\n\r\nabcd"],
    ["a signed length", "Content-Length: +4\r\n\r\nabcd"],
    ["a hexadecimal length", "Content-Length: 0x4\r\n\r\nabcd"],
    ["a coding that is not chunked", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a coding before chunked", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"],
    ["a space before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
    ["a folded header", "X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n"],
    ["a bare line feed", "X-A: b\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a bare carriage return", "X-A: b\rc\r\n\r\n"],
    ["a NUL", "X-A: b\0c\r\n\r\n"],
  ])("%s is refused", async (_, rest) => {
    const before = backend.requests.length
    const answer = await proxy.raw(`POST ${backend.prefix}/ HTTP/1.1\r\n${head()}${rest}`)
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|501) /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(backend.requests.length).toBe(before)
  })

  test("Transfer-Encoding in HTTP/1.0, absolute targets and CONNECT are refused", async () => {
    expect(
      await proxy.raw(`POST / HTTP/1.0\r\n${head()}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    ).toStartWith("HTTP/1.1 400 ")
    expect(
      await proxy.raw(`GET http://169.254.169.254/ HTTP/1.1\r\n${head()}Connection: close\r\n\r\n`),
    ).toStartWith("HTTP/1.1 400 ")
    expect(await proxy.raw(`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${head()}\r\n`)).toStartWith("HTTP/1.1 405 ")
  })

  test("Upgrade: h2c opens no way around", async () => {
    const answer = await proxy.raw(
      `GET ${backend.prefix}/ HTTP/1.1\r\n${head()}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n`,
    )
    expect(answer).toStartWith("HTTP/1.1 200 ")
    expect(backend.requests.at(-1)?.headers.upgrade).toBeUndefined()
    expect(backend.requests.at(-1)?.headers["http2-settings"]).toBeUndefined()
  })

  test("a client cannot say for us what only we say", async () => {
    await proxy.get(`${backend.prefix}/`, {
      Connection: "close, X-Secret",
      "X-Secret": "1",
      "X-Forwarded-For": "1.2.3.4",
      "X-Forwarded-Host": "evil",
      Forwarded: "for=1.2.3.4",
      "Proxy-Authorization": "Basic x",
      TE: "trailers",
    })
    const { headers } = backend.requests.at(-1) as Backend["requests"][number]
    expect(headers["x-forwarded-for"]).toBe("127.0.0.1")
    expect(headers["x-forwarded-host"]).toBe(proxy.host)
    for (const name of ["x-secret", "forwarded", "proxy-authorization", "te"])
      expect(headers[name]).toBeUndefined()
  })

  test.each([
    [
      "both lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
    ["a NUL in a header", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"],
    ["a split header", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: microproxy=x\r\nContent-Length: 0\r\n\r\n"],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["endless headers", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20000)}\r\n`],
  ])("an answer with %s is 502", async (_, bytes) => {
    const evil = await rawBackend(() => bytes)
    const other = await testProxy({ allow: [`127.0.0.1:${evil.port}`] })
    const answer = await other.get(`${evil.prefix}/`)
    expect(answer.headers["set-cookie"]).toBeUndefined()
    expect(answer.status).toBe(502)
    await other.close()
    evil.close()
  })

  test("an answer that nobody asked for is given to nobody else", async () => {
    const evil = await rawBackend(
      () => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    )
    const other = await testProxy({ allow: [`127.0.0.1:${evil.port}`] })
    for (let i = 0; i < 3; i++) expect((await other.get(`${evil.prefix}/${i}`)).text).toBe("hi")
    await other.close()
    evil.close()
  })

  test.each([["at once"], ["later"]])(
    "half an answer that nobody asked for, whose rest comes %s, is given to nobody else",
    async (when) => {
      const evil = await rawBackend((_, socket) => {
        if (when === "later") setTimeout(() => socket.write("ngth: 4\r\n\r\nevil"), 20)
        return `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Le`
      })
      const other = await testProxy({ allow: [`127.0.0.1:${evil.port}`] })
      for (let i = 0; i < 5; i++) {
        expect((await other.get(`${evil.prefix}/${i}`)).text).toBe("hi")
        await Bun.sleep(i * 10)
      }
      await other.close()
      evil.close()
    },
  )
})

describe("taking too much", () => {
  test.each([
    ["gzip", (body: Buffer) => zlib.gzipSync(body)],
    ["deflate", (body: Buffer) => zlib.deflateSync(body)],
    [
      "br",
      (body: Buffer) =>
        zlib.brotliCompressSync(body, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
    ],
    ["zstd", (body: Buffer) => zlib.zstdCompressSync(body)],
  ])("a decompression bomb in %s is broken off", async (coding, compress) => {
    const bomb = compress(Buffer.alloc(200 * 2 ** 20))
    const evil = await testBackend((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html", "Content-Encoding": coding }).end(bomb)
    })
    const other = await testProxy({ allow: [`127.0.0.1:${evil.port}`] })
    const size = await other.get(`${evil.prefix}/`).then(
      ({ body, status }) => (status === 502 ? 0 : body.length),
      () => -1,
    )
    expect(size).toBeLessThan(20 * 2 ** 20)
    expect(other.log.at(-1)?.cause).toContain("times larger")
    await other.close()
    evil.close()
  })

  test("slow headers, idle connections and stalled bodies are ended", async () => {
    const started = Date.now()
    expect(await proxy.raw("GET / HTTP/1.1\r\nHo", 8000)).toStartWith("HTTP/1.1 408 ")
    expect(
      await proxy.raw(
        `POST ${backend.prefix}/ HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\nContent-Length: 100\r\n\r\nab`,
        8000,
      ),
    ).toMatch(/^HTTP\/1\.1 (?:200|504) /)
    expect(
      await proxy.raw(`POST / HTTP/1.1\r\nHost: ${proxy.host}\r\nContent-Length: 100\r\n\r\nab`, 8000),
    ).toStartWith("HTTP/1.1 401 ")
    expect(Date.now() - started).toBeLessThan(8000)
  })

  test("a backend that never answers is 504, one that stops in the middle is cut", async () => {
    const silent = await rawBackend((_, socket) => (socket.bytesRead > 0 ? null : ""))
    const stopping = await rawBackend(
      () => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nab",
    )
    const other = await testProxy({
      allow: [`127.0.0.1:${silent.port}`, `127.0.0.1:${stopping.port}`],
      limits: { idleMs: 700 },
    })
    const answer = await other.get(`${silent.prefix}/`)
    expect(answer.text).toContain("nothing came")
    expect(answer.status).toBe(504)
    expect(other.get(`${stopping.prefix}/`)).rejects.toThrow()
    await other.close()
    silent.close()
    stopping.close()
  })

  test("large headers are 431", async () => {
    expect(
      await proxy.raw(`GET / HTTP/1.1\r\nHost: ${proxy.host}\r\nX: ${"a".repeat(70_000)}\r\n\r\n`),
    ).toStartWith("HTTP/1.1 431 ")
  })

  test("a client that goes away takes its request to the backend with it", async () => {
    let gone: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      gone = resolve
    })
    const slow = await testBackend((request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" })
      response.write("data: 1\n\n")
      request.socket.on("close", gone)
    })
    const other = await testProxy({ allow: [`127.0.0.1:${slow.port}`] })
    const socket = net.connect(other.proxy.port, "127.0.0.1")
    socket.write(
      `GET ${slow.prefix}/ HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\n\r\n`,
    )
    await new Promise((resolve) => socket.once("data", resolve))
    socket.destroy()
    await closed
    await other.close()
    slow.close()
  })
})
