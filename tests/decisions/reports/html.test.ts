import { describe, expect, test } from "bun:test"
import { barChart, escapeHtml, lineChart, table } from "../../../lib/decisions/reports/html.ts"

const attack = `<script>alert("x")</script>'&`
const dollars = (value: number) => `$${value}`
const bar = (name: string, lowest: number, highest = lowest) => ({ name, lowest, highest })

test("text is harmless in elements and attributes", () => {
  expect(escapeHtml(attack)).toBe("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;")
})

describe("nothing of a name is markup", () => {
  test.each([
    ["a table", table(attack, ["login", attack], [[attack, attack]])],
    ["bars", barChart("c", attack, [bar(attack, 1), bar(attack, 1, 2)], dollars, { named: true })],
    ["a line", lineChart("c", attack, [bar(attack, 1), bar("b", 2)], dollars)],
  ])("in %s", (_, html) => {
    expect(html).not.toContain("<script")
    expect(html).toContain("&lt;script&gt;")
  })
})

describe("a chart", () => {
  test("says in words what it shows", () => {
    const html = barChart(
      "c",
      "Cost by day",
      [bar("Monday", 1), bar("Tuesday", 3), bar("Friday", 2)],
      dollars,
    )
    expect(html).toContain('aria-labelledby="c-t c-d"')
    expect(html).toContain("From Monday to Friday; the most is $3, Tuesday.")
    expect(html).toContain("<title>Tuesday: $3</title>")
  })

  test("draws what is uncertain apart, and names both bounds", () => {
    const html = barChart("c", "t", [bar("a", 1, 2)], dollars)
    expect(html).toContain("<title>a: $1 to $2</title>")
    expect(html.match(/class="u"/g)).toHaveLength(1)
    // of 200 units the lower half is certain
    expect(html).toContain('y="100.0"')
  })

  test("of nothing says so", () => {
    for (const chart of [barChart, lineChart]) {
      expect(chart("c", "t", [], dollars)).toBe("<p>Nothing to show.</p>")
      expect(chart("c", "t", [bar("a", 0)], dollars)).toBe("<p>Nothing to show.</p>")
    }
  })

  test("of one point is no division by nothing", () => {
    expect(lineChart("c", "t", [bar("a", 5)], dollars)).toContain('points="0.0,0.0"')
  })
})
