/** The name that was meant. */
import { expect, test } from "bun:test"
import { didYouMean, nearestName } from "../../lib/base/nearest.ts"

const known = ["cs61c-aa", "cs61c-ab", "cs61c-ta", "alice"]

test.each([
  ["cs61c-ac", "cs61c-aa"],
  ["cs61c_ta", "cs61c-ta"],
  ["allice", "alice"],
  ["c61c-ab", "cs61c-ab"],
  ["zz", null],
  ["root", null],
])("of %s it is %s", (typed, nearest) => {
  expect(nearestName(typed, known)).toBe(nearest)
})

test("is said in a sentence only where there is one", () => {
  expect(didYouMean("--terminat", ["--terminate", "--stop"])).toBe(", did you mean --terminate?")
  expect(didYouMean("xyz", ["terminate"])).toBe("")
  expect(didYouMean("xyz", [])).toBe("")
})
