/** A hostile backend in Chromium: whatever its page tries, it learns nothing of another backend, and our cookies stay ours. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { noteSkipped } from "../support/skips.ts"
import { type StartedProxy, startProxyCommand } from "./command.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"
const skipped = !existsSync(executablePath)
if (skipped) noteSkipped("microproxy's backends in a browser: no chromium (Debian: apt install chromium)")

setDefaultTimeout(60_000)

interface Asked {
  method: string
  url: string
  cookie: string
  site: string
  upgrade: boolean
}
interface Node {
  port: number
  asked: Asked[]
  server: http.Server
  /** `/127.0.0.4x/PORT`. */
  prefix: string
}

let hostile: Node
let victim: Node
let proxy: StartedProxy
let browser: Browser
let context: BrowserContext
let page: Page
const secret = "the victim's own words"

beforeAll(async () => {
  if (skipped) return
  hostile = await node("127.0.0.41", hostilePage)
  victim = await node("127.0.0.42", (url) => ({
    body:
      url === "/"
        ? `<!doctype html><title>victim</title><p id=words>${secret}</p><script src=/part.js></script>`
        : secret,
    headers: {
      "Set-Cookie": ["strict=1; Path=/; SameSite=Strict", "lax=1; Path=/; SameSite=Lax", "plain=1; Path=/"],
      "Access-Control-Allow-Origin": "*",
    },
  }))
  const allow = [hostile, victim].flatMap(({ prefix }) => ["--allow", prefix.slice(1).replace("/", ":")])
  proxy = await startProxyCommand(["--no-shim", ...allow])
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  context = await browser.newContext()
  page = await context.newPage()
  await page.goto(`${proxy.origin}/?token=${proxy.token}`)
  await page.goto(`${proxy.origin}${victim.prefix}/`)
  await page.goto(`${proxy.origin}${hostile.prefix}/`)
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await proxy?.stop()
  for (const one of [hostile, victim]) {
    one?.server.closeAllConnections()
    one?.server.close()
  }
})

const nameOf = ({ prefix, port }: Node) =>
  `${prefix.split("/")[1]?.replaceAll(".", "-")}--${port}--${proxy.host}`

