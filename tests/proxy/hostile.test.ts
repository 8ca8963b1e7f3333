/** The attack list, second part: the command itself, against a student on the same host and a page of the cluster. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import net from "node:net"
import zlib from "node:zlib"
import { rawBackend, rawRequest } from "./client.ts"
import { type StartedProxy, startProxyCommand } from "./command.ts"

/** What the backend answers next, and what it was asked. */
let reply: (request: string, socket: net.Socket) => string | Buffer | null
const asked: string[] = []
let backend: Awaited<ReturnType<typeof rawBackend>>
let proxy: StartedProxy

beforeAll(async () => {
  backend = await rawBackend((request, socket) => {
    asked.push(request)
    const answer = reply(request, socket)
    if (answer !== null) socket.write(typeof answer === "string" ? Buffer.from(answer, "latin1") : answer)
    return null
  })
  const ranges = ["10.0.0.0/8", "[fd00::]/16", "[2002::]/16", "[64:ff9b::]/32", "[2001::]/32", "[::]/64"]
  const allow = [`127.0.0.1:${backend.port}`, ...ranges].flatMap((one) => ["--allow", one])
  proxy = await startProxyCommand(allow)
})
afterAll(async () => {
  await proxy?.stop()
  backend?.close()
})

const head = () => `Host: ${proxy.host}\r\nCookie: microproxy=${proxy.token}\r\n`
const answers = (start: string, body = "") => {
  reply = (request) => (/ HTTP\/1\.1\r\n/.test(request) ? `${start}\r\n\r\n${body}` : null)
}
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2"
const ask = (method = "GET", more = "", path = "/", ms = 3000) =>
  rawRequest(
    proxy.port,
    `${method} ${backend.prefix}${path} HTTP/1.1\r\n${head()}${more}Connection: close\r\n\r\n`,
    ms,
  )

describe("hosts that allowed ranges would cover, were they read as written", () => {
  test.each([
    ["[64:FF9B::A9FE:A9FE]", 403],
    ["[64:ff9b::169.254.169.254]", 403],
    ["[::169.254.169.254]", 403],
    ["[::ffff:0:a9fe:a9fe]", 403],
    ["[2002:a9fe:a9fe::1]", 403],
    ["[2001:0:a9fe:a9fe::]", 403],
    ["[FD00:EC2:0:0:0:0:0:254]", 403],
    ["0XA9FEA9FE", 403],
    ["0xA9.0xFe.0XA9.254", 403],
    ["025177524776", 403],
    ["169.254.169.254.", 403],
    ["[fe80::1%25eth0]", 400],
    ["[fe80::1%eth0]", 400],
    ["\u00ef\u00bc\u0091\u00ef\u00bc\u0096\u00ef\u00bc\u0099.254.169.254", 400],
    ["%EF%BC%91%EF%BC%96%EF%BC%99.254.169.254", 400],
    ["169\u00e3\u0080\u0082254\u00e3\u0080\u0082169\u00e3\u0080\u0082254", 400],
    ["10.0.0.5@169.254.169.254", 400],
  ])("%s is %i", async (host, status) => {
    expect(
      await rawRequest(proxy.port, `GET /${host}/80/ HTTP/1.1\r\n${head()}Connection: close\r\n\r\n`, 3000),
    ).toStartWith(`HTTP/1.1 ${status} `)
  })
})

