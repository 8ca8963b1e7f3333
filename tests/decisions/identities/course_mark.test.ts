import { expect, test } from "bun:test"
import {
  type CourseMark,
  markOf,
  markPolicyArn,
  markTags,
  sharedLedger,
  whoseCourse,
} from "../../../lib/decisions/identities/course_mark.ts"

const own = { installation: "one", machine: "m1" }

test.each<[mark: Partial<CourseMark> | null, own: typeof own, whose: ReturnType<typeof whoseCourse>]>([
  [null, own, "nobody's"],
  [{ installation: "one", machine: "m1" }, own, "ours"],
  [{ installation: "two", machine: "m1" }, own, "another ledger's"],
  // A restored clone, a moved data directory.
  [{ installation: "one", machine: "m2" }, own, "another machine's"],
  [{ installation: "one", machine: "" }, own, "ours"],
  [{ installation: "one", machine: "m1" }, { installation: "one", machine: "" }, "ours"],
  // Hosts of one PostgreSQL; and the SQLite that it came from.
  [{ installation: "one", machine: "m1" }, { installation: "one", machine: sharedLedger }, "ours"],
  [{ installation: "one", machine: sharedLedger }, own, "another machine's"],
  [
    { installation: "two", machine: sharedLedger },
    { installation: "one", machine: sharedLedger },
    "another ledger's",
  ],
])("the mark %j is, for %j, %s", (mark, mine, whose) => {
  expect(whoseCourse(mark && ({ host: "", ...mark } as CourseMark), mine)).toBe(whose)
})

test("what the tags say is read back, and tags without it are no mark", () => {
  const mark = { installation: "one", machine: "m1", host: "login1.example" }
  expect(markOf(markTags("cs61c", mark))).toEqual(mark)
  expect(markOf(null)).toBeNull()
  expect(markOf({ "ec2-wrappers:course": "cs61c" })).toBeNull()
  expect(markPolicyArn({ partition: "aws-cn", id: "1" }, "cs61c")).toBe(
    "arn:aws-cn:iam::1:policy/cs61c/cs61c-installation",
  )
})
