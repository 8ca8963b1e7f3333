/** Every place where a page's script can put a URL, in Chromium: each leads through the proxy to the node that is meant. */
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
if (skipped) noteSkipped("microproxy's script in a browser: no chromium (Debian: apt install chromium)")

setDefaultTimeout(60_000)

interface Node {
  authority: string
  asked: string[]
  server: http.Server
}

let a: Node
let b: Node
let browser: Browser

beforeAll(async () => {
  if (skipped) return
  a = await node("127.0.0.41")
  b = await node("127.0.0.42")
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
}, 60_000)
afterAll(async () => {
  await browser?.close()
  for (const one of [a, b]) {
    one?.server.closeAllConnections()
    one?.server.close()
  }
})

/** What a script does with a URL. */
type Sink = [what: string, script: string]

const element = (name: string, set: string): Sink => [
  `${name} ${set}`,
  `(url) => { const element = document.createElement("${name}"); element.${set}; document.body.append(element) }`,
]
const html = (what: string, put: string): Sink => [
  what,
  `(url) => { const html = '<img src="' + url + '">'; ${put} }`,
]

/** What loads at once. */
const loads: Sink[] = [
  ["fetch", "(url) => { fetch(url) }"],
  ["fetch of a Request", `(url) => { fetch(new Request(url, { method: "POST", body: "x" })) }`],
  [
    "XMLHttpRequest",
    `(url) => { const request = new XMLHttpRequest(); request.open("GET", url); request.send() }`,
  ],
  ["sendBeacon", "(url) => { navigator.sendBeacon(url) }"],
  ["EventSource", "(url) => { new EventSource(url) }"],
  ["WebSocket", `(url) => { new WebSocket(url.replace("http", "ws")) }`],
  ["Image", "(url) => { new Image().src = url }"],
  ["Audio", "(url) => { new Audio(url).load() }"],
  ["Worker", "(url) => { try { new Worker(url) } catch {} }"],
  element("img", "src = url"),
  element("img", `srcset = url + " 1x"`),
  element("img", `setAttribute("src", url)`),
  element("script", "src = url"),
  element("script", `setAttribute("src", url)`),
  element("iframe", "src = url"),
  element("iframe", `setAttribute("src", url)`),
  element("iframe", `srcdoc = '<img src="' + url + '">'`),
  element("video", "src = url"),
  element("video", "poster = url"),
  element("audio", "src = url"),
  element("embed", "src = url"),
  element("object", "data = url"),
  element("input", `type = "image"; element.src = url`),
  element("link", `rel = "stylesheet"; element.href = url`),
  element("div", `style.backgroundImage = "url(" + url + ")"; element.textContent = "x"`),
  element("div", `setAttribute("style", "background: url('" + url + "')"); element.textContent = "x"`),
  [
    "an image of SVG",
    `(url) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image")
    image.setAttribute("href", url)
    svg.append(image)
    document.body.append(svg)
  }`,
  ],
  [
    "an image of SVG by xlink",
    `(url) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image")
    image.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", url)
    svg.append(image)
    document.body.append(svg)
  }`,
  ],
  html("innerHTML", "document.body.innerHTML = html"),
  html("innerHTML of nothing shown", `document.createElement("div").innerHTML = html`),
  html(
    "outerHTML",
    `const div = document.createElement("div"); document.body.append(div); div.outerHTML = html`,
  ),
  html("insertAdjacentHTML", `document.body.insertAdjacentHTML("beforeend", html)`),
  html(
    "createContextualFragment",
    "document.body.append(document.createRange().createContextualFragment(html))",
  ),
  html("document.write", "document.write(html)"),
  html(
    "a template's innerHTML",
    `const t = document.createElement("template"); t.innerHTML = html; document.body.append(t.content.cloneNode(true))`,
  ),
  html(
    "innerHTML of a shadow tree",
    `const host = document.createElement("div"); document.body.append(host); host.attachShadow({ mode: "closed" }).innerHTML = html`,
  ),
  [
    "a style in a shadow tree",
    `(url) => {
    const host = document.createElement("div")
    document.body.append(host)
    const inside = document.createElement("p")
    inside.textContent = "x"
    host.attachShadow({ mode: "closed" }).append(inside)
    inside.style.backgroundImage = "url(" + url + ")"
  }`,
  ],
  [
    "fetch in a worker made of text",
    `(url) => {
    const text = new Blob(["fetch(" + JSON.stringify(url) + ")"], { type: "text/javascript" })
    const at = URL.createObjectURL(text)
    new Worker(at)
    URL.revokeObjectURL(at)
  }`,
  ],
  [
    "WebSocket in a worker made of text",
    `(url) => {
    new Worker(URL.createObjectURL(new Blob(["new WebSocket(" + JSON.stringify(url.replace("http", "ws")) + ")"])))
  }`,
  ],
  [
    "fetch in a module worker made of text",
    `(url) => {
    const text = new Blob(["fetch(" + JSON.stringify(url) + ")"], { type: "text/javascript" })
    new Worker(URL.createObjectURL(text), { type: "module" })
  }`,
  ],
  [
    "importScripts in a worker made of text",
    `(url) => {
    new Worker(URL.createObjectURL(new Blob(["importScripts(" + JSON.stringify(url) + ")"])))
  }`,
  ],
]

