/**
 * Web servers that a course uses, from PyPI, opened, used and reloaded in Chromium with nothing but `--allow`. A named suite,
 * since it installs some 2 GB: `npm run test:ui:all`; TEST_SERVERS=NAME,NAME takes some of them.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { type TestProxy, testProxy } from "../proxy/client.ts"
import { noteSkipped } from "../support/skips.ts"
import { pythonEnvironment, startServer } from "./python_servers.ts"
import { noBrowser, openBrowser, watchedPage } from "./visit.ts"

interface ServerCase {
  /** The list of packages that has it. */
  list: string
  command(bin: string, app: (name: string) => string, port: number): string[]
  /** Its own port, where it must be that. */
  port?: number
  /** Where its page is. */
  path?: string
  env?: Record<string, string>
  /** Uses it, and fails where it does not work. */
  use(page: Page): Promise<void>
  /** Answers of its own that are errors, as without Grafana beside it. */
  errors?: RegExp
  /** Hosts outside that its pages ask for by themselves. */
  outside?: RegExp
}

const address = "127.0.0.61"
const python =
  (name: string): ServerCase["command"] =>
  (bin, app, port) => [join(bin, "python"), app(name), address, String(port)]
const freePort = () => 20_000 + Math.floor(Math.random() * 10_000)
const says = (page: Page, text: string | RegExp) =>
  page.getByText(text).locator("visible=true").first().waitFor({ timeout: 120_000 })

const cases: Record<string, ServerCase> = {
  "optuna-dashboard": {
    list: "apps",
    command: python("optuna_study.py"),
    async use(page) {
      await page.getByText("words").first().click()
      await page.waitForURL("**/dashboard/studies/0**")
      await says(page, /History|Hyperparameter/)
    },
  },
  "Dash with pages": {
    list: "apps",
    command: python("dash_pages.py"),
    async use(page) {
      await page.locator("#typed").fill("words")
      await says(page, "said words")
      await page.locator("#to-second").click()
      await page.locator("#second").waitFor()
      expect(new URL(page.url()).pathname).toBe("/second")
    },
  },
  Streamlit: {
    list: "apps",
    command: (bin, app, port) => [
      ...[join(bin, "streamlit"), "run", app("streamlit_app.py"), "--server.headless=true"],
      ...[`--server.address=${address}`, `--server.port=${port}`, "--browser.gatherUsageStats=false"],
    ],
    async use(page) {
      await page.getByLabel("name").fill("words")
      await page.getByLabel("name").press("Enter")
      await page.getByRole("button", { name: "greet" }).click()
      await says(page, "hello words")
    },
  },
  Shiny: {
    list: "apps",
    command: (bin, app, port) => [
      join(bin, "shiny"),
      "run",
      "--host",
      address,
      "--port",
      String(port),
      app("shiny_app.py"),
    ],
    async use(page) {
      await page.locator("#name").fill("words")
      await says(page, "hello words")
    },
  },
  NiceGUI: {
    list: "apps",
    command: python("nicegui_app.py"),
    async use(page) {
      await page.getByRole("button", { name: "greet" }).click()
      await says(page, "hello nicegui")
      await page.getByText("second", { exact: true }).click()
      await says(page, "second page")
    },
  },
  marimo: {
    list: "apps",
    command: (bin, app, port) => [
      ...[
        join(bin, "marimo"),
        "run",
        app("marimo_app.py"),
        "--headless",
        "--host",
        address,
        "--port",
        String(port),
      ],
    ],
    async use(page) {
      await page.locator("marimo-text input").first().fill("words")
      await page.locator("marimo-text input").first().press("Enter")
      await says(page, "hello words")
    },
    outside: /fonts\.g|jsdelivr|posthog|marimo\.io/,
  },
  TensorBoard: {
    list: "apps",
    command: python("tensorboard_logs.py"),
    use: (page) => says(page, "loss"),
    outside: /fonts\.g/,
  },
  Dask: {
    list: "apps",
    command: python("dask_cluster.py"),
    path: "/status",
    async use(page) {
      await says(page, "Workers")
      await page.getByText("Workers", { exact: true }).first().click()
      await says(page, /memory|cpu/i)
    },
  },
  Bokeh: {
    list: "apps",
    command: (bin, app, port) => [
      ...[join(bin, "bokeh"), "serve", app("bokeh_app.py"), "--address", address, "--port", String(port)],
      ...["--allow-websocket-origin", `${address}:${port}`],
    ],
    path: "/bokeh_app",
    async use(page) {
      await page.getByRole("button", { name: "greet" }).click()
      await says(page, "hello bokeh")
    },
  },
  Panel: {
    list: "apps",
    command: (bin, app, port) => [
      ...[join(bin, "panel"), "serve", app("panel_app.py"), "--address", address, "--port", String(port)],
      ...["--allow-websocket-origin", `${address}:${port}`],
    ],
    path: "/panel_app",
    async use(page) {
      await page.locator("input").first().fill("words")
      await page.locator("input").first().press("Enter")
      await says(page, "hello words")
    },
  },
  Luigi: {
    list: "apps",
    command: (bin, _, port) => [join(bin, "luigid"), "--address", address, "--port", String(port)],
    path: "/static/visualiser/index.html",
    async use(page) {
      await says(page, "Luigi Task Status")
      await page.getByText("Workers", { exact: true }).first().click()
    },
    outside: /fonts\.g/,
  },
  Gradio: {
    list: "gradio",
    command: python("gradio_app.py"),
    env: { GRADIO_ANALYTICS_ENABLED: "False" },
    async use(page) {
      await page.getByLabel("text").first().fill("words")
      await page.getByRole("button", { name: "Submit" }).click()
      await page.waitForFunction(
        `[...document.querySelectorAll("textarea")].some(({ value }) => value === "hello words")`,
      )
    },
    outside: /fonts\.g|cdnjs|gradio\.app|jsdelivr/,
  },
  Prefect: {
    list: "prefect",
    // As installed: its pages ask 127.0.0.1:4200, wherever they come from.
    port: 4200,
    command: (bin, _, port) => [
      join(bin, "prefect"),
      "server",
      "start",
      "--host",
      address,
      "--port",
      String(port),
    ],
    env: { PREFECT_SERVER_ANALYTICS_ENABLED: "false", DO_NOT_TRACK: "1" },
    async use(page) {
      await page.getByText("Flows", { exact: true }).first().click()
      await page.waitForURL("**/flows**")
    },
    outside: /prefect\.io|amplitude|fonts\.g/,
  },
  MLflow: {
    list: "mlflow",
    command: (bin, _, port) => [
      join(bin, "mlflow"),
      "server",
      "--host",
      address,
      "--port",
      String(port),
      "--workers",
      "1",
    ],
    env: { MLFLOW_SERVER_ALLOWED_HOSTS: "*", MLFLOW_DISABLE_TELEMETRY: "true" },
    use: (page) => says(page, /Experiments/),
  },
  Ray: {
    list: "ray",
    command: python("ray_dashboard.py"),
    // Newer ones ask for a token first.
    env: { RAY_AUTH_MODE: "disabled" },
    errors: /grafana_health|prometheus_health|platform_events|serve\/applications/,
    async use(page) {
      await page.goto(`${new URL(page.url()).origin}/#/cluster`)
      await says(page, /Node|Host/)
    },
    outside: /fonts\.g/,
  },
}