describe.skipIf(skipped)("a hostile backend's page", () => {
  test("knows the victim's name, which is no help", () => {
    expect(new URL(page.url()).host).toBe(nameOf(hostile))
  })

  const ways: [what: string, script: string][] = [
    [
      "fetches with credentials",
      `(url) => fetch(url, { credentials: "include" }).then((answer) => answer.text())`,
    ],
    [
      "fetches without cors",
      `(url) => fetch(url, { credentials: "include", mode: "no-cors" }).then((answer) => answer.text())`,
    ],
    [
      "posts by fetch",
      `(url) => fetch(url, { credentials: "include", mode: "no-cors", method: "POST", body: "x" }).then((answer) => answer.text())`,
    ],
    [
      "puts by fetch",
      `(url) => fetch(url, { credentials: "include", method: "PUT", body: "x" }).then((answer) => answer.text())`,
    ],
    [
      "asks by XMLHttpRequest",
      `(url) => new Promise((resolve) => {
      const request = new XMLHttpRequest()
      request.withCredentials = true
      request.onloadend = () => resolve(request.responseText)
      request.open("GET", url)
      request.send()
    })`,
    ],
    [
      "beacons",
      `(url) => navigator.sendBeacon(url, "x") && new Promise((resolve) => setTimeout(resolve, 300))`,
    ],
    [
      "opens an event source",
      `(url) => new Promise((resolve) => {
      const source = new EventSource(url, { withCredentials: true })
      source.onmessage = ({ data }) => resolve(data)
      source.onerror = () => { source.close(); resolve("") }
    })`,
    ],
    [
      "opens a WebSocket",
      `(url) => new Promise((resolve) => {
      const socket = new WebSocket(url.replace("http", "ws"))
      socket.onmessage = ({ data }) => resolve(data)
      socket.onclose = () => resolve("")
    })`,
    ],
    ...["img src", "script src", "embed src", "object data", "video src", "link href"].map(
      (place): [string, string] => {
        const [element, attribute] = place.split(" ")
        return [
          `puts in <${element}>`,
          `(url) => new Promise((resolve) => {
        const element = document.createElement("${element}")
        element.onload = element.onerror = () => resolve("")
        if ("${element}" === "link") element.rel = "stylesheet"
        element.${attribute} = url
        document.body.append(element)
        setTimeout(resolve, 300)
      })`,
        ]
      },
    ),
    [
      "posts by a form into a frame",
      `(url) => new Promise((resolve) => {
      const frame = document.createElement("iframe")
      frame.name = "target"
      document.body.append(frame)
      const form = document.createElement("form")
      Object.assign(form, { action: url, method: "post", target: "target" })
      document.body.append(form)
      form.submit()
      setTimeout(() => { let text = ""; try { text = frame.contentDocument.body.textContent } catch {} frame.remove(); form.remove(); resolve(text) }, 500)
    })`,
    ],
    [
      "asks from a worker",
      `(url) => new Promise((resolve) => {
      const text = "fetch(" + JSON.stringify(url) + ", {credentials: 'include'}).then((a) => a.text()).then(postMessage, () => postMessage(''))"
      const worker = new Worker(URL.createObjectURL(new Blob([text])))
      worker.onmessage = ({ data }) => resolve(data)
    })`,
    ],
    [
      "asks from a service worker",
      `(url) => navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then(({ active }) => new Promise((resolve) => {
      navigator.serviceWorker.onmessage = ({ data }) => resolve(data)
      active.postMessage(url)
    }))`,
    ],
    [
      "asks from a sandboxed frame",
      `(url) => new Promise((resolve) => {
      const frame = document.createElement("iframe")
      frame.sandbox = "allow-scripts allow-forms"
      frame.srcdoc = "<script>fetch(" + JSON.stringify(url) + ",{credentials:'include'}).then((a)=>a.text()).then((t)=>parent.postMessage(t,'*'),()=>parent.postMessage('','*'))</" + "script>"
      onmessage = ({ data }) => { frame.remove(); resolve(data) }
      document.body.append(frame)
    })`,
    ],
  ]
  const places: [what: string, url: (path: string) => string][] = [
    ["the victim's name", (path) => `http://${nameOf(victim)}${path}`],
    ["its own way there", (path) => `http://${nameOf(hostile)}/~microproxy/to${victim.prefix}${path}`],
    ["the proxy's own name", (path) => `${proxy.origin}${victim.prefix}${path}`],
    ["the proxy's other addresses", (path) => `http://127.0.0.1:${proxy.port}${victim.prefix}${path}`],
  ]

  describe.each(places)("at %s", (_, url) => {
    test.each(ways)("%s, and nothing gets there", async (what, script) => {
      const path = `/${what.replace(/\W+/g, "-")}`
      const said = await page
        .evaluate(`(${script})(${JSON.stringify(url(path))})`)
        .catch((error: Error) => error.message)
      expect(String(said)).not.toContain("victim's own")
      expect(victim.asked.filter((asked) => asked.url === path)).toEqual([])
    })
  })

  test("frames and opens the victim, which then shows itself, and cannot be read", async () => {
    const read = await page.evaluate(`(async (url) => {
      const frame = document.createElement("iframe")
      frame.src = url
      const loaded = new Promise((resolve) => { frame.onload = resolve })
      document.body.append(frame)
      await loaded
      const tries = []
      for (const read of [() => frame.contentDocument.body.textContent, () => frame.contentWindow.document.cookie, () => frame.contentWindow.localStorage.length, () => frame.contentWindow.location.href, () => frame.contentWindow.fetch]) {
        try { tries.push(String(read())) } catch (error) { tries.push(error.name) }
      }
      return tries
    })(${JSON.stringify(`/~microproxy/to${victim.prefix}/`)})`)
    expect(read).toEqual(["TypeError", "SecurityError", "SecurityError", "SecurityError", "SecurityError"])
    const frame = page.frames().find((one) => one.url().includes(nameOf(victim)))
    expect(await frame?.locator("#words").textContent()).toBe(secret)
  })

  test("tosses cookies over other names, and none arrives there", async () => {
    await page.evaluate(
      `(names) => {
      for (const domain of names) {
        for (const name of ["tossed", "microproxy", "__Host-microproxy", "__Secure-tossed"]) {
          document.cookie = name + "=evil; Path=/; Domain=" + domain
          document.cookie = name + "=evil; Path=/; Secure; Domain=" + domain
        }
      }
      document.cookie = "__Host-microproxy=evil; Path=/; Secure"
    }`
        .replace(/^/, "(")
        .concat(
          `)(${JSON.stringify(["localhost", ".localhost", proxy.host.split(":")[0], nameOf(victim).split(":")[0]])})`,
        ),
    )
    await page.goto(`http://${nameOf(hostile)}/toss`)
    const visitor = await context.newPage()
    await visitor.goto(`${proxy.origin}/`)
    expect(await visitor.title()).toContain("Backends")
    await visitor.goto(`${proxy.origin}${victim.prefix}/tossed-at`)
    expect(await visitor.locator("body").textContent()).toBe(secret)
    const asked = victim.asked.findLast(({ url }) => url === "/tossed-at")
    expect(asked?.cookie.split("; ").toSorted()).toEqual(["lax=1", "plain=1", "strict=1"])
    await visitor.close()
  })

  test("does not lose its own way in by what it tosses at itself, nor tell the backend our cookie", async () => {
    await page.goto(`${proxy.origin}${hostile.prefix}/`)
    expect(await page.title()).toBe("hostile")
    for (const { cookie } of [...hostile.asked, ...victim.asked]) expect(cookie).not.toContain("microproxy")
  })

  test("shuts only itself out where it makes a second cookie of our name", async () => {
    const fresh = await browser.newContext()
    const tab = await fresh.newPage()
    await tab.goto(`${proxy.origin}${hostile.prefix}/?token=${proxy.token}`)
    await tab.evaluate(
      `document.cookie = "__Host-microproxy=evil; Path=/; Secure; SameSite=None; Partitioned"`,
    )
    await tab.goto(`http://${nameOf(hostile)}/`)
    expect(await tab.title()).toContain("400")
    await tab.goto(`${proxy.origin}${victim.prefix}/`)
    expect(await tab.title()).toBe("victim")
    await fresh.close()
  })

  test("is told neither the secret nor a ticket by what its page can see", async () => {
    const seen =
      await page.evaluate(`(() => JSON.stringify([document.cookie, document.referrer, location.href, history.length,
      performance.getEntries().map(({ name }) => name)]))()`)
    expect(seen).not.toContain(proxy.token)
    expect(seen).not.toMatch(/enter\?|microproxy=/)
  })
})

