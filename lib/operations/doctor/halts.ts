/** Whether anybody is frozen: what staff forgets to lift looks like a fault to students. */
import type { Config } from "../../base/config.ts"
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { haltsNow } from "../launches/halts.ts"
import { type Finding, ok, warning } from "./finding.ts"

/** How many suspended logins the finding names. */
const mostNamed = 5

export function checkHalts(deps: { usageDb: UsageDb; config: Config }): Finding[] {
  const { freeze, suspensions } = haltsNow(deps, null)
  const { name } = deps.config.course
  if (!freeze && suspensions.length === 0) return [ok("freezes", "nobody is frozen or suspended")]
  const logins = suspensions.slice(0, mostNamed).map(({ login }) => login)
  const more = suspensions.length - logins.length
  return [
    ...(freeze
      ? [
          warning(
            "freezes",
            `${name} is frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy}: ${freeze.reason}`,
            "course_freeze --lift allows launches again",
          ),
        ]
      : []),
    ...(logins.length > 0
      ? [
          ok(
            "suspensions",
            `${plural(suspensions.length, "login")}: ${logins.join(", ")}${more > 0 ? ` and ${more} more` : ""} (course_freeze --status)`,
          ),
        ]
      : []),
  ]
}
