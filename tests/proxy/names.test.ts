/** Backends under host names of their own: who gets in, what passes between them, and what their answers become. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { utcMsOf } from "../../lib/base/time.ts"
import { parseAllow } from "../../lib/decisions/proxy/allowed.ts"
import { directDial } from "../../lib/operations/proxy/dial.ts"
import { startProxy } from "../../lib/operations/proxy/start.ts"
import {
  type Backend,
  type NamedSite,
  navigation,
  rawRequest,
  type TestProxy,
  testBackend,
  testProxy,
} from "./client.ts"

let a: Backend
let b: Backend
let proxy: TestProxy
let site: NamedSite
let answer: { headers: Record<string, string | string[]>; body: string } = { headers: {}, body: "" }

beforeAll(async () => {
  a = await testBackend((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html", ...answer.headers }).end(answer.body)
  })
  b = await testBackend((_, response) => response.end("b"))
  const allow = [
    `127.0.0.1:${a.port}`,
    `127.0.0.1:${b.port}`,
    `localhost:${b.port}`,
    "10.0.0.0/24",
    "[fd00::5]:8042",
  ]
  proxy = await testProxy({ allow })
  site = await proxy.named(a.prefix)
})
afterAll(async () => {
  await proxy.close()
  a.close()
  b.close()
})

const label = (port: number) => `127-0-0-1--${port}--${proxy.host}`
const pageOf = async (body: string, headers: Record<string, string> = {}) => {
  answer = { headers, body }
  return site.get("/dir/page")
}

describe("the way in", () => {
  test("a navigation by path is redirected to the backend's own name, and there to the path it asked for", async () => {
    const handedOver = await proxy.get(`${a.prefix}/x/%2e%2e/y?q=%20`, navigation)
    expect(handedOver.status).toBe(303)
    const entrance = new URL(handedOver.headers.location?.[0] ?? "")
    expect(entrance.host).toBe(label(a.port))
    const before = a.requests.length
    const entered = await proxy.get(entrance.pathname + entrance.search, { Host: entrance.host, Cookie: "" })
    expect(entered.status).toBe(303)
    expect(entered.headers.location).toEqual(["/x/%2e%2e/y?q=%20"])
    expect(entered.headers["set-cookie"]).toEqual([
      expect.stringMatching(/^__Host-microproxy=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
    ])
    expect(entered.headers["cache-control"]).toEqual(["no-store"])
    expect(a.requests.length).toBe(before)
  })

  test("whatever else asks by path is answered in place", async () => {
    answer = { headers: {}, body: '<a href="/x">' }
    expect((await proxy.get(`${a.prefix}/`)).text).toBe(`<a href="${a.prefix}/x">`)
    const read = await proxy.get(`${a.prefix}/`, {
      "Sec-Fetch-Mode": "cors",
      "Sec-Fetch-Site": "same-origin",
    })
    expect(read.text).toBe(`<a href="${a.prefix}/x">`)
  })

  test("a page of a backend is never shown under the proxy's own name, whatever the method", async () => {
    for (const method of ["POST", "PUT", "HEAD", "OPTIONS"]) {
      const answer = await proxy.send(method, `${a.prefix}/`, { ...navigation, Origin: proxy.proxy.origin })
      expect(`${method} ${answer.status}`).toBe(`${method} 403`)
    }
  })

  const entranceOf = async (rest = "/") => {
    const { headers } = await proxy.get(a.prefix + rest, navigation)
    return new URL(headers.location?.[0] ?? "")
  }
  const enter = ({ pathname, search }: URL, host: string, headers = {}) =>
    proxy.get(pathname + search, { Host: host, Cookie: undefined, ...headers } as never)

  test("a ticket is good once", async () => {
    const entrance = await entranceOf()
    expect((await enter(entrance, label(a.port))).status).toBe(303)
    const again = await enter(entrance, label(a.port))
    expect(again.status).toBe(403)
    expect(again.headers["set-cookie"]).toBeUndefined()
  })

  test("a ticket is good for its own name only, and used up by any other", async () => {
    const entrance = await entranceOf()
    expect((await enter(entrance, label(b.port))).status).toBe(403)
    expect((await enter(entrance, label(a.port))).status).toBe(403)
  })

  test("a ticket is used up where a page of another origin asks with it", async () => {
    const entrance = await entranceOf()
    const foreign = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" }
    expect((await enter(entrance, label(a.port), foreign)).headers["set-cookie"]).toBeUndefined()
  })

  test("a ticket is good for a minute", async () => {
    let now = 1_000_000
    const running = await startProxy(
      { dial: directDial(), log: () => {}, now: () => utcMsOf(now) },
      {
        listen: { address: "127.0.0.1", port: 0 },
        token: "t".repeat(32),
        allow: [parseAllow(`127.0.0.1:${a.port}`)],
        legacyHosts: false,
        defaultSite: null,
        shim: false,
        tls: { ca: null, insecure: false },
      },
    )
    const { host } = new URL(running.origin)
    const cookie = `Cookie: microproxy=${"t".repeat(32)}\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n`
    for (const [afterMs, status] of [
      [59_999, 303],
      [60_000, 403],
    ] as const) {
      const handedOver = await rawRequest(
        running.port,
        `GET ${a.prefix}/ HTTP/1.1\r\nHost: ${host}\r\n${cookie}`,
        5000,
      )
      const entrance = new URL(/^location: (.*)$/im.exec(handedOver)?.[1] ?? "")
      now += afterMs
      const head = `GET ${entrance.pathname}${entrance.search} HTTP/1.1\r\nHost: ${entrance.host}\r\nConnection: close\r\n\r\n`
      expect(await rawRequest(running.port, head, 5000)).toStartWith(`HTTP/1.1 ${status} `)
    }
    await running.close()
  })

  test("what a ticket leads to is a path of that name", async () => {
    for (const rest of ["//evil.example/", "/\\evil.example/"]) {
      const entered = await enter(await entranceOf(rest), label(a.port))
      expect(new URL(entered.headers.location?.[0] ?? "", site.origin).origin).toBe(site.origin)
    }
  })

  test("no ticket, token or cookie of ours is in the log or goes to a backend", async () => {
    const entrance = await entranceOf("/secretly")
    await enter(entrance, label(a.port))
    await site.get("/seen", {
      Referer: `${site.origin}${entrance.pathname}${entrance.search}`,
      Cookie: `${site.cookie}; own=1`,
    })
    const told = JSON.stringify([proxy.log, a.requests])
    expect(told).toContain("/seen")
    const ticket = entrance.search.slice(1)
    for (const secret of [ticket, proxy.token, site.cookie.split("=")[1] ?? "?"])
      expect(told).not.toContain(secret)
    expect(a.requests.at(-1)?.headers.cookie).toBe("own=1")
  })

  test("each name has a secret of its own, and none is another's or the proxy's", async () => {
    const other = await proxy.named(b.prefix)
    expect(other.cookie).not.toBe(site.cookie)
    for (const cookie of [
      other.cookie,
      `__Host-microproxy=${proxy.token}`,
      `microproxy=${proxy.token}`,
      "",
    ]) {
      expect((await site.get("/", { Cookie: cookie })).status).toBe(401)
    }
    expect((await proxy.get("/", { Cookie: site.cookie })).status).toBe(401)
    expect((await proxy.get("/", { Cookie: `microproxy=${site.cookie.split("=")[1]}` })).status).toBe(401)
  })

  test("two cookies of ours in one request are refused, in whatever order", async () => {
    for (const more of ["__Host-microproxy=x", site.cookie]) {
      for (const both of [`${more}; ${site.cookie}`, `${site.cookie}; ${more}`]) {
        const before = a.requests.length
        expect((await site.get("/", { Cookie: both })).status).toBe(400)
        expect(a.requests.length).toBe(before)
      }
    }
  })

  test("a navigation without the secret is sent for one; a browser that keeps no cookie is not sent for ever", async () => {
    const without = { ...navigation, Cookie: undefined, "Sec-Fetch-Site": "none" }
    const host = label(b.port)
    const statuses: number[] = []
    for (let i = 0; i < 7; i++) {
      const { status, headers } = await proxy.get("/p?q", { Host: host, ...without } as never)
      statuses.push(status)
      if (status === 303) expect(headers.location).toEqual([`${proxy.proxy.origin}${b.prefix}/p?q`])
    }
    expect(statuses).toEqual([303, 303, 303, 303, 303, 401, 401])
  })
})

describe("the name", () => {
  test.each([
    ["in capitals", (host: string) => host.toUpperCase(), 200],
    ["with a trailing dot", (host: string) => host.replace(".localhost", ".localhost."), 421],
    ["of another port of ours", (host: string) => host.replace(/:\d+$/, ":1"), 421],
    ["without a port", (host: string) => host.replace(/:\d+$/, ""), 421],
    ["of yesterday", (host: string) => host.replace(/mp-\w+/, "mp-abcdefghijklm"), 421],
    ["in decimal", (host: string) => host.replace("127-0-0-1", "2130706433"), 400],
    ["in octal", (host: string) => host.replace("127-0-0-1", "0177-0-0-1"), 400],
    ["in hexadecimal", (host: string) => host.replace("127-0-0-1", "0x7f000001"), 400],
    ["with a label before it", (host: string) => `x.${host}`, 400],
    ["with userinfo", (host: string) => `x@${host}`, 400],
    ["with port 0", (host: string) => host.replace(/--\d+--/, "--0--"), 400],
    ["with a leading zero", (host: string) => host.replace(/--(\d+)--/, "--0$1--"), 400],
    ["that starts with xn--", (host: string) => `xn--${host}`, 400],
    ["of a host that is not allowed", (host: string) => host.replace("127-0-0-1", "127-0-0-2"), 401],
  ])("%s", async (_, spelled, status) => {
    expect((await site.get("/", { Host: spelled(site.host) })).status).toBe(status)
  })

  test.each([
    ["169-254-169-254--80"],
    ["6-fd00-ec2--254--80"],
    ["0-0-0-0--80"],
    ["10-0-1-7--80"],
    ["evil--80"],
  ])("no ticket leads to %s, which is not allowed", async (name) => {
    const [host = "", port] = name.split("--")
    const target = host.startsWith("6-") ? "[fd00:ec2::254]" : host.replaceAll("-", ".")
    expect((await proxy.get(`/${target}/${port ?? 80}/`, navigation)).status).toBe(403)
    const crossing = await site.get(`/~microproxy/to/${target}/80/`, navigation)
    expect(crossing.status).toBe(403)
  })

  test("a backend that is no longer allowed is refused under its name, too, and its address is judged when it is dialled", async () => {
    let nodes = ["127.0.0.1", "node.example"]
    let resolved = ["127.0.0.1"]
    let now = 0
    const running = await startProxy(
      {
        dial: directDial(async () => resolved),
        log: () => {},
        now: () => utcMsOf(now),
        nodes: async () => nodes,
      },
      {
        listen: { address: "127.0.0.1", port: 0 },
        token: "t".repeat(32),
        allow: [],
        legacyHosts: false,
        defaultSite: null,
        shim: false,
        tls: { ca: null, insecure: false },
      },
    )
    const { host } = new URL(running.origin)
    const ask = (at: string, path: string, cookie: string) =>
      rawRequest(
        running.port,
        `GET ${path} HTTP/1.1\r\nHost: ${at}\r\nCookie: ${cookie}\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n`,
        5000,
      )
    const entrance = new URL(
      /^location: (.*)$/im.exec(
        await ask(host, `/node.example/${a.port}/`, `microproxy=${"t".repeat(32)}`),
      )?.[1] ?? "",
    )
    const cookie = /^set-cookie: ([^;]*)/im.exec(
      await ask(entrance.host, entrance.pathname + entrance.search, ""),
    )?.[1]
    expect(await ask(entrance.host, "/", cookie ?? "")).toStartWith("HTTP/1.1 200 ")
    resolved = ["127.0.0.1", "169.254.169.254"]
    expect(await ask(entrance.host, "/fresh", cookie ?? "")).toMatch(/^HTTP\/1\.1 (?:200|403) /)
    nodes = ["127.0.0.1"]
    now += 30_000
    await ask(entrance.host, "/", cookie ?? "")
    await Bun.sleep(20)
    expect(await ask(entrance.host, "/", cookie ?? "")).toStartWith("HTTP/1.1 403 ")
    await running.close()
  })

  test("the random part is new at each start", async () => {
    const second = await testProxy({})
    expect(second.host).not.toBe(proxy.host)
    expect(second.host).toMatch(/^mp-[a-z2-7]{13}\.localhost:\d+$/)
    await second.close()
  })
})

describe("between backends", () => {
  const foreign = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
  }
  test.each([
    ["a link", {}, 200],
    ["a frame", { "Sec-Fetch-Dest": "iframe" }, 200],
    ["an object", { "Sec-Fetch-Dest": "object" }, 403],
    ["a fetch", { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" }, 403],
    ["an image", { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" }, 403],
    ["a form's Origin", { Origin: "http://evil.example" }, 403],
    ["a sandbox", { Origin: "null" }, 403],
  ])("%s from another origin, with the cookie", async (_, headers, status) => {
    const before = a.requests.length
    expect((await site.get("/", { ...foreign, ...headers })).status).toBe(status)
    expect(a.requests.length - before).toBe(status === 200 ? 1 : 0)
  })

  test.each([["POST"], ["PUT"], ["DELETE"], ["OPTIONS"], ["HEAD"], ["PROPFIND"]])(
    "%s from another origin is refused, with or without Origin",
    async (method) => {
      for (const origin of [undefined, `http://${label(b.port)}`, "null", proxy.proxy.origin]) {
        const headers = { ...foreign, Host: site.host, Cookie: site.cookie, Origin: origin }
        expect((await proxy.send(method, "/", headers)).status).toBe(403)
      }
    },
  )

  test.each([["http://evil.example"], ["null"], ["lobby"], ["other"], [""]])(
    "a WebSocket whose Origin is %p is refused",
    async (text) => {
      const origin =
        text === "lobby" ? proxy.proxy.origin : text === "other" ? `http://${label(b.port)}` : text
      const answer = await proxy.raw(
        `GET /ws HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\nOrigin: ${origin}\r\n` +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      )
      expect(answer).toStartWith("HTTP/1.1 403 ")
    },
  )

  test("links to another backend lead to it by a redirect; nothing but a link or frame may follow it", async () => {
    const path = `/~microproxy/to${b.prefix}/x?y`
    const crossed = await site.get(path, navigation)
    expect(crossed.status).toBe(303)
    expect(new URL(crossed.headers.location?.[0] ?? "").host).toBe(label(b.port))
    for (const headers of [
      {},
      { ...navigation, "Sec-Fetch-Mode": "cors" },
      { ...navigation, "Sec-Fetch-Mode": "no-cors" },
    ]) {
      expect((await site.get(path, headers)).status).toBe(403)
    }
    expect(
      (
        await proxy.send("POST", path, {
          ...navigation,
          Host: site.host,
          Cookie: site.cookie,
          Origin: site.origin,
        })
      ).status,
    ).toBe(403)
  })
})

describe("what a page becomes", () => {
  test("its own paths stay, its own address becomes a path, others cross, its localhost is its node", async () => {
    const self = `127.0.0.1:${a.port}`
    const page = await pageOf(
      `<a href="/x"><a href="../../../y"><a href="http://${self}/z"><a href="http://${self}"><a href="http://10.0.0.8:8042/n">` +
        `<a href="//localhost:${a.port}/s"><a href="http://0.0.0.0:${a.port}/s"><a href="http://[::1]:${a.port}/s">` +
        `<a href="http://127.0.1.1:1/s"><a href="https://www.example.org/">`,
    )
    expect([...page.text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([
      "/x",
      "../../../y",
      "/z",
      "/",
      "/~microproxy/to/10.0.0.8/8042/n",
      "/s",
      "/s",
      "/s",
      // Not allowed, and refused here, rather than shown from the reader's own machine.
      "/~microproxy/to/127.0.0.1/1/s",
      "https://www.example.org/",
    ])
    expect((await site.get("/~microproxy/to/127.0.0.1/1/s", navigation)).status).toBe(403)
    expect((await site.get(`/~microproxy/to/127.0.0.1/${proxy.proxy.port}/`, navigation)).status).toBe(403)
  })

  test("headers name the same places", async () => {
    const { headers } = await pageOf("", {
      Location: `http://localhost:${a.port}/l`,
      Refresh: "1; url=http://10.0.0.8:8042/r",
      "Content-Security-Policy": `frame-src http://10.0.0.8:8042 http://127.0.0.1:${a.port}; frame-ancestors http://10.0.0.8:8042`,
      "Referrer-Policy": "unsafe-url",
    })
    expect(headers.location).toEqual(["/l"])
    expect(headers.refresh).toEqual(["1; url=/~microproxy/to/10.0.0.8/8042/r"])
    const there = `http://10-0-0-8--8042--${proxy.host}`
    expect(headers["content-security-policy"]).toEqual([
      `frame-src ${site.origin}/~microproxy/to/10.0.0.8/8042/ ${there} ${site.origin}/; frame-ancestors http://10.0.0.8:8042 ${there}`,
    ])
    expect(headers["referrer-policy"]).toEqual(["same-origin"])
  })

  test("cookies lose Domain and nothing else, and none is ours", async () => {
    answer = {
      body: "",
      headers: {
        "Set-Cookie": [
          "a=1; Path=/x; Domain=localhost; HttpOnly",
          "__Host-b=2; Path=/; Secure",
          "__Host-microproxy=evil; Path=/; Secure",
          "microproxy=evil",
          "=__Host-microproxy=evil",
          "c=3;domain = .localhost; SameSite=None; Secure; Partitioned",
        ],
      },
    }
    expect((await site.get("/")).headers["set-cookie"]).toEqual([
      "a=1; Path=/x; HttpOnly",
      "__Host-b=2; Path=/; Secure",
      "c=3; SameSite=None; Secure; Partitioned",
    ])
    await site.get("/", { Cookie: `${site.cookie}; ~Host-x=1; __Host-b=2` })
    expect(a.requests.at(-1)?.headers.cookie).toBe("~Host-x=1; __Host-b=2")
  })

  test("the backend learns its own origin and the name it is shown under, and no prefix", async () => {
    await site.get("/", { Origin: site.origin, Referer: `${site.origin}/p?q` })
    expect(a.requests.at(-1)?.headers).toMatchObject({
      host: `127.0.0.1:${a.port}`,
      origin: `http://127.0.0.1:${a.port}`,
      referer: `http://127.0.0.1:${a.port}/p?q`,
      "x-forwarded-host": site.host,
    })
    expect(a.requests.at(-1)?.headers["x-forwarded-prefix"]).toBeUndefined()
  })

  test.each([
    ['<meta name="referrer" content="unsafe-url">', '<meta name="referrer" content="same-origin">'],
    ["<meta content=always name=Referrer>", "<meta content=same-origin name=Referrer>"],
    ['<a referrerpolicy="no-referrer" href="/">', '<a referrerpolicy="same-origin" href="/">'],
    ["<img referrerPolicy=origin src=x>", "<img referrerPolicy=same-origin src=x>"],
    ['<a rel="nofollow noreferrer" href="/">', '<a rel="nofollow noopener" href="/">'],
    ["<form rel=NoReferrer>", "<form rel=noopener>"],
    ['<a rel="nofollow" href="/">', '<a rel="nofollow" href="/">'],
    ['<link rel="stylesheet" href="x">', '<link rel="stylesheet" href="x">'],
    ['<p rel="noreferrer">', '<p rel="noreferrer">'],
  ])("referrer policies are ours: %s", async (html, wanted) => {
    expect((await pageOf(html)).text).toBe(wanted)
    expect((await proxy.get(`${a.prefix}/`)).text.replaceAll(a.prefix, "")).toBe(wanted)
  })
})

describe("paths that name no backend", () => {
  const target = () => ({ scheme: "http", host: "127.0.0.1", port: b.port }) as const
  const upgrade = (at: TestProxy, path = "/api/kernels") =>
    at.raw(
      `GET ${path} HTTP/1.1\r\nHost: ${at.host}\r\nCookie: microproxy=${at.token}\r\nOrigin: ${at.proxy.origin}\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      500,
    )
  const lastAsked = (backend: Backend) => backend.requests.at(-1)?.line

  test("a WebSocket goes to the backend whose page was shown last, not to the default site", async () => {
    const both = [`127.0.0.1:${a.port}`, `127.0.0.1:${b.port}`]
    const other = await testProxy({ allow: both, byPath: true, defaultSite: { target: target(), rest: "/" } })
    answer = { headers: {}, body: "<!doctype html>" }
    await upgrade(other, "/default")
    expect(lastAsked(b)).toBe("GET /default")
    await other.get(`${a.prefix}/page`, navigation)
    await upgrade(other)
    expect(lastAsked(a)).toBe("GET /api/kernels")
    await other.close()
  })

  test("a WebSocket goes to the only backend; of two nobody knows which", async () => {
    const only = await testProxy({ allow: [`127.0.0.1:${a.port}`], byPath: true })
    await upgrade(only, "/only")
    expect(lastAsked(a)).toBe("GET /only")
    await only.close()
    const two = await testProxy({ allow: [`127.0.0.1:${a.port}`, `127.0.0.1:${b.port}`], byPath: true })
    expect(await upgrade(two)).toStartWith("HTTP/1.1 404 ")
    await two.close()
  })

  test.each([
    ["an image", { "Sec-Fetch-Dest": "image" }, 404],
    ["a script without Sec-Fetch", { "Accept-Language": "en", Accept: "*/*" }, 404],
    ["a page", { "Sec-Fetch-Dest": "document" }, 307],
    ["a page without Sec-Fetch", { "Accept-Language": "en", Accept: "text/html,*/*;q=0.8" }, 307],
    ["a program", { Accept: "*/*" }, 307],
  ])("%s whose page is unknown", async (_, headers, status) => {
    const other = await testProxy({
      allow: [`127.0.0.1:${b.port}`],
      defaultSite: { target: target(), rest: "/" },
    })
    expect((await other.get("/x.png", headers)).status).toBe(status)
    await other.close()
  })
})

