/** Whether the course at AWS is this installation's. */
import type { Aws } from "../../aws/interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import type { Config } from "../../base/config.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { courseOfOthers } from "../installation/course_mark.ts"
import { type Finding, failing, ok, warning } from "./finding.ts"

export interface CourseDeps {
  config: Config
  aws: Aws
  clock: Clock
  usageDb(): UsageDb
}

export async function checkCourse({ config, aws, clock, usageDb }: CourseDeps): Promise<Finding[]> {
  const what = `course ${config.course.name}`
  try {
    const { mark, refusal } = await courseOfOthers({ config, aws, clock, usageDb: usageDb() })
    if (refusal)
      return [
        failing(
          what,
          refusal.reason,
          "run setup --take-over if it is to go on here; else remove this installation",
        ),
      ]
    if (mark === null)
      return [warning(what, "carries no mark: a second installation would go unnoticed", "run setup")]
    return [ok(what, "is this installation's")]
  } catch (error) {
    if (!hasCode(error, "AccessDenied")) throw error
    const todo = "attach what setup --print-policy prints, then run setup"
    return [warning(what, "the key may not ask whose it is", todo)]
  }
}