describe.skipIf(skipped)("one backend's page beside another", () => {
  test("a link brings lax cookies along and no strict one; a second click within the page brings both", async () => {
    const tab = await context.newPage()
    await tab.goto(`${proxy.origin}${hostile.prefix}/`)
    await tab.evaluate(clickTo(`/~microproxy/to${victim.prefix}/by-link`))
    await tab.waitForURL(`http://${nameOf(victim)}/by-link`)
    expect(await tab.locator("body").textContent()).toBe(secret)
    expect(cookiesAt("/by-link")).toEqual(["lax=1", "plain=1"])
    await tab.evaluate(clickTo("/again"))
    await tab.waitForURL("**/again")
    expect(cookiesAt("/again")).toEqual(["lax=1", "plain=1", "strict=1"])
    await tab.close()
  })

  test("a link works where the victim was never seen before, from one page straight to the other", async () => {
    const fresh = await browser.newContext()
    const tab = await fresh.newPage()
    await tab.goto(`${proxy.origin}${hostile.prefix}/?token=${proxy.token}`)
    await tab.evaluate(clickTo(`/~microproxy/to${victim.prefix}/first#part`))
    await tab.waitForURL(`http://${nameOf(victim)}/first#part`)
    expect(await tab.locator("body").textContent()).toBe(secret)
    await fresh.close()
  })

  test("in a frame it works, with cookies, scripts and WebSockets of its own", async () => {
    const fresh = await browser.newContext()
    const tab = await fresh.newPage()
    await tab.goto(`${proxy.origin}${hostile.prefix}/?token=${proxy.token}`)
    await tab.evaluate(frameTo(`/~microproxy/to${victim.prefix}/framed`))
    const frame = await frameAt(tab, `http://${nameOf(victim)}/framed`)
    expect(await frame.evaluate(`fetch("/in-frame").then((answer) => answer.text())`)).toBe(secret)
    expect(cookiesAt("/in-frame")).toEqual(["lax=1", "plain=1", "strict=1"])
    const heard = await frame.evaluate(`new Promise((resolve) => {
      new WebSocket("ws://" + location.host + "/in-frame-socket").onmessage = ({ data }) => resolve(data)
    })`)
    expect(heard).toBe(secret)
    // The page around it has the frame's cookies in its partition, and may not use them.
    const stolen = await tab.evaluate(
      `fetch("http://${nameOf(victim)}/stolen", { credentials: "include", mode: "no-cors" }).then((a) => a.text())`,
    )
    expect(stolen).toBe("")
    expect(victim.asked.some(({ url }) => url === "/stolen")).toBe(false)
    await fresh.close()
  })

  test("an address of the victim that was kept works while the browser has the secret, and from our own page without it", async () => {
    const fresh = await browser.newContext()
    const tab = await fresh.newPage()
    await tab.goto(`http://${nameOf(victim)}/kept`)
    expect(await tab.title()).toContain("401")
    await tab.goto(`${proxy.origin}/?token=${proxy.token}`)
    await tab.goto(`http://${nameOf(victim)}/kept`)
    expect(await tab.locator("body").textContent()).toBe(secret)
    expect(tab.url()).toBe(`http://${nameOf(victim)}/kept`)
    await fresh.close()
  })

  test("what a page stores is its own, and yesterday's name is another", async () => {
    const tab = await context.newPage()
    await tab.goto(`${proxy.origin}${victim.prefix}/`)
    await tab.evaluate(`localStorage.setItem("words", "mine")`)
    await tab.goto(`${proxy.origin}${hostile.prefix}/`)
    expect(await tab.evaluate(`localStorage.getItem("words")`)).toBeNull()
    await tab.close()
  })
})