describe("requests that two servers could take for different ones", () => {
  const chunked = "Transfer-Encoding: chunked\r\n\r\n"
  test.each([
    ["a chunk size of letters", `${chunked}ZZ\r\nx\r\n0\r\n\r\n`],
    ["a chunk size that overflows", `${chunked}FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n`],
    ["a negative chunk size", `${chunked}-1\r\nx\r\n0\r\n\r\n`],
    ["a prefixed chunk size", `${chunked}0x1\r\nx\r\n0\r\n\r\n`],
    ["chunks that end with line feeds", `${chunked}1\nx\n0\n\n`],
    ["a line feed in a chunk extension", `${chunked}1;a\nx\r\nx\r\n0\r\n\r\n`],
    ["a chunk longer than it says", `${chunked}1\r\nxYY0\r\n\r\n`],
    ["a vertical tab before chunked", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"],
    ["an empty length", "Content-Length: \r\n\r\n"],
    ["a length too large to count", "Content-Length: 99999999999999999999999\r\n\r\nx"],
    ["a length of two words", "Content-Length: 1 1\r\n\r\nx"],
    ["a space in a header's name", "X Y: z\r\n\r\n"],
    ["a line feed before the end", "X: y\n\r\n"],
    ["another Host first", "Host: evil.example\r\n\r\n"],
  ])("%s: 4xx or 501, and nothing of it is answered as a second request", async (_, rest) => {
    answers(ok, "ok")
    const second = `GET ${backend.prefix}/smuggled HTTP/1.1\r\n${head()}\r\n`
    const text = await rawRequest(
      proxy.port,
      `POST ${backend.prefix}/ HTTP/1.1\r\n${head()}${rest}${second}`,
      3000,
    )
    expect(text).toMatch(/^HTTP\/1\.1 (?:4\d\d|501) /)
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    expect(asked.join("")).not.toContain("/smuggled")
  })

  test.each([
    ["an absolute target, even of our own origin", () => `GET ${proxy.origin}${backend.prefix}/ HTTP/1.1`],
    ["OPTIONS *", () => "OPTIONS * HTTP/1.1"],
    ["HTTP/0.9", () => `GET ${backend.prefix}/`],
    ["HTTP/1.2", () => `GET ${backend.prefix}/ HTTP/1.2`],
    ["a tab between the words", () => `GET\t${backend.prefix}/ HTTP/1.1`],
    ["a space in the target", () => `GET ${backend.prefix}/a b HTTP/1.1`],
    ["a method in lower case", () => `get ${backend.prefix}/ HTTP/1.1`],
  ])("%s is 400", async (_, line) => {
    expect(await rawRequest(proxy.port, `${line()}\r\n${head()}Connection: close\r\n\r\n`, 3000)).toStartWith(
      "HTTP/1.1 400 ",
    )
  })

  test("what follows a refused upgrade or body on a connection is no request", async () => {
    answers(ok, "ok")
    const second = `GET ${backend.prefix}/smuggled HTTP/1.1\r\n${head()}\r\n`
    const upgrade = `GET ${backend.prefix}/ HTTP/1.1\r\n${head()}Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
    const body = `POST ${backend.prefix}/ HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 500\r\n\r\n`
    for (const first of [upgrade, body]) {
      expect((await rawRequest(proxy.port, first + second, 3000)).match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    }
    expect(asked.join("")).not.toContain("/smuggled")
  })

  test.each([["POST"], ["PUT"], ["PATCH"], ["PROPFIND"]])(
    "%s without a body has none in chunks",
    async (method) => {
      answers(ok, "ok")
      asked.length = 0
      expect(await ask(method)).toEndWith("\r\n\r\nok")
      expect(asked.join("")).toContain("\r\nContent-Length: 0\r\n")
      expect(asked.join("")).not.toMatch(/transfer-encoding/i)
    },
  )

  test("requests in one write are answered in their order", async () => {
    reply = (request) => {
      const paths = [...request.matchAll(/GET \/(\d) /g)].map(([, path]) => path)
      return paths.map((path) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${path}`).join("")
    }
    const one = (path: number, more = "") => `GET ${backend.prefix}/${path} HTTP/1.1\r\n${head()}${more}\r\n`
    const text = await rawRequest(proxy.port, one(1) + one(2) + one(3, "Connection: close\r\n"), 3000)
    expect([...text.matchAll(/\r\n\r\n(\d)/g)].map(([, path]) => path)).toEqual(["1", "2", "3"])
  })
})

