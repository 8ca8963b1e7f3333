/** The login that was meant. */
import { expect, test } from "bun:test"
import { nearestLogin } from "../../../lib/decisions/enforcement/nearest_login.ts"

const known = ["cs61c-aa", "cs61c-ab", "cs61c-ta", "alice"]

test.each([
  ["cs61c-ac", "cs61c-aa"],
  ["cs61c_ta", "cs61c-ta"],
  ["allice", "alice"],
  ["c61c-ab", "cs61c-ab"],
  ["zz", null],
  ["root", null],
])("of %s it is %s", (typed, nearest) => {
  expect(nearestLogin(typed, known)).toBe(nearest)
})
