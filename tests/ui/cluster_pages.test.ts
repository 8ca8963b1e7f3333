/** Real pages in a real browser: every link followed, and none leaves the proxy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { type TestProxy, testProxy } from "../proxy/client.ts"
import { noteSkipped } from "../support/skips.ts"
import { type Daemons, pages, startDaemons } from "./daemons.ts"
import { fetchJars } from "./jars.ts"
import { isOfProxy, noBrowser, openBrowser, type Visit, watchedPage } from "./visit.ts"

const jars = noBrowser ?? (await fetchJars())
if (typeof jars === "string") noteSkipped(`the pages of Spark and Hadoop in a browser: ${jars}`)

let daemons: Daemons
let proxy: TestProxy
let browser: Browser

beforeAll(async () => {
  if (typeof jars === "string") return
  daemons = await startDaemons(jars)
  const hosts = [
    "127.0.0.1:28080,29870",
    "localhost:28080",
    "127.0.0.3:28081",
    "127.0.0.4:29864",
    "127.0.0.5:28082",
  ]
  proxy = await testProxy({ allow: hosts, shim: true })
  browser = await openBrowser()
}, 300_000)
afterAll(async () => {
  await browser?.close()
  await proxy?.close()
  daemons?.stop()
})

describe.skipIf(typeof jars === "string")(
  "every link of a real page is followed, and none leaves the proxy",
  () => {
    test.concurrent.each(Object.entries(pages))(
      "%s: %s",
      async (_, start) => {
        const visit = await watchedPage(browser, proxy.proxy)
        let visited = await followAll(visit, start)
        // Three times in some hundred runs a first page had no link. Nobody knows why yet: what is printed should tell.
        for (let tries = 1; visited.length === 1 && tries < 3; tries++) {
          console.log(`opened again, since it showed no link: ${await shownBy(visit.page)}`)
          visited = await followAll(visit, start)
        }
        await visit.context.close()
        const { outside, failed } = visit
        expect(outside).toEqual([])
        expect(failed).toEqual([])
        expect(visited.length).toBeGreaterThan(1)
        console.log(`${start}: ${visited.length} pages`)
      },
      200_000,
    )
  },
)

async function followAll({ page, outside, failed }: Visit, start: string): Promise<string[]> {
  const { origin } = proxy.proxy
  const visited: string[] = []
  const { host, pathname } = new URL(start)
  const [name, port] = host.split(":")
  const queue = [`${origin}/${name}/${port}${pathname}?token=${proxy.token}`]
  const seen = new Set<string>()
  for (let url = queue.shift(); url !== undefined && visited.length < 20; url = queue.shift()) {
    visited.push(url)
    // What is a download for the browser is only fetched.
    if ((await visit(page, url)) === "download") {
      const { status } = await fetched(page, url)
      if (status >= 400) failed.push(`${status} ${url}`)
      continue
    }
    for (const link of await linksOf(page)) {
      const to = link.replace(/#.*$/s, "")
      // Logs and threads change with each look; one of each kind says all.
      const kind = to.replace(/\d+/g, "0").replace(/\?.*/s, "")
      if (!/^https?:/.test(to) || seen.has(kind)) continue
      seen.add(kind)
      if (isOfProxy(proxy.proxy, to)) queue.push(to)
      else if (isOfCluster(to)) outside.push(`${link} on ${page.url()}`)
    }
  }
  return visited
}

/** Asks as a program would, with the browser's cookies. */
async function fetched(page: Page, url: string): Promise<{ status: number }> {
  const cookies = await page.context().cookies(url)
  const { host, pathname, search } = new URL(url)
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ")
  return proxy.get(pathname + search, { Host: host, Cookie: cookie })
}

/**
 * Shows a page. A browser that shares this machine with other tests may give up a load for reasons of its own, such as a changed network;
 * it gets three tries, and the third one's error is the test's.
 */
async function visit(page: Page, url: string, tries = 3): Promise<"page" | "download"> {
  try {
    await page.goto(url, { waitUntil: "networkidle" })
    return "page"
  } catch (error) {
    const { message } = error as Error
    if (/Download is starting/.test(message)) return "download"
    if (tries === 1 && /ERR_ABORTED/.test(message)) return "download"
    if (tries === 1) throw error
    return visit(page, url, tries - 1)
  }
}

/** What the browser shows and what it asked for, to tell why a page has no link. */
async function shownBy(page: Page): Promise<string> {
  const asked = proxy.log.slice(-20).map((entry) => JSON.stringify(entry))
  return [page.url(), (await page.content()).slice(0, 2000), ...asked].join("\n")
}

/** Where a click on each link would lead, scripts' own links included. */
function linksOf(page: Page): Promise<string[]> {
  const inBrowser = (): string[] => {
    const { document, MouseEvent } = globalThis as unknown as BrowserGlobals
    return [...document.querySelectorAll("a[href]")].map((anchor) => {
      const keep = (event: { preventDefault(): void }) => event.preventDefault()
      document.defaultView.addEventListener("click", keep, true)
      if (/^https?:/.test(anchor.href))
        anchor.dispatchEvent(new MouseEvent("click", { bubbles: false, cancelable: true }))
      document.defaultView.removeEventListener("click", keep, true)
      return anchor.href
    })
  }
  return page.evaluate(inBrowser)
}

/** The browser's globals that are used inside a page, which this program itself does not have. */
interface BrowserGlobals {
  document: {
    querySelectorAll(selector: string): Iterable<{ href: string; dispatchEvent(event: unknown): void }>
    defaultView: Record<
      "addEventListener" | "removeEventListener",
      (kind: string, listener: (event: never) => void, capture: true) => void
    >
  }
  MouseEvent: new (kind: string, options: object) => unknown
}

/** Links to the projects' own sites lead outside, as they must. */
function isOfCluster(url: string): boolean {
  return /^(127\.|10\.|localhost)/.test(new URL(url).hostname)
}