describe("answers that mean harm", () => {
  test("decoded line breaks in a Location or Refresh stay encoded", async () => {
    answers(
      "HTTP/1.1 302 Found\r\nLocation: /x%0d%0aSet-Cookie:%20a=b\r\nRefresh: 0;url=/a%0d%0aX:y\r\nContent-Length: 0",
    )
    const text = await ask()
    expect(text).toContain(`\r\nLocation: ${backend.prefix}/x%0d%0aSet-Cookie:%20a=b\r\n`)
    expect(text).not.toMatch(/\r\n(?:Set-Cookie|X):/i)
  })

  test.each([
    [
      "a header split by a line feed",
      "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: microproxy=x\r\nContent-Length: 0",
    ],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"],
    ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1"],
    ["a coding of transfer we did not ask for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked"],
    ["a status that is none", "HTTP/1.1 099 Odd\r\nContent-Length: 0"],
    ["a control character beside the status", "HTTP/1.1 200 O\x01K\r\nContent-Length: 0"],
    ["the same where there is no body", "HTTP/1.1 304 \x7f\r\nContent-Length: 0"],
    [
      "a switch of protocols unasked",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c",
    ],
  ])("%s is 502", async (_, start) => {
    answers(start)
    const text = await ask()
    expect(text).not.toContain("Set-Cookie")
    expect(text).toStartWith("HTTP/1.1 502 ")
  })

  test.each([
    ["HEAD", "HTTP/1.1 200 OK"],
    ["GET", "HTTP/1.1 204 No Content"],
    ["GET", "HTTP/1.1 304 Not Modified"],
  ])("a body that %s of %s must not have is nobody's answer", async (method, start) => {
    answers(`${start}\r\nContent-Length: 40`, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    expect(await ask(method)).toEndWith("\r\n\r\n")
    answers(ok, "ok")
    for (let i = 0; i < 3; i++) expect(await ask()).toEndWith("\r\n\r\nok")
  })

  test("interim answers do not reach a client that asked for none", async () => {
    const interim =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n"
    answers(interim + ok, "ok")
    const text = await ask()
    expect(text).toStartWith("HTTP/1.1 200 ")
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
  })

  test("trailers are dropped", async () => {
    answers(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
      "2\r\nok\r\n0\r\nSet-Cookie: microproxy=x\r\n\r\n",
    )
    const text = await ask()
    expect(text).toContain("ok")
    expect(text).not.toContain("Set-Cookie")
  })

  test.each([
    ["gzip, gzip", (bytes: Buffer) => zlib.gzipSync(zlib.gzipSync(bytes))],
    ["zstd, zstd", (bytes: Buffer) => zlib.zstdCompressSync(zlib.zstdCompressSync(bytes))],
    ["br, deflate", (bytes: Buffer) => zlib.deflateSync(zlib.brotliCompressSync(bytes, fastBrotli))],
  ])("a bomb in %s is broken off, small in memory", async (coding, compress) => {
    const bomb = compress(Buffer.alloc(200 * 2 ** 20, 97))
    reply = () =>
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: ${coding}\r\nContent-Length: ${bomb.length}\r\n\r\n`,
        ),
        bomb,
      ])
    const text = await ask("GET", "", "/", 20_000)
    expect(text.length).toBeLessThan(8 * 2 ** 20)
    expect(text).not.toEndWith("0\r\n\r\n")
    expect(rssMb()).toBeLessThan(160)
  })

  test("a bomb between two codings, of which nothing comes out, is broken off", async () => {
    const [header, emptyBlock] = [zlib.gzipSync("").subarray(0, 10), Buffer.from([0, 0, 0, 0xff, 0xff])]
    const bomb = zlib.gzipSync(Buffer.concat([header, Buffer.alloc(50 * 2 ** 20, emptyBlock)]))
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip, gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`
    reply = () => Buffer.concat([Buffer.from(head), bomb])
    expect(await ask("GET", "", "/", 20_000)).toContain("times larger than it was sent")
  })

  describe.each(["gzip", "deflate", "br", "zstd", "gzip, br"])("a body of %s", (coding) => {
    const start = (status: string, length: number) =>
      `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Encoding: ${coding}\r\nContent-Length: ${length}`

    test("that is garbage from its first bytes on is 502, with the cause", async () => {
      const garbage = "\xff\xfe<html>".repeat(500)
      answers(start("200 OK", garbage.length), garbage)
      const text = await ask()
      expect(text).toStartWith("HTTP/1.1 502 ")
      expect(text).toContain("its body is not what its Content-Encoding says")
    })

    test("that is empty is an empty answer", async () => {
      answers(start("302 Found\r\nLocation: /x", 0))
      const text = await ask()
      expect(text).toStartWith("HTTP/1.1 302 ")
      expect(text).toEndWith("\r\n\r\n")
      expect(text).toContain("\r\nContent-Length: 0\r\n")
    })
  })

  test("a compressed page that breaks off after it began is no whole answer", async () => {
    const page = zlib.gzipSync(crypto.getRandomValues(Buffer.alloc(60_000)).toString("hex"))
    const half = page.subarray(0, page.length >> 1)
    reply = (_, socket) => {
      socket.end(
        Buffer.concat([
          Buffer.from(
            `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: ${page.length}\r\n\r\n`,
          ),
          half,
        ]),
      )
      return null
    }
    const text = await ask()
    expect(text).toMatch(/^HTTP\/1\.1 (?:502|200) /)
    expect(text).not.toEndWith("0\r\n\r\n")
  })

  test("codings in two headers are both taken off", async () => {
    const twice = zlib.brotliCompressSync(zlib.gzipSync('<a href="/x">'))
    reply = () =>
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: ${twice.length}\r\n\r\n`,
        ),
        twice,
      ])
    expect(await ask()).toContain(`<a href="${backend.prefix}/x">`)
  })

  test("more codings than anybody needs pass as they are", async () => {
    const thrice = zlib.gzipSync(zlib.gzipSync(zlib.gzipSync('<a href="/x">')))
    reply = () =>
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip, gzip, gzip\r\nContent-Length: ${thrice.length}\r\n\r\n`,
        ),
        thrice,
      ])
    const text = await ask()
    expect(text).toContain("Content-Encoding: gzip, gzip, gzip")
    expect(text).toEndWith(thrice.toString("latin1"))
  })

  test("an early answer ends an upload", async () => {
    reply = (request) =>
      request.startsWith("POST") ? "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig" : null
    const socket = net.connect(proxy.port, "127.0.0.1")
    let got = ""
    socket.on("data", (chunk) => {
      got += chunk
    })
    socket.on("error", () => {})
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
    socket.write(`POST ${backend.prefix}/ HTTP/1.1\r\n${head()}Content-Length: 1000000000\r\n\r\n`)
    const upload = setInterval(() => socket.write(Buffer.alloc(65_536)), 5)
    await closed
    clearInterval(upload)
    expect(got).toStartWith("HTTP/1.1 413 ")
  })
})

