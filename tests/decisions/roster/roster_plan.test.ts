import { describe, expect, test } from "bun:test"
import type { RosterEntry } from "../../../lib/decisions/roster/roster_entry.ts"
import { planRoster, type RosterBefore, whyDoubtful } from "../../../lib/decisions/roster/roster_plan.ts"

const entry = (login: string, person = "", ...sections: string[]): RosterEntry => ({
  ...{ login, person, sections, email: "", fullName: "" },
})
const before = (entries: RosterEntry[], more: Partial<RosterBefore> = {}): RosterBefore => ({
  entries,
  unlisted: [],
  holderOf: (login) => entries.find((one) => one.login === login)?.person ?? null,
  isDropped: () => false,
  isStaff: (login) => login === "ta",
  ...more,
})
const whole = { isWhole: true }
const loginsOf = (entries: { login: string }[]) => entries.map(({ login }) => login)

describe("a plan of an import", () => {
  test("adds, changes, drops, and counts the rest", () => {
    const plan = planRoster(
      before([entry("a", "1", "101"), entry("b", "2", "101"), entry("c", "3", "102")]),
      [entry("a", "1", "101"), entry("b", "2", "102"), entry("d", "4", "101")],
      whole,
    )
    expect(loginsOf(plan.added)).toEqual(["d"])
    expect(loginsOf(plan.changed)).toEqual(["b"])
    expect(loginsOf(plan.dropped)).toEqual(["c"])
    expect(plan.unchanged).toBe(1)
    expect(loginsOf(plan.entries)).toEqual(["a", "b", "d"])
  })

  test("of a section's file drops nobody of another one", () => {
    const known = [
      entry("a", "", "101"),
      entry("b", "", "101"),
      entry("c", "", "102"),
      entry("d", "", "101", "102"),
    ]
    const plan = planRoster(before(known), [entry("a", "", "101")], { isWhole: false })
    expect(loginsOf(plan.dropped)).toEqual(["b"])
    expect(loginsOf(plan.entries)).toEqual(["a", "c", "d"])
  })

  test("never drops staff, and hands nothing of theirs over", () => {
    const plan = planRoster(before([entry("a"), entry("ta", "1")]), [entry("a")], whole)
    expect(plan).toMatchObject({ dropped: [], keptStaff: ["ta"] })
    expect(loginsOf(plan.entries)).toEqual(["a", "ta"])
    expect(planRoster(before([entry("ta", "1")]), [entry("ta", "2")], whole).handedOver).toEqual([])
  })

  test("drops at first what has an account and is not named", () => {
    const plan = planRoster(before([], { unlisted: ["a", "b", "ta"] }), [entry("a")], whole)
    expect(loginsOf(plan.dropped)).toEqual(["b"])
  })

  test("sees another person behind a login, also one that was dropped in between", () => {
    const known = before([entry("a", "1")], { holderOf: (login) => ({ a: "1", b: "7" })[login] ?? null })
    const plan = planRoster(known, [entry("a", "2"), entry("b", "8"), entry("c", "9")], whole)
    expect(plan.handedOver).toEqual([
      { login: "a", from: "1", to: "2" },
      { login: "b", from: "7", to: "8" },
    ])
  })

  test("takes a file without numbers to name the same people", () => {
    const plan = planRoster(before([entry("a", "1")]), [entry("a")], whole)
    expect(plan).toMatchObject({ handedOver: [], changed: [], unchanged: 1 })
    expect(plan.entries).toEqual([entry("a", "1")])
  })

  test("is doubtful beyond a tenth, not at it; and where it leaves nobody, or its file breaks off", () => {
    const twenty = Array.from({ length: 20 }, (_, index) => entry(`s${index}`))
    const doubt = (people: RosterEntry[], isCutOff = false) =>
      whyDoubtful(planRoster(before(twenty), people, whole), { isCutOff })
    expect(doubt(twenty.slice(2))).toBeNull()
    expect(doubt(twenty.slice(3))).toBe("drops 3 of 20 people, more than a tenth")
    expect(doubt([])).toBe("leaves nobody on the roster")
    expect(doubt(twenty, true)).toBe("breaks off: its last line has no end")
  })
})
