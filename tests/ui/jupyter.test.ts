/** JupyterLab and Notebook in Chromium, with nothing but `--allow`: a kernel, a terminal, upload, download, reload. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { type TestProxy, testProxy } from "../proxy/client.ts"
import { noteSkipped } from "../support/skips.ts"
import { type PythonServer, pythonEnvironment, startServer } from "./python_servers.ts"
import { noBrowser, openBrowser, type Visit, watchedPage } from "./visit.ts"

const environment = noBrowser ?? pythonEnvironment("jupyter")
if (typeof environment === "string") noteSkipped(`JupyterLab and Notebook in a browser: ${environment}`)

setDefaultTimeout(240_000)
const address = "127.0.0.51"
const port = 28888
let server: PythonServer
let proxy: TestProxy
let browser: Browser

beforeAll(async () => {
  if (typeof environment === "string") return
  server = await startServer(
    [
      join(environment.bin, "jupyter-lab"),
      "--no-browser",
      "--allow-root",
      `--ip=${address}`,
      `--port=${port}`,
      "--port-retries=0",
      "--IdentityProvider.token=course",
      "--LabApp.news_url=None",
      "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ],
    `http://${address}:${port}/api`,
  )
  // What a student has: one address allowed, the defaults for all else.
  proxy = await testProxy({ allow: [`${address}:${port}`], shim: true })
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await proxy?.close()
  server?.stop()
})

describe.skipIf(typeof environment === "string")("through the proxy, under its own name,", () => {
  let visit: Visit
  let page: Page
  const open = async (path: string) => {
    await page.goto(`${proxy.proxy.origin}/${address}/${port}${path}`)
  }

  beforeAll(async () => {
    if (typeof environment === "string") return
    visit = await watchedPage(browser, proxy.proxy)
    page = visit.page
    await page.goto(`${proxy.proxy.origin}/${address}/${port}/lab?token=${proxy.token}`)
    await page.goto(`${new URL(page.url()).origin}/lab?token=course`)
  })
  afterAll(async () => {
    await visit?.context.close()
  })

  test("JupyterLab runs a cell, again after a reload", async () => {
    await open("/lab?reset")
    const notebook = page.locator('.jp-LauncherCard[data-category="Notebook"]').first()
    await notebook.click()
    await runCell(page, "print(6 * 7)", "42")
    await page.keyboard.press("Control+s")
    await page.waitForFunction("document.title.includes('Untitled')")
    await page.reload()
    await runCell(page, "print(7 * 8)", "56")
    expect(visit.outside).toEqual([])
  })

  test("a terminal answers", async () => {
    await open("/lab?reset")
    await page.locator('.jp-LauncherCard[title="Start a new terminal session"]').click()
    await page.locator(".jp-Terminal .xterm-screen").waitFor()
    await page.waitForTimeout(1000)
    await page.locator(".jp-Terminal .xterm-helper-textarea").focus()
    await page.keyboard.type("echo $((40+2)) > from_terminal\n")
    await until(() => readable(join(server.folder, "from_terminal")) === "42\n")
    expect(visit.outside).toEqual([])
  })

  test("a file is uploaded and downloaded", async () => {
    await open("/lab?reset")
    const file = join(server.folder, "..", `upload-${process.pid}.txt`)
    writeFileSync(file, '<a href="/x">kept as it is</a>\n')
    const chooser = page.waitForEvent("filechooser")
    await page
      .locator('[data-command="filebrowser:refresh"], jp-button[title^="Upload"], button[title^="Upload"]')
      .first()
      .waitFor()
    await page.getByTitle("Upload Files", { exact: false }).first().click()
    await (await chooser).setFiles(file)
    const name = `upload-${process.pid}.txt`
    await until(() => readable(join(server.folder, name)) !== null)
    const saved = await page.evaluate(
      `fetch("/files/${name}?download=1").then(async (answer) => [answer.headers.get("content-disposition"), await answer.text()])`,
    )
    expect(saved).toEqual([expect.stringContaining("attachment"), '<a href="/x">kept as it is</a>\n'])
    expect(visit.outside).toEqual([])
  })

  test("Notebook 7 runs a cell", async () => {
    await open("/tree")
    await page.locator('[data-command="notebook:create-new"], .jp-FileBrowser-toolbar').first().waitFor()
    await page.evaluate(`fetch("/api/contents", { method: "POST", headers: { "X-XSRFToken": document.cookie.match(/_xsrf=([^;]*)/)[1] }, body: JSON.stringify({ type: "notebook" }) })
      .then((answer) => answer.json()).then(({ path }) => { location.href = "/notebooks/" + path + "?kernel_name=python3" })`)
    await page.waitForURL("**/notebooks/**")
    const select = page.getByRole("button", { name: /select/i })
    await runCell(page, "print(8 * 9)", "72", () => select.click({ timeout: 2000 }).catch(() => {}))
    expect(visit.outside).toEqual([])
  })

  test("nothing that it asked for failed", () => {
    // The answer of a session that is not there yet.
    expect(visit.failed.filter((line) => !/\/api\/(?:me|workspaces|contents)|\/lsp\//.test(line))).toEqual([])
  })
})

/** Types into the first cell, runs it, and waits for what it prints. */
async function runCell(page: Page, code: string, wanted: string, before = async () => {}): Promise<void> {
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor()
  await before()
  const idle = page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first()
  await idle.waitFor({ timeout: 60_000 }).catch(() => {})
  const cell = page.locator(".jp-Notebook .jp-CodeCell").last()
  await cell.locator(".cm-content").click()
  await page.keyboard.press("Control+a")
  await page.keyboard.type(code)
  await page.keyboard.press("Shift+Enter")
  await page.locator(".jp-OutputArea-output", { hasText: wanted }).first().waitFor({ timeout: 90_000 })
}

function readable(file: string): string | null {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return null
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it does not come to hold")
    await Bun.sleep(50)
  }
}