describe("the secret", () => {
  test("is not told by a Referer, nor to a backend that reflects what it gets", async () => {
    answers(ok, "ok")
    asked.length = 0
    await ask("GET", `Referer: ${proxy.origin}${backend.prefix}/?token=${proxy.token}\r\n`)
    await ask("TRACE", `Cookie: a=b; microproxy=${proxy.token}\r\n`)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.join("")).not.toContain(proxy.token)
  })

  test.each([
    ["beside a wrong one", (token: string) => `?token=x&token=${token}&b`, "?token=x&b"],
    ["twice", (token: string) => `?token=${token}&a&token=${token}`, "?a"],
  ])("leaves the address %s", async (_, query, left) => {
    expect(await ask("GET", "", `/p${query(proxy.token)}`)).toContain(
      `\r\nLocation: ${backend.prefix}/p${left}\r\n`,
    )
  })

  test("goes to no backend, wherever it stands", async () => {
    answers(ok, "ok")
    asked.length = 0
    const { token } = proxy
    for (const path of [`/?x=${token}`, `/?a;token=${token}`, `/${token}`, `/x?TOKEN=${token}`]) {
      expect(await ask("GET", "", path)).toStartWith("HTTP/1.1 400 ")
    }
    for (const header of [`Authorization: Bearer ${token}`, `Cookie: a=${token}`, `X-Y: ${token}`]) {
      expect(await ask("GET", `${header}\r\n`)).toEndWith("\r\n\r\nok")
    }
    expect(asked).toHaveLength(3)
    expect(asked.join("")).not.toContain(token)
  })

  test("counts only by itself and under our exact name: of two cookies somebody else set one", async () => {
    answers(ok, "ok")
    const with_ = (headers: string) =>
      rawRequest(proxy.port, `GET ${backend.prefix}/ HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`, 3000)
    const { host, token } = proxy
    for (const both of [`microproxy=evil; microproxy=${token}`, `microproxy=${token}; microproxy=${token}`]) {
      expect(await with_(`Host: ${host}\r\nCookie: ${both}\r\n`)).toContain(" 400 ")
    }
    for (const headers of [
      `Host: x.${host}\r\nCookie: microproxy=${token}\r\n`,
      `Host: ${host.replace(":", ".:")}\r\nCookie: microproxy=${token}\r\n`,
      `Host: ${host.split(":")[0]}\r\nCookie: microproxy=${token}\r\n`,
      `Host: ${host}\r\nCookie: Microproxy=${token}\r\n`,
      `Host: ${host}\r\nCookie: microproxy="${token}"\r\n`,
      `Host: ${host}\r\nCookie: x_microproxy=${token}\r\n`,
      `Host: ${host}\r\nAuthorization: Bearer ${token}\r\n`,
    ]) {
      expect(await with_(headers)).toMatch(/^HTTP\/1\.1 4(?:01|21) /)
    }
  })

  test("is in no argument list and no environment that others could read", () => {
    for (const file of ["cmdline", "environ"]) {
      expect(readFileSync(`/proc/${proxy.pid}/${file}`, "latin1")).not.toContain(proxy.token)
    }
  })
})

