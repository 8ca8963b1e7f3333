/** The role of students' sessions: is it there, is it ours, and does AWS give a session of it? */
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { usesMode } from "../../decisions/identities/credential_mode.ts"
import { accountOfArn } from "../../decisions/identities/policy_document.ts"
import { isRoleSession, studentRoleArn } from "../../decisions/identities/student_role.ts"
import { planRole } from "../identities/setup_role.ts"
import { adviceOn } from "./advice.ts"
import { type Finding, failing, ok } from "./finding.ts"

/** The least that STS takes. */
const shortestSessionMs = 900_000
/** A login that owns nothing. */
const nobody = "doctor"

export async function checkRole(deps: { config: Config; aws: Aws }, callerArn: string): Promise<Finding[]> {
  const plan = await planRole(deps, { callerArn, removeOthers: false })
  if (plan.role === null) return []
  const what = `role ${plan.role}`
  if (plan.making.length > 0) return [failing(what, "does not exist", "run setup")]
  if (plan.strangers.length > 0) {
    const found = `trusts ${plan.strangers.join(", ")}, the id of a user or role that is gone: nobody gets a session`
    return [failing(what, `${found}; one made anew under the same name is another`, "run setup")]
  }
  if (plan.actions.length > 0) {
    const differs = plan.actions.map((action) => action.what).join("; ")
    return [failing(what, `differs from ours: ${differs}`, "run setup --dry-run, then setup")]
  }
  if (plan.others.length > 0) {
    const names = plan.others.map((other) => other.what).join(", ")
    return [
      failing(
        what,
        `has more policies, which may allow what costs money: ${names}`,
        "run setup --remove-other-policies",
      ),
    ]
  }
  const right = ok(what, "has the trust and the policies that are wanted, and no other")
  return usesMode(deps.config, "sessions") ? [right, await checkSession(deps, callerArn)] : [right]
}

/** Asks for the shortest session of a login that owns nothing. */
async function checkSession({ config, aws }: { config: Config; aws: Aws }, arn: string): Promise<Finding> {
  const what = "sessions"
  try {
    await (await aws.sts()).assumeRole({
      roleArn: studentRoleArn(accountOfArn(arn), config.course.name),
      sessionName: nobody,
      tags: { [tagOf.owner]: nobody },
      durationMs: isRoleSession(arn) ? null : shortestSessionMs,
    })
    return ok(what, "are given by AWS")
  } catch (error) {
    return failing(what, messageOf(error), adviceOn(error, "run setup"))
  }
}
