/** `--shim` in headless Chromium: whatever a page's scripts address comes through the proxy, under the page's own strict policy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { noteSkipped } from "../support/skips.ts"
import { type StartedProxy, startProxyCommand } from "./command.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"
const skipped = !existsSync(executablePath)
if (skipped) noteSkipped("microproxy --shim in a browser: no chromium (Debian: apt install chromium)")

/** Two nodes of a cluster: the page's own, and one that it addresses absolutely. */
let nodes: { a: http.Server; b: http.Server }
let [a, b] = ["", ""]
let proxy: StartedProxy
let browser: Browser
let context: BrowserContext

beforeAll(async () => {
  if (skipped) return
  nodes = { a: await node("a", "127.0.0.1"), b: await node("b", "127.0.0.2") }
  a = authority(nodes.a)
  b = authority(nodes.b)
  const allow = [a, b, "192.168.7.0/24"].flatMap((one) => ["--allow", one])
  proxy = await startProxyCommand(["--by-path", "--legacy-hosts", ...allow])
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  context = await browser.newContext()
})
afterAll(async () => {
  await browser?.close()
  await proxy?.stop()
  for (const server of Object.values(nodes ?? {})) {
    server.closeAllConnections()
    server.close()
  }
})

/** What a script may write for a path of its own node, and of another. */
const forms: [what: string, url: (path: string) => string, node: "a" | "b"][] = [
  ["root-relative", (path) => `/${path}`, "a"],
  ["relative", (path) => path, "a"],
  ["absolute", (path) => `http://${b}/${path}`, "b"],
  ["absolute to itself", (path) => `http://${a}/${path}`, "a"],
  ["protocol-relative", (path) => `//${b}/${path}`, "b"],
  ["already mapped", (path) => `${proxy.origin}/${b.replace(":", "/")}/${path}`, "b"],
  ["like a path of the proxy", (path) => `/api/1/${path}`, "a"],
]

describe.skipIf(skipped)("with --shim, in a page whose policy allows scripts by nonce only,", () => {
  describe.each(forms)("%s addresses lead through the proxy:", (_, url, node) => {
    const answer = (path: string, method = "GET") => ({ node, method, path: expectedPath(url(path)) })

    test("fetch, also of a Request, XMLHttpRequest, EventSource, WebSocket", async () => {
      await onPage(async (page) => {
        expect(await run(page, "fetch", url("f"))).toEqual(answer("f"))
        expect(await run(page, "fetchRequest", url("r"))).toEqual(answer("r", "POST"))
        expect(await run(page, "xhr", url("x"))).toEqual(answer("x"))
        expect(await run(page, "eventSource", url("events"))).toEqual(answer("events"))
        expect(await run(page, "webSocket", url("socket").replace(/^http/, "ws"))).toEqual(answer("socket"))
      })
    })

    test("links that a script made", async () => {
      await onPage(async (page) => {
        await Promise.all([page.waitForNavigation(), run(page, "clickLink", url("link"))])
        expect(await shown(page)).toEqual(answer("link"))
      })
    })

    test("forms that a script made", async () => {
      await onPage(async (page) => {
        await Promise.all([page.waitForNavigation(), run(page, "submitForm", url("form"))])
        expect(await shown(page)).toEqual(answer("form", "POST"))
      })
    })
  })

  test.each(forms.filter(([, , node]) => node === "a"))(
    "%s addresses of history are mapped",
    async (_, url) => {
      await onPage(async (page) => {
        const at = await run(page, "history", url("state?q"))
        expect(at).toBe(`/${a.replace(":", "/")}${expectedPath(url("state"))}?q`)
      })
    },
  )

  test.each([
    ["http://192.168.7.5:8042/x", "/192.168.7.5/8042/x"],
    ["http://ip-192-168-7-5.ec2.internal/x", "/ip-192-168-7-5.ec2.internal/80/x"],
    [
      "https://ec2-203-0-113-5.compute-1.amazonaws.com:8443/",
      "/~https/ec2-203-0-113-5.compute-1.amazonaws.com/8443/",
    ],
    ["http://10.1.2.3:8042/x", "/10.1.2.3/8042/x"],
  ])("ranges and the old patterns count, as in links: %s", async (url, path) => {
    await onPage(async (page) => expect(await run(page, "linkAt", url)).toBe(proxy.origin + path))
  })

  test("addresses outside are left alone, and the policy still keeps foreign scripts out", async () => {
    const page = await context.newPage()
    await page.goto(start())
    expect(await run(page, "addScript", `${proxy.origin}/${b.replace(":", "/")}/script.js`)).toBe("refused")
    expect(await run(page, "linkAt", "https://www.example.org/x")).toBe("https://www.example.org/x")
    await page.close()
  })
})

