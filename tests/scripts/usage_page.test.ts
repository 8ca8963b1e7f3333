/** The page of `usage_report --html` in a real browser. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { appendFileSync, existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Browser, chromium, type Page } from "playwright-core"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"
const skipped = !existsSync(executablePath)
if (skipped && process.env.TEST_SKIPS)
  appendFileSync(
    process.env.TEST_SKIPS,
    "the usage page in a browser: no chromium (Debian: apt install chromium)\n",
  )

let course: Workspace
let browser: Browser
let address: string
beforeAll(async () => {
  if (skipped) return
  course = workspace({ endpoint: "http://127.0.0.1:9", config: oldRules })
  // A name that would act, were it not escaped.
  putOldDatabase(
    course,
    `INSERT INTO instances VALUES ('i-x', 'm1.small', 2455501.5, 2455502.6, '1', 0, '<img src=http://127.0.0.1:9/x onerror=alert(1)>')`,
  )
  const page = join(course.directory, "page.html")
  const { code, stderr } = await course.run("usage_report", ["ALL", "--html", page])
  expect([stderr, code]).toEqual(["", 0])
  address = pathToFileURL(page).href
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
})
afterAll(async () => {
  await browser?.close()
  course?.remove()
})

async function open(width: number, height = 740): Promise<{ page: Page; asked: string[]; errors: string[] }> {
  const page = await browser.newPage({ viewport: { width, height } })
  const asked: string[] = []
  const errors: string[] = []
  page.on("request", (request) => asked.push(request.url()))
  page.on("pageerror", (error) => errors.push(String(error)))
  page.on("console", (message) => errors.push(message.text()))
  page.on("dialog", (dialog) => errors.push(dialog.message()))
  await page.goto(address, { waitUntil: "load" })
  return { page, asked, errors }
}

describe.skipIf(skipped)("usage_report --html in a browser", () => {
  test("asks nothing of anybody but for itself, and nothing in it acts", async () => {
    const { page, asked, errors } = await open(1280)
    expect(asked.filter((url) => !url.startsWith("data:"))).toEqual([address])
    expect(errors).toEqual([])
    expect(await page.locator("script, img, iframe, object, link:not([href^='data:'])").count()).toBe(0)
    expect(await page.locator("main").textContent()).toContain("<img src=http://127.0.0.1:9/x")
    await page.close()
  })

  test("shows every chart with marks of some size, named for a screen reader", async () => {
    const { page } = await open(1280)
    const charts = page.getByRole("img")
    expect(await charts.count()).toBe(4)
    for (const chart of await charts.all()) {
      expect(await chart.isVisible()).toBe(true)
      const box = await chart.boundingBox()
      expect(box?.width).toBeGreaterThan(400)
      expect(box?.height).toBeGreaterThan(100)
      const heights = await chart
        .locator("rect, polyline")
        .evaluateAll((marks) => marks.map((mark) => mark.getBoundingClientRect().height))
      expect(Math.max(...heights)).toBeGreaterThan(50)
      expect(await chart.locator("title").first().textContent()).not.toBe("")
    }
    for (const name of [/^Spending per day/, /^Running instances/, /^Spending per user/, /^Budget left/])
      expect(await page.getByRole("img", { name }).count()).toBe(1)
    await page.close()
  })

  test("is reached by keyboard alone: skip link, every chart, and the figures that unfold", async () => {
    const { page } = await open(1280)
    const reached: string[] = []
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press("Tab")
      const name = await page.evaluate<string | null>(`(() => {
        const { activeElement: element, body } = document
        if (!element || element === body) return null
        const { outlineStyle } = getComputedStyle(element)
        return [element.tagName, element.getAttribute("aria-label") ?? element.textContent, outlineStyle].join(" ")
      })()`)
      if (name === null) break
      reached.push(name)
    }
    expect(reached[0]).toBe("A Skip to the users solid")
    expect(reached.filter((name) => name.startsWith("DIV ")).length).toBe(4)
    expect(reached.every((name) => name.endsWith(" solid"))).toBe(true)
    await page.locator("summary").focus()
    expect(await page.getByRole("table", { name: /by day/ }).isVisible()).toBe(false)
    await page.keyboard.press("Enter")
    expect(await page.getByRole("table", { name: /by day/ }).isVisible()).toBe(true)
    await page.close()
  })

  test("fits a phone: at 360 px nothing scrolls sideways, and charts and their texts are whole", async () => {
    const { page } = await open(360)
    const texts = page.locator(".most, .names span")
    expect(await texts.count()).toBeGreaterThan(8)
    for (const part of [...(await page.getByRole("img").all()), ...(await texts.all())]) {
      const box = await part.boundingBox()
      expect(box?.x).toBeGreaterThanOrEqual(0)
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360)
    }
    const smallest = await page.evaluate<number>(
      "Math.min(...[...document.querySelectorAll('.most, .names span')].map((text) => parseFloat(getComputedStyle(text).fontSize)))",
    )
    expect(smallest).toBeGreaterThan(11)
    expect(await texts.evaluateAll((all) => all.some((text) => text.scrollWidth > text.clientWidth))).toBe(
      false,
    )
    await page.locator("summary").click()
    const [scrollWidth, clientWidth] = await page.evaluate<[number, number]>(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    )
    expect(clientWidth).toBe(360)
    expect(scrollWidth).toBeLessThanOrEqual(360)
    await page.close()
  })
})