describe("taking what there is", () => {
  test("clients that go away, and thousands that only connect, leave nothing behind", async () => {
    reply = () => `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n<a href=/x>`
    const before = descriptors()
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 150 }, (_, i) => goAway(i % 20)))
    }
    answers(ok, "ok")
    const idle: net.Socket[] = []
    for (let round = 0; round < 8; round++) {
      const more = await Promise.all(Array.from({ length: 200 }, connected))
      idle.push(...more)
      // It accepts in turn: once this is answered, its queue in the kernel has room for the next 200.
      expect(await ask("GET", "", "/", 20_000)).toEndWith("ok")
    }
    // Some 512 that never said a word wait in the kernel.
    expect(descriptors()).toBeGreaterThan(1000)
    for (const socket of idle) socket.destroy()
    // Past those 512 the kernel sends SYN cookies, and by the cookie a late ACK of a connection that both sides have closed
    // opens it again, with nobody at its other end. Such the proxy can only end as it ends the silent, within 15 s.
    await until(() => descriptors() <= before + 5, 30_000)
    expect(rssMb()).toBeLessThan(160)
  })

  test.each([
    ["before its backend answers", null],
    ["after its backend refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nno"],
  ])("a WebSocket's client that goes away %s ends the backend's connection too", async (_, answer) => {
    const reached = Promise.withResolvers<net.Socket>()
    reply = (_, socket) => {
      reached.resolve(socket)
      return answer
    }
    const client = await connected()
    const upgrade = `Origin: ${proxy.origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
    client.write(`GET ${backend.prefix}/ HTTP/1.1\r\n${head()}${upgrade}\r\n`)
    const behind = await reached.promise
    if (answer) await new Promise((resolve) => client.once("data", resolve))
    const closed = new Promise((resolve) => behind.once("close", resolve))
    client.destroy()
    await closed
  })

  test("it ends at once when told to, with a WebSocket and a stream open", async () => {
    reply = (request) =>
      request.includes("Upgrade: websocket")
        ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        : "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    const other = await startProxyCommand(["--allow", `127.0.0.1:${backend.port}`])
    const start = `GET ${backend.prefix}/ HTTP/1.1\r\nHost: ${other.host}\r\nCookie: microproxy=${other.token}\r\n`
    const upgrade = `Origin: ${other.origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
    for (const more of ["", upgrade]) {
      const socket = net.connect(other.port, "127.0.0.1").on("error", () => {})
      socket.write(`${start}${more}\r\n`)
      await new Promise((resolve) => socket.once("data", resolve))
    }
    await other.stop()
    expect(await other.child.exited).toBe(0)
  })
})

const fastBrotli = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }
const descriptors = () => readdirSync(`/proc/${proxy.pid}/fd`).length
const rssMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.pid}/status`, "utf8"))?.[1]) / 1024

/** A client that asks and goes away after so many milliseconds. */
function goAway(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(proxy.port, "127.0.0.1")
    socket.on("error", () => {})
    socket.on("close", () => resolve())
    socket.write(`GET ${backend.prefix}/ HTTP/1.1\r\n${head()}\r\n`)
    setTimeout(() => socket.destroy(), ms)
  })
}

function connected(): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(proxy.port, "127.0.0.1", () => resolve(socket))
    socket.on("error", reject)
  })
}

async function until(holds: () => boolean, ms: number): Promise<void> {
  const deadline = Date.now() + ms
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it does not come to hold")
    await Bun.sleep(20)
  }
}
