/** Pages and policies made to take long: none may hold up what everybody else waits for. */
import { expect, test } from "bun:test"
import { scriptNonceOf } from "../../../lib/decisions/proxy/policy.ts"
import { rewritten } from "./oracle.ts"

/** Microseconds of this process. */
function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage().user
  work()
  return process.cpuUsage().user - before
}

test.each([
  ["<noscript>"],
  ["<noscript><p>x</p>"],
  ["<style>a</style>"],
  ["<noscript></x"],
  ["<script><!--></x"],
  [`<script type=importmap>"\\\\"`],
])("a page of nothing but %s takes no time to speak of", (unit) => {
  const ordinary = "<p>x</p>".repeat(40_000)
  const page = unit.repeat(ordinary.length / unit.length)
  rewritten(page.slice(0, 1000))
  // Where each element is searched for its end on its own, it takes ten thousand times longer.
  expect(cpuOf(() => rewritten(page))).toBeLessThan(
    500 *
      Math.max(
        1000,
        cpuOf(() => rewritten(ordinary)),
      ),
  )
})

test("an element that does not end is read like any other, and so are those behind it", () => {
  const page = "<noscript><a href=/x></a>".repeat(4000)
  expect(rewritten(page).split("<noscript><a href=/10.0.0.1/8088/x></a>")).toHaveLength(4001)
})

test.each([["script-src "], ["script-src 'nonce-"], ["default-src"]])(
  "a policy of nothing but %s takes no time to speak of",
  (unit) => {
    const steps = (length: number) => {
      const policy = unit.repeat(length / unit.length)
      return cpuOf(() => {
        for (let i = 0; i < 4; i++) scriptNonceOf([policy])
      })
    }
    steps(1000)
    expect(steps(64_000)).toBeLessThan(128 * Math.max(1000, steps(2000)))
  },
)

test("a nonce of attributes lets no script run", () => {
  expect(scriptNonceOf(["script-src-attr 'nonce-a'; script-src 'nonce-b'"])).toBe("b")
  expect(scriptNonceOf(["default-src 'nonce-a', script-src-elem 'nonce-b'"])).toBe("b")
})