const link = (what: string, put: string): Sink => [
  what,
  `(url) => { const link = document.createElement("a"); link.href = url; link.textContent = "x"; ${put} }`,
]
const form = (what: string, put: string): Sink => [
  what,
  `(url) => { const form = document.createElement("form"); form.action = url; document.body.append(form); ${put} }`,
]

/** What leads the window elsewhere. */
const navigations: Sink[] = [
  ["location =", "(url) => { location = url }"],
  ["location.href", "(url) => { location.href = url }"],
  ["location.assign", "(url) => { location.assign(url) }"],
  ["location.replace", "(url) => { location.replace(url) }"],
  ["document.location", "(url) => { document.location = url }"],
  ["window.open in the same window", `(url) => { open(url, "_self") }`],
  ["navigation.navigate", "(url) => { navigation.navigate(url) }"],
  link("a link", "document.body.append(link); link.click()"),
  link(
    "a link in an open shadow tree",
    `const host = document.createElement("div"); document.body.append(host); host.attachShadow({ mode: "open" }).append(link); link.click()`,
  ),
  link(
    "a link in a closed shadow tree",
    `const host = document.createElement("div"); document.body.append(host); host.attachShadow({ mode: "closed" }).append(link); link.click()`,
  ),
  link(
    "a link whose click tells nobody",
    "link.onclick = (event) => event.stopImmediatePropagation(); document.body.append(link); link.click()",
  ),
  [
    "a link of SVG",
    `(url) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    const link = document.createElementNS("http://www.w3.org/2000/svg", "a")
    link.setAttribute("href", url)
    svg.append(link)
    document.body.append(svg)
    link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }))
  }`,
  ],
  [
    "an area",
    `(url) => { const area = document.createElement("area"); area.href = url; document.body.append(area); area.click() }`,
  ],
  [
    "innerHTML with a link",
    `(url) => { document.body.innerHTML = '<a id=made href="' + url + '">x</a>'; document.getElementById("made").click() }`,
  ],
  form("form.submit()", "form.submit()"),
  form("form.requestSubmit()", "form.requestSubmit()"),
  form(
    "a button's formaction",
    `form.action = "/"; const button = document.createElement("button"); button.formAction = url; form.append(button); button.click()`,
  ),
]

const modes: [what: string, args: string[]][] = [
  ["under names of their own", []],
  ["by path", ["--by-path"]],
]