const start = () => `${proxy.origin}/${a.replace(":", "/")}/page?token=${proxy.token}`

/** What the node is asked for in the end: the shim keeps the path. */
function expectedPath(url: string): string {
  const { pathname } = new URL(url, `http://${a}/page`)
  return pathname.replace(/^\/127\.0\.0\.\d\/\d+/, "")
}

/** Opens the page, and fails where it asks anybody but the proxy or breaks its policy. */
async function onPage(act: (page: Page) => Promise<void>): Promise<void> {
  const page = await context.newPage()
  const wrong: string[] = []
  page.on("request", (request) => {
    if (!request.url().startsWith(`${proxy.origin}/`)) wrong.push(request.url())
  })
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("favicon")) wrong.push(message.text())
  })
  page.on("pageerror", (error) => wrong.push(String(error)))
  await page.goto(start())
  await act(page)
  expect(wrong).toEqual([])
  await page.close()
}

function run(page: Page, what: keyof typeof inPage, url: string): Promise<unknown> {
  return page.evaluate(`(${inPage[what]})(${JSON.stringify(url)})`)
}

async function shown(page: Page): Promise<unknown> {
  return JSON.parse((await page.locator("body").textContent()) ?? "")
}

/** A node: says who was asked for what, as JSON, an event, or a WebSocket's message; `/page` is the page. */
async function node(name: "a" | "b", address: string): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "")
    const said = JSON.stringify({ node: name, method: request.method, path })
    if (path === "/page") {
      const sources = `'self' http://${b} ws://${a} ws://${b}`
      response.writeHead(200, {
        "Content-Type": "text/html",
        "Content-Security-Policy": `default-src 'none'; script-src 'nonce-n0nce'; connect-src ${sources}; form-action 'self' http://${b}`,
      })
      response.end("<!doctype html><title>page</title><body><script nonce=n0nce>window.ran = true</script>")
    } else if (path.endsWith("/events")) {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(`data: ${said}\n\n`)
    } else {
      request.resume()
      response.writeHead(200, { "Content-Type": "text/plain" }).end(said)
    }
  })
  server.on("upgrade", (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash("sha1").update(key).digest("base64")
    const said = Buffer.from(JSON.stringify({ node: name, method: "GET", path: request.url }))
    socket.on("error", () => {})
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.write(Buffer.concat([Buffer.from([0x81, said.length]), said]))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return server
}

function authority(server: http.Server): string {
  const { address, port } = server.address() as AddressInfo
  return `${address}:${port}`
}

/** What scripts of a page do, as they would be written there. */
const inPage = {
  fetch: `(url) => fetch(url).then((answer) => answer.json())`,
  fetchRequest: `(url) => fetch(new Request(url, { method: "POST", body: "x" })).then((answer) => answer.json())`,
  xhr: `(url) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open("GET", url)
    request.onload = () => resolve(JSON.parse(request.responseText))
    request.onerror = () => reject(new Error("failed"))
    request.send()
  })`,
  eventSource: `(url) => new Promise((resolve, reject) => {
    const source = new EventSource(url)
    source.onmessage = (event) => { source.close(); resolve(JSON.parse(event.data)) }
    source.onerror = () => reject(new Error("failed"))
  })`,
  webSocket: `(url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.onmessage = (event) => { socket.close(); resolve(JSON.parse(event.data)) }
    socket.onerror = () => reject(new Error("failed"))
  })`,
  history: `(url) => { history.pushState(null, "", url); return location.pathname + location.search }`,
  clickLink: `(url) => { const link = document.createElement("a"); link.href = url; document.body.append(link); link.click() }`,
  submitForm: `(url) => {
    const form = document.createElement("form")
    Object.assign(form, { action: url, method: "post" })
    document.body.append(form)
    form.requestSubmit()
  }`,
  addScript: `(url) => new Promise((resolve) => {
    const script = document.createElement("script")
    script.src = url
    script.onerror = () => resolve("refused")
    script.onload = () => resolve("ran")
    document.body.append(script)
  })`,
  linkAt: `(url) => {
    const link = document.createElement("a")
    link.href = url
    document.body.append(link)
    addEventListener("click", (event) => event.preventDefault())
    link.click()
    return link.href
  }`,
}
