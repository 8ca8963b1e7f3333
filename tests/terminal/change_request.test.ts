/** What ec2_active is asked to change. */
import { expect, test } from "bun:test"
import { type ChangeOptions, changeAsked } from "../../lib/terminal/launches/change_request.ts"

const nothing = Object.fromEntries(
  ["terminate", "terminate-all", "cancel-spot-requests", "stop", "start", "together", "extend", "delete"].map(
    (name) => [name, false],
  ),
) as unknown as Omit<ChangeOptions, "ids">

test.each([
  [["terminate", "i-1"], 'unexpected argument "terminate", did you mean --terminate?'],
  [["stpo"], 'unexpected argument "stpo", did you mean --stop?'],
  [["i-1"], 'unexpected argument "i-1"'],
])("%j without an option names the one that was meant", (ids, reason) => {
  expect(() => changeAsked({ ...nothing, ids })).toThrow(reason)
})

test("two changes at once are refused", () => {
  expect(() => changeAsked({ ...nothing, stop: true, start: true, ids: ["i-1"] })).toThrow(
    "exclude each other",
  )
})
