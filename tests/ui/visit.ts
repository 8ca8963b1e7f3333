/** A browser's page that is watched: what it asks of anybody but the proxy, and what the proxy cannot give it. */
import { existsSync } from "node:fs"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import type { RunningProxy } from "../../lib/operations/proxy/start.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"

/** Why there is no browser, or null. */
export const noBrowser = existsSync(executablePath) ? null : "no chromium (Debian: apt install chromium)"

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
}

/** Whether a URL is the proxy's own, under its name or a backend's. */
export function isOfProxy({ origin }: Pick<RunningProxy, "origin">, url: string): boolean {
  const { host, protocol } = new URL(url)
  const own = new URL(origin).host
  return /^(?:http|ws):$/.test(protocol) && (host === own || host.endsWith(`--${own}`))
}

export interface Visit {
  context: BrowserContext
  page: Page
  /** URLs outside the proxy. */
  outside: string[]
  /** `STATUS URL` of answers that are errors. */
  failed: string[]
}

/** A new browser's session with a watched page; of hosts `except` nothing is noted. */
export async function watchedPage(
  browser: Browser,
  proxy: Pick<RunningProxy, "origin">,
  except: RegExp = /^$/,
): Promise<Visit> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const visit: Visit = { context, page, outside: [], failed: [] }
  const note = (url: string) => {
    if (/^(?:https?|wss?):/.test(url) && !isOfProxy(proxy, url) && !except.test(url)) visit.outside.push(url)
  }
  context.on("request", (request) => note(request.url()))
  page.on("websocket", (socket) => note(socket.url()))
  context.on("response", (response) => {
    // The browser asks for favicons by itself.
    if (response.status() >= 400 && !response.url().includes("favicon")) {
      visit.failed.push(`${response.status()} ${response.url()}`)
    }
  })
  return visit
}
