/** The page of `usage_report --html` in a real browser: on a phone, by keyboard, by WCAG's rules, on paper, and with 2,000 users. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Browser, chromium, type Page } from "playwright-core"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { loginOf, pageWith } from "../support/page_world.ts"
import { scratchDirectory } from "../support/scratch.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"
const skipped = !existsSync(executablePath)
if (skipped && process.env.TEST_SKIPS)
  appendFileSync(
    process.env.TEST_SKIPS,
    "the usage page in a browser: no chromium (Debian: apt install chromium)\n",
  )

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8")
const directory = scratchDirectory("page")
let course: Workspace
let browser: Browser
let toolsPage: string
const addressOf = (name: string, html: string): string => {
  const path = join(directory, `${name}.html`)
  writeFileSync(path, html)
  return pathToFileURL(path).href
}
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
  toolsPage = pathToFileURL(page).href
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
})
afterAll(async () => {
  await browser?.close()
  course?.remove()
})

interface Opened {
  page: Page
  asked: string[]
  errors: string[]
}

async function open(
  address: string,
  width = 1280,
  how: { dark?: boolean; noScript?: boolean } = {},
): Promise<Opened> {
  const page = await browser.newPage({
    viewport: { width, height: 740 },
    colorScheme: how.dark ? "dark" : "light",
    javaScriptEnabled: !how.noScript,
  })
  const asked: string[] = []
  const errors: string[] = []
  page.on("request", (request) => asked.push(request.url()))
  page.on("pageerror", (error) => errors.push(String(error)))
  page.on("console", (message) => errors.push(message.text()))
  page.on("dialog", (dialog) => errors.push(dialog.message()))
  await page.goto(address, { waitUntil: "load" })
  return { page, asked, errors }
}

/** What axe-core finds wrong, by rule and element. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate<string[]>(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + " " + target.join(" "))))`)
}

describe.skipIf(skipped)("usage_report --html in a browser", () => {
  test("asks nothing of anybody but for itself, and nothing in it acts", async () => {
    const { page, asked, errors } = await open(toolsPage)
    expect(asked.filter((url) => !url.startsWith("data:"))).toEqual([toolsPage])
    expect(errors).toEqual([])
    expect(await page.locator("img, iframe, object, link:not([href^='data:'])").count()).toBe(0)
    expect(await page.locator("script").count()).toBe(1)
    expect(await page.locator("main").textContent()).toContain("<img src=http://127.0.0.1:9/x")
    // The policy lets nothing run but the page's own script.
    await page.evaluate(
      `document.body.insertAdjacentHTML("beforeend", "<b id=evil onclick='document.title = 1'>x</b>")`,
    )
    await page.evaluate(`document.getElementById("evil").click()`)
    expect(await page.title()).not.toBe("1")
    await page.close()
  })

  test.each([0, 1, 2, 60, 2000])(
    "with %d users: no fault by WCAG's rules, light and dark, and nothing that scrolls sideways at four widths",
    async (users) => {
      const address = addressOf(`course-${users}`, pageWith(users, { courseBudget: 10_000 }))
      for (const width of [360, 768, 1280, 1920]) {
        const { page, errors } = await open(address, width, { dark: width === 768 })
        if (users < 2000) for (const details of await page.locator("summary").all()) await details.click()
        expect(await faults(page)).toEqual([])
        const [scrollWidth, clientWidth] = await page.evaluate<[number, number]>(
          "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
        )
        expect([scrollWidth, clientWidth]).toEqual([width, width])
        expect(errors).toEqual([])
        await page.close()
      }
    },
    240_000,
  )

  test("a student's page: no fault by WCAG's rules, and at 360 px the ends of leases are seen", async () => {
    const { page } = await open(addressOf("student", pageWith(60, { login: loginOf(7) })), 360)
    expect(await faults(page)).toEqual([])
    const box = await page.getByText("in 2 h 00 min").boundingBox()
    expect(box?.x).toBeLessThan(260)
    await page.close()
  })

  test("the table of 2,000 users is sorted by its heads, which stay in sight", async () => {
    const { page } = await open(addressOf("sorted", pageWith(2000)))
    await page.getByText("All 2,000 users").click()
    const table = page.getByRole("table", { name: /Every user/ })
    const head = table.getByRole("columnheader", { name: "User" })
    const first = () => table.locator("tbody th").first().textContent()
    await head.getByRole("button").click()
    expect([await first(), await head.getAttribute("aria-sort")]).toEqual([loginOf(0), "ascending"])
    await head.getByRole("button").click()
    expect([await first(), await head.getAttribute("aria-sort")]).toEqual([loginOf(1999), "descending"])
    await table.getByRole("columnheader", { name: "Spent" }).getByRole("button").click()
    const spent = await table
      .locator("tbody td:nth-child(2)")
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-v"))))
    expect(spent).toHaveLength(2000)
    expect(spent).toEqual(spent.toSorted((one, other) => one - other))
    expect(await head.getAttribute("aria-sort")).toBeNull()
    const region = page.getByRole("region", { name: /Every user/ })
    await region.evaluate((element) => element.scrollTo(0, 20_000))
    const [top, headTop] = [await region.boundingBox(), await head.boundingBox()]
    expect(Math.abs((headTop?.y ?? 0) - (top?.y ?? 0))).toBeLessThan(5)
    await page.close()
  }, 120_000)

  test("is reached by keyboard alone, each place seen, and unfolds with Enter", async () => {
    const { page } = await open(addressOf("keys", pageWith(3)))
    const reached: string[] = []
    for (let step = 0; step < 30; step++) {
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
    expect(reached).toContain("BUTTON Lease ends solid")
    expect(reached.every((name) => name.endsWith(" solid"))).toBe(true)
    await page.locator("summary").first().focus()
    const table = page.getByRole("table", { name: /Every user/ })
    expect(await table.isVisible()).toBe(false)
    await page.keyboard.press("Enter")
    expect(await table.isVisible()).toBe(true)
    await page.close()
  })

  test("reads as well without a script, and on paper everything is unfolded", async () => {
    const { page } = await open(addressOf("paper", pageWith(3)), 1280, { noScript: true })
    expect(await page.getByRole("columnheader", { name: "Lease ends" }).textContent()).toBe("Lease ends")
    expect(await page.getByRole("img", { name: /^Spending per day/ }).count()).toBe(1)
    await page.emulateMedia({ media: "print" })
    const height = await page.locator("details table").first().boundingBox()
    expect(height?.height).toBeGreaterThan(60)
    await page.close()
  })

  test("an axis has ticks from 0 to the most, and marks within them", async () => {
    const { page } = await open(addressOf("axis", pageWith(60)))
    const ticks = await page.locator(".y span").allTextContents()
    expect(ticks[0]).toBe("$0")
    expect(ticks.length).toBeGreaterThan(2)
    expect(await page.locator(".x span").count()).toBeGreaterThan(3)
    const svg = await page.locator(".chart svg").boundingBox()
    for (const rect of await page.locator(".chart rect").all()) {
      const box = await rect.boundingBox()
      expect((box?.y ?? 0) + 0.5).toBeGreaterThanOrEqual(svg?.y ?? 0)
    }
    await page.close()
  })
})
