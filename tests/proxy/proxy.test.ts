/** What passes through the proxy, and how. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import https from "node:https"
import net, { type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import zlib from "node:zlib"
import { socksDial } from "../../lib/operations/proxy/dial.ts"
import { type Backend, rawBackend, type TestProxy, testBackend, testProxy } from "./client.ts"

let backend: Backend
let proxy: TestProxy
const link = (to: string) => `<a href="${to}">`

beforeAll(async () => {
  backend = await testBackend((request, response) => {
    const url = new URL(request.url ?? "/", "http://b")
    const html = { "Content-Type": "text/html", ETag: '"v"' }
    const coding = url.searchParams.get("coding")
    if (coding) {
      const compress = {
        gzip: zlib.gzipSync,
        deflate: zlib.deflateSync,
        raw: zlib.deflateRawSync,
        br: zlib.brotliCompressSync,
        zstd: zlib.zstdCompressSync,
      }
      const body = compress[coding as keyof typeof compress](Buffer.from(link("/x")))
      response
        .writeHead(200, { ...html, "Content-Encoding": coding === "raw" ? "deflate" : coding })
        .end(body)
    } else if (url.pathname === "/echo") {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const said = {
          method: request.method,
          url: request.url,
          body: Buffer.concat(chunks).toString("latin1"),
        }
        response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(said))
      })
    } else if (url.pathname === "/file" || url.pathname === "/page") {
      const body = url.pathname === "/file" ? "0123456789" : link("/0123456789")
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []
      const type = url.pathname === "/file" ? "application/octet-stream" : "text/html"
      if (from === undefined)
        response.writeHead(200, { "Content-Type": type, "Accept-Ranges": "bytes" }).end(body)
      else {
        const range = `bytes ${from}-${to}/${body.length}`
        response
          .writeHead(206, { "Content-Type": type, "Content-Range": range })
          .end(body.slice(Number(from), Number(to) + 1))
      }
    } else if (request.headers["if-none-match"]) response.writeHead(304, { ETag: '"v"' }).end()
    else response.writeHead(200, html).end(link("/x"))
  })
  proxy = await testProxy({ allow: [`127.0.0.1:${backend.port}`] })
})
afterAll(async () => {
  await proxy.close()
  backend.close()
})

const rewritten = () => link(`${backend.prefix}/x`)

describe("paths", () => {
  test.each([
    ["/%2e%2e/b"],
    ["/a/../b"],
    ["//x//"],
    ["/%41%2F?q=%20&&=#".replace("#", "")],
    ["/a;b=c/@:!$&'()*+,=~"],
    ["/[]|^`{}"],
  ])("%s arrives byte for byte", async (path) => {
    await proxy.raw(
      `GET ${backend.prefix}${path} HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\nConnection: close\r\n\r\n`,
    )
    expect(backend.requests.at(-1)?.line).toBe(`GET ${path}`)
  })

  test("without the slash, and without a backend", async () => {
    expect((await proxy.get(`${backend.prefix}?a=b`)).headers.location).toEqual([`${backend.prefix}/?a=b`])
    const referer = { Referer: `${proxy.proxy.origin}${backend.prefix}/page` }
    const fallen = await proxy.get("/static/app.js?v=1", referer)
    expect(fallen.headers.location).toEqual([`${backend.prefix}/static/app.js?v=1`])
    expect(fallen.status).toBe(307)
    expect((await proxy.get("/api/1/jobs", referer)).headers.location).toEqual([
      `${backend.prefix}/api/1/jobs`,
    ])
    expect((await proxy.get("/", { Referer: "http://evil.example/127.0.0.1/1/" })).text).toContain(
      `127.0.0.1:${backend.port}`,
    )
    expect((await proxy.get("/static/app.js")).status).toBe(404)
  })

  test("the default site gets what nobody else does", async () => {
    const target = { scheme: "http", host: "127.0.0.1", port: backend.port } as const
    const other = await testProxy({
      allow: [`127.0.0.1:${backend.port}`],
      defaultSite: { target, rest: "/start?x" },
    })
    expect((await other.get("/")).headers.location).toEqual([`${backend.prefix}/start?x`])
    expect((await other.get("/favicon.ico")).headers.location).toEqual([`${backend.prefix}/favicon.ico`])
    await other.close()
  })
})

describe("bodies", () => {
  test.each([["gzip"], ["deflate"], ["raw"], ["br"], ["zstd"]])(
    "%s pages are decoded and rewritten",
    async (coding) => {
      const answer = await proxy.get(`${backend.prefix}/?coding=${coding}`)
      expect(answer.text).toBe(rewritten())
      expect(answer.headers["content-encoding"]).toBeUndefined()
      expect(answer.headers.etag).toEqual(['W/"v"'])
    },
  )

  test.each([
    ['W/"v"', 'W/"v"'],
    ['"v"', '"v"'],
  ])("a client that holds %s hears of %s again", async (held, heard) => {
    const answer = await proxy.get(`${backend.prefix}/`, { "If-None-Match": held })
    expect([answer.status, answer.headers.etag]).toEqual([304, [heard]])
  })

  test("HEAD has the headers of GET and no body", async () => {
    const answer = await proxy.send("HEAD", `${backend.prefix}/`)
    expect(answer.headers["content-type"]).toEqual(["text/html"])
    expect(answer.text).toBe("")
  })

  test.each([["POST"], ["PUT"], ["PATCH"], ["DELETE"], ["OPTIONS"], ["PROPFIND"]])(
    "%s passes with its body",
    async (method) => {
      const answer = await proxy.send(method, `${backend.prefix}/echo?a=%2F`, {}, "body\r\n\r\n\xff")
      expect(JSON.parse(answer.text)).toMatchObject({ method, url: "/echo?a=%2F" })
      expect(JSON.parse(answer.text).body).toContain("body\r\n\r\n")
    },
  )

  test.each([["POST"], ["DELETE"], ["GET"]])("%s passes with a body in chunks", async (method) => {
    const answer = await proxy.raw(
      `${method} ${backend.prefix}/echo HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
    )
    expect(answer).toContain('"body":"abcde"')
  })

  test("100-continue comes from the backend", async () => {
    const answer = await proxy.raw(
      `POST ${backend.prefix}/echo HTTP/1.1\r\nHost: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`,
    )
    expect(answer).toStartWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    expect(answer).toContain('"body":"hi"')
  })

  test("ranges of files pass; of pages the whole comes", async () => {
    const part = await proxy.get(`${backend.prefix}/file`, { Range: "bytes=2-4" })
    expect([part.status, part.text]).toEqual([206, "234"])
    const whole = await proxy.get(`${backend.prefix}/page`, { Range: "bytes=2-4" })
    expect([whole.status, whole.text]).toEqual([200, link(`${backend.prefix}/0123456789`)])
    expect(whole.headers["accept-ranges"]).toBeUndefined()
  })

  test("the first byte goes out while the rest is still being made", async () => {
    let finish: () => void = () => {}
    const slow = await testBackend((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" })
      response.write(`<p>first<a href="/x">half <a hr`)
      finish = () => response.end('ef="/y">')
    })
    const other = await testProxy({ allow: [`127.0.0.1:${slow.port}`] })
    const socket = net.connect(other.proxy.port, "127.0.0.1")
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk
      if (text.includes("half")) finish()
    })
    socket.write(
      `GET ${slow.prefix}/ HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\nConnection: close\r\n\r\n`,
    )
    await new Promise((resolve) => socket.once("close", resolve))
    expect(text).toContain(`<a href="${slow.prefix}/x">half `)
    expect(text).toContain(`ef="${slow.prefix}/y">`)
    await other.close()
    slow.close()
  })

  test("a reader that stops holds the backend back", async () => {
    let written = 0
    const endless = await testBackend((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" })
      const chunk = Buffer.from('<a href="/x">'.repeat(5000))
      const more = () => {
        while (response.write(chunk)) written += chunk.length
        written += chunk.length
        if (written < 2 ** 28) response.once("drain", more)
      }
      more()
    })
    const other = await testProxy({ allow: [`127.0.0.1:${endless.port}`] })
    const socket = net.connect(other.proxy.port, "127.0.0.1")
    socket.pause()
    socket.write(
      `GET ${endless.prefix}/ HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\n\r\n`,
    )
    let before = -1
    while (before !== written || written === 0) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(written).toBeLessThan(64 * 2 ** 20)
    socket.destroy()
    await other.close()
    endless.close()
  })

  test("a kept connection whose last pieces waited for a slow reader carries the next answer", async () => {
    const large = await testBackend((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end('<a href="/x">'.repeat(200_000))
    })
    const other = await testProxy({ allow: [`127.0.0.1:${large.port}`] })
    for (let i = 0; i < 6; i++) {
      const answer = await other.get(`${large.prefix}/`)
      expect(answer.body.length).toBe(200_000 * `<a href="${large.prefix}/x">`.length)
    }
    expect(large.requests).toHaveLength(6)
    await other.close()
    large.close()
  })

  test("a kept connection that the backend closed is no error", async () => {
    let served = 0
    const closing = await rawBackend((_, socket) => {
      served++
      setTimeout(() => socket.destroy(), 5)
      return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    })
    const other = await testProxy({ allow: [`127.0.0.1:${closing.port}`] })
    for (let i = 0; i < 30; i++) {
      expect((await other.get(`${closing.prefix}/`)).status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, i % 6))
    }
    expect(served).toBeGreaterThanOrEqual(30)
    await other.close()
    closing.close()
  })
})

describe("other ways to the backend", () => {
  test("WebSockets pass as they are, both ways", async () => {
    const echo = await testBackend((_, response) => response.end())
    echo.server.on("upgrade", (request, socket, head) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Origin: ${request.headers.origin}\r\n\r\n${head}`,
      )
      socket.pipe(socket)
    })
    const other = await testProxy({ allow: [`127.0.0.1:${echo.port}`] })
    const socket = net.connect(other.proxy.port, "127.0.0.1")
    let text = ""
    socket.write(
      `GET ${echo.prefix}/ws HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\nOrigin: ${other.proxy.origin}\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
    )
    await new Promise<void>((resolve) =>
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1")
        if (text.endsWith("early")) socket.write("\x00\xffbytes")
        if (text.endsWith("bytes")) resolve()
      }),
    )
    expect(text).toStartWith("HTTP/1.1 101 ")
    expect(text).toContain(`X-Origin: http://127.0.0.1:${echo.port}`)
    socket.end()
    await other.close()
    echo.close()
  })

  test.each([["backend"], ["client"]])(
    "what one side of a WebSocket says after the %s has ended arrives",
    async (first) => {
      let heard = ""
      let done = () => {}
      const ended = new Promise<void>((resolve) => {
        done = resolve
      })
      const take = (socket: net.Socket) => {
        socket.on("data", (chunk) => {
          heard += chunk.toString("latin1")
        })
        socket.on("end", done)
      }
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.once("data", () => {
          socket.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
          )
          if (first === "backend") take(socket.end())
          else socket.resume().on("end", () => socket.end("late"))
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const { port } = server.address() as AddressInfo
      const other = await testProxy({ allow: [`127.0.0.1:${port}`] })
      const client = net.connect({ port: other.proxy.port, host: "127.0.0.1", allowHalfOpen: true })
      client.write(
        `GET /127.0.0.1/${port}/ws HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\nOrigin: ${other.proxy.origin}\r\n` +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      )
      await once(client, "readable")
      if (first === "client") take(client.end())
      else client.resume().on("end", () => client.end("late"))
      await ended
      expect(heard).toEndWith("late")
      await other.close()
      server.close()
    },
  )

  test("through SOCKS5, by name", async () => {
    const asked: string[] = []
    const socks = net.createServer((client) => {
      client.once("data", () => {
        client.write(Buffer.from([5, 0]))
        client.once("data", (request: Buffer) => {
          asked.push(request.subarray(5, 5 + (request[4] ?? 0)).toString())
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
          const onward = net.connect(backend.port, "127.0.0.1")
          client.pipe(onward).pipe(client)
        })
      })
    })
    await new Promise<void>((resolve) => socks.listen(0, "127.0.0.1", resolve))
    const { port } = socks.address() as AddressInfo
    const other = await testProxy({
      allow: ["node.internal:8042"],
      dial: socksDial({ host: "127.0.0.1", port }),
    })
    expect((await other.get("/node.internal/8042/")).text).toBe(link("/node.internal/8042/x"))
    expect(asked).toEqual(["node.internal"])
    expect((await other.get("/169.254.169.254/80/")).status).toBe(403)
    await other.close()
    socks.close()
  })

  test("a SOCKS proxy that says nothing is 504 in the time for connections", async () => {
    const silent: net.Socket[] = []
    const socks = net.createServer((client) => silent.push(client.resume()))
    await new Promise<void>((resolve) => socks.listen(0, "127.0.0.1", resolve))
    const { port } = socks.address() as AddressInfo
    const other = await testProxy({
      allow: ["node.internal:8042"],
      dial: socksDial({ host: "127.0.0.1", port }),
      limits: { connectMs: 200 },
    })
    expect((await other.get("/node.internal/8042/")).status).toBe(504)
    await Promise.all(silent.map((client) => client.destroyed || once(client, "close")))
    await other.close()
    socks.close()
    // The client's own limit is 30 s.
  })

  test("https backends are checked, unless told otherwise", async () => {
    const folder = mkdtempSync(join(tmpdir(), "proxy-tls-"))
    const [key, cert] = [join(folder, "key"), join(folder, "cert")]
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ])
    const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end(link("/x"))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const path = `/~https/127.0.0.1/${port}`
    for (const [tls, wanted] of [
      [{ ca: null, insecure: false }, "self-signed"],
      [{ ca: readFileSync(cert, "utf8"), insecure: false }, link(`${path}/x`)],
      [{ ca: null, insecure: true }, link(`${path}/x`)],
    ] as const) {
      const other = await testProxy({ allow: [`127.0.0.1:${port}`], tls })
      expect((await other.get(`${path}/`)).text).toContain(wanted)
      await other.close()
    }
    server.close()
    rmSync(folder, { recursive: true })
  })

  test("failures name their cause", async () => {
    const free = await testBackend(() => {})
    free.close()
    const other = await testProxy({
      allow: [`127.0.0.1:${free.port}`, "nowhere.example:80"],
      resolve: async () => {
        throw Object.assign(new Error("no"), { code: "ENOTFOUND" })
      },
    })
    expect((await other.get(`${free.prefix}/`)).text).toContain("refused")
    const unknown = await other.get("/nowhere.example/80/")
    expect(unknown.text).toContain("does not resolve")
    expect(unknown.status).toBe(502)
    await other.close()
  })

  test.each([
    ["", ["script-src 'nonce-abc'"]],
    ["its second one, ", ["img-src 'self'", "script-src 'nonce-abc'"]],
    ["one for all that has no other, ", ["default-src 'nonce-abc'"]],
  ])("--shim puts its script first, under the page's own policy, %s%p", async (_what, policies) => {
    const strict = await testBackend((_, response) => {
      const headers = { "Content-Type": "text/html", "Content-Security-Policy": policies }
      response.writeHead(200, headers).end("<!doctype html><html><head><title>t</title>")
    })
    const other = await testProxy({ allow: [`127.0.0.1:${strict.port}`], shim: true })
    const answer = await other.get(`${strict.prefix}/`)
    expect(answer.text).toBe(
      `<!doctype html><html><head><script src="${strict.prefix}/~microproxy/shim.js" nonce="abc"></script><title>t</title>`,
    )
    expect(answer.headers["content-security-policy"]?.at(-1)).toBe(
      `${policies.at(-1)} ${other.proxy.origin}${strict.prefix}/~microproxy/shim.js`,
    )
    expect((await other.get(`${strict.prefix}/~microproxy/shim.js`)).headers["content-type"]).toEqual([
      "text/javascript; charset=utf-8",
    ])
    await other.close()
    strict.close()
  })
})