const clickTo = (url: string) =>
  `(() => { const link = document.createElement("a"); link.href = ${JSON.stringify(url)}; document.body.append(link); link.click() })()`
const frameTo = (url: string) =>
  `(() => { const frame = document.createElement("iframe"); frame.src = ${JSON.stringify(url)}; document.body.append(frame) })()`

async function frameAt(tab: Page, url: string) {
  for (;;) {
    const found = tab.frames().find((one) => one.url() === url)
    if (found) {
      await found.waitForLoadState()
      return found
    }
    await Bun.sleep(20)
  }
}

function cookiesAt(path: string): string[] {
  return (victim.asked.findLast(({ url }) => url === path)?.cookie ?? "").split("; ").toSorted()
}

function hostilePage(url: string): { body: string; headers: http.OutgoingHttpHeaders } {
  if (url === "/sw.js") {
    const body = `onmessage = ({ data, source }) => fetch(data, { credentials: "include" }).then((a) => a.text()).then((t) => source.postMessage(t), () => source.postMessage(""))
      onfetch = (event) => event.respondWith(fetch(event.request))
      oninstall = () => skipWaiting()
      onactivate = (event) => event.waitUntil(clients.claim())`
    return { body, headers: { "Content-Type": "text/javascript" } }
  }
  const names = [proxy.host.split(":")[0], "localhost", nameOf(victim).split(":")[0]]
  const cookies = names.flatMap((domain) => [
    `tossed=evil; Path=/; Domain=${domain}`,
    `microproxy=evil; Path=/; Domain=${domain}`,
    `__Host-microproxy=evil; Path=/; Secure; Domain=${domain}`,
  ])
  return {
    body: "<!doctype html><meta name=referrer content=unsafe-url><title>hostile</title><body>",
    headers: { "Set-Cookie": cookies, "Referrer-Policy": "unsafe-url" },
  }
}

type Answering = (url: string) => { body: string; headers: http.OutgoingHttpHeaders }

async function node(address: string, answering: Answering): Promise<Node> {
  const asked: Asked[] = []
  const note = ({ method = "", url = "", headers }: http.IncomingMessage) =>
    asked.push({
      method,
      url,
      cookie: headers.cookie ?? "",
      site: String(headers["sec-fetch-site"]),
      upgrade: headers.upgrade !== undefined,
    })
  const server = http.createServer((request, response) => {
    note(request)
    const { body, headers } = answering(request.url ?? "")
    response.writeHead(200, { "Content-Type": "text/html", ...headers }).end(body)
  })
  server.on("upgrade", (request, socket) => {
    note(request)
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash("sha1").update(key).digest("base64")
    socket.on("error", () => {})
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.write(Buffer.concat([Buffer.from([0x81, secret.length]), Buffer.from(secret)]))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const { port } = server.address() as AddressInfo
  return { port, asked, server, prefix: `/${address}/${port}` }
}