describe.skipIf(skipped).each(modes)("%s,", (_, args) => {
  let proxy: StartedProxy
  let context: BrowserContext
  const outside: string[] = []

  beforeAll(async () => {
    proxy = await startProxyCommand([...args, "--allow", a.authority, "--allow", b.authority])
    context = await browser.newContext()
    const own = new URL(proxy.origin).host
    context.on("request", (request) => {
      const url = request.url()
      const { host } = new URL(url)
      if (/^(?:http|ws)/.test(url) && host !== own && !host.endsWith(`--${own}`)) outside.push(url)
    })
    const page = await context.newPage()
    await page.goto(`${proxy.origin}/?token=${proxy.token}`)
  }, 60_000)
  afterAll(async () => {
    await context.close()
    await proxy.stop()
  })

  async function on(act: (page: Page) => Promise<void>): Promise<void> {
    const page = await context.newPage()
    await page.goto(`${proxy.origin}/${a.authority.replace(":", "/")}/page`)
    outside.length = 0
    await act(page)
    await page.close()
    expect(outside).toEqual([])
  }

  test.each(loads)("%s loads from the node", async (what, script) => {
    // Under names of their own, nothing but links and frames passes from one to another.
    const there = args.length === 0 ? a : b
    const path = pathOf(what)
    await on(async (page) => {
      await page.evaluate(`(${script})(${JSON.stringify(`http://${there.authority}${path}`)})`)
      await until(() => there.asked.includes(path))
    })
  })

  test.each(loads)("%s loads from the page's node under its name for itself", async (what, script) => {
    const path = `${pathOf(what)}-self`
    const port = a.authority.split(":")[1]
    await on(async (page) => {
      await page.evaluate(`(${script})(${JSON.stringify(`http://localhost:${port}${path}`)})`)
      await until(() => a.asked.includes(path))
    })
  })

  test.each(navigations)("%s leads to another node", async (what, script) => {
    const path = pathOf(what)
    await on(async (page) => {
      const arrived = page.waitForURL((url) => url.pathname.endsWith(path))
      await page.evaluate(`setTimeout(${script}, 0, ${JSON.stringify(`http://${b.authority}${path}`)})`)
      await arrived
      expect(b.asked.some((asked) => asked.startsWith(path))).toBe(true)
    })
  })

  test("a link that opens a new window, and window.open", async () => {
    await on(async (page) => {
      for (const script of [
        `(url) => { open(url) }`,
        `(url) => { const link = document.createElement("a"); link.target = "_blank"; link.href = url; document.body.append(link); link.click() }`,
      ]) {
        const opened = context.waitForEvent("page")
        const path = pathOf(`new window ${script.length}`)
        await page.evaluate(`(${script})(${JSON.stringify(`http://${b.authority}${path}`)})`)
        await until(() => b.asked.includes(path))
        await (await opened).close()
      }
    })
  })

  test("what a page's frame of text loads, and a service worker of its own", async () => {
    await on(async (page) => {
      await page.evaluate(`navigator.serviceWorker.register("/sw.js")`)
      await until(() => a.asked.includes("/sw.js"))
    })
  })

  test("referrers are told to nobody outside, whatever a script asks for", async () => {
    await on(async (page) => {
      await page.evaluate(`(async () => {
        const meta = document.createElement("meta")
        Object.assign(meta, { name: "referrer", content: "unsafe-url" })
        document.head.append(meta)
        await new Promise((resolve) => setTimeout(resolve, 20))
        fetch("/quiet-fetch", { referrerPolicy: "no-referrer" })
        const image = new Image()
        image.referrerPolicy = "unsafe-url"
        image.src = "/quiet-image"
        document.title = [meta.content, image.referrerPolicy].join()
      })()`)
      await until(() => a.asked.includes("/quiet-fetch") && a.asked.includes("/quiet-image"))
      expect(await page.title()).toBe("same-origin,same-origin")
    })
  })

  test("the script runs once, and a page that reads itself as text goes on working", async () => {
    await on(async (page) => {
      const found = await page.evaluate(`(async () => {
        const before = fetch
        const tag = document.querySelector("script[src*=microproxy]")
        const text = await (await fetch(tag.src)).text()
        const again = document.createElement("script")
        again.text = text
        document.head.append(again)
        const whole = await (await fetch("/page")).text()
        return [fetch === before, /microproxy/.test(whole), (await fetch("/after")).status]
      })()`)
      expect(found).toEqual([true, false, 200])
    })
  })
})

const pathOf = (what: string) => `/${what.replace(/\W+/g, "-").toLowerCase()}`

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("nobody asked for it")
    await Bun.sleep(10)
  }
}

async function node(address: string): Promise<Node> {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push((request.url ?? "").replace(/\?$/, ""))
    request.resume()
    const type =
      request.url === "/sw.js" || request.headers["sec-fetch-dest"] === "script"
        ? "text/javascript"
        : "text/html"
    response.writeHead(200, { "Content-Type": type })
    response.end(type === "text/html" ? "<!doctype html><title>node</title><body>node" : "")
  })
  server.on("upgrade", (request, socket) => {
    asked.push(request.url ?? "")
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash("sha1").update(key).digest("base64")
    socket.on("error", () => {})
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return { authority: `${address}:${(server.address() as AddressInfo).port}`, asked, server }
}