describe("the script in pages", () => {
  const tag = /<script src="[^"]*\/~microproxy\/shim\.js"/
  const withShim = async (
    body: string,
    request: Record<string, string>,
    headers: Record<string, string> = {},
  ) => {
    const other = await testProxy({ allow: [`127.0.0.1:${a.port}`], shim: true })
    answer = { headers, body }
    const { text } = await other.get(`${a.prefix}/`, request)
    await other.close()
    return text
  }
  const fragment = '<p>part</p><a href="/x">'
  const page = '<!doctype html><p>whole<a href="/x">'

  test.each<
    [
      what: string,
      body: string,
      dest: string | null,
      headers: Record<string, string>,
      shim: boolean,
      links: boolean,
    ]
  >([
    ["a page", page, "iframe", {}, true, true],
    ["a page without a doctype", fragment, "iframe", {}, true, true],
    ["a fragment", fragment, "empty", {}, false, true],
    ["a page that a script reads", page, "empty", {}, false, true],
    ["JSON that is called HTML", '{"html":"<a href=\\"/x\\">"}', "empty", {}, false, false],
    ["JSON without Sec-Fetch", '\n [{"html":"<a href=/x>"}]', null, {}, false, false],
    ["a page without Sec-Fetch", page, null, {}, true, true],
    ["a page without a doctype or Sec-Fetch", "<title>t</title><a href=/x>", null, {}, true, true],
    ["a fragment without Sec-Fetch", fragment, null, {}, false, true],
    ["a script that is called HTML", 'document.write("<a href=/x>")', "script", {}, false, false],
    ["a download", page, "iframe", { "Content-Disposition": "attachment; filename=a.html" }, false, false],
    [
      "a page with a file name",
      page,
      "iframe",
      { "Content-Disposition": "inline; filename=a.html" },
      true,
      true,
    ],
  ])("%s", async (_, body, dest, headers, shim, links) => {
    // An iframe that is not a navigation stands for documents here, which would be redirected to their own name.
    const text = await withShim(body, dest === null ? {} : { "Sec-Fetch-Dest": dest }, headers)
    expect(tag.test(text)).toBe(shim)
    expect(text.includes(`${a.prefix}/x`)).toBe(links)
    if (!shim && !links) expect(text).toBe(body)
  })
})