const wanted = process.env.TEST_SERVERS ?? ""
const chosen = Object.entries(cases).filter(([name]) => wanted === "all" || wanted.split(",").includes(name))
const reason = noBrowser ?? (chosen.length === 0 ? "a suite of its own: npm run test:ui:all" : null)
if (reason) noteSkipped(`servers from PyPI in a browser: ${reason}`)

setDefaultTimeout(600_000)
let browser: Browser

beforeAll(async () => {
  if (!reason) browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
})

describe.skipIf(reason !== null)("opened, used and reloaded through the proxy with no flag:", () => {
  test.each(chosen)(
    "%s",
    async (_, { list, command, path = "/", env, use, outside, errors = /^$/, port = freePort() }) => {
      const environment = pythonEnvironment(list)
      if (typeof environment === "string") throw new Error(environment)
      const app = (name: string) => join(import.meta.dir, "apps", name)
      const server = await startServer(
        command(environment.bin, app, port),
        `http://${address}:${port}${path}`,
        env,
      )
      const proxy: TestProxy = await testProxy({ allow: [`${address}:${port}`], shim: true })
      const visit = await watchedPage(browser, proxy.proxy, outside)
      try {
        const { page } = visit
        await page.goto(`${proxy.proxy.origin}/${address}/${port}${path}?token=${proxy.token}`, {
          timeout: 180_000,
        })
        await use(page)
        await page.goto(`${new URL(page.url()).origin}${path}`)
        await page.reload()
        await use(page)
        expect(visit.outside).toEqual([])
        expect(
          visit.failed
            .filter((line) => !errors.test(line))
            .filter((line) => !/^40[14] .*(?:favicon|manifest|\.map|_stcore\/host-config)/.test(line)),
        ).toEqual([])
      } catch (error) {
        console.log(server.output().slice(-1500), visit.failed, visit.outside)
        throw error
      } finally {
        await visit.context.close()
        await proxy.close()
        server.stop()
      }
    },
  )
})
