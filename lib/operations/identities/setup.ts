/** What the course has at IAM for its students: looked at, and brought to what the config's kinds of credentials need. */
import { AwsError, hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { studentPolicyName } from "../../decisions/identities/student_policy.ts"
import { audited, iamOf } from "./deps.ts"
import { planGroup } from "./setup_group.ts"
import type { SetupDeps } from "./setup_plan.ts"
import { planRole } from "./setup_role.ts"

export interface SetupOptions {
  dryRun: boolean
  /** Remove policies of group and role that are not ours: whatever they allow, students may do. */
  removeOthers: boolean
}

export interface SetupReport {
  group: string
  /** Null where the course has no role. */
  role: string | null
  policy: string
  /** What was done, or would be; nothing where all was right. */
  actions: string[]
  /** Unified diffs from what was found to what is wanted; "" where they say the same. */
  difference: string
  /** Policies of the group, and of the role, besides ours that stay. */
  others: string[]
  role_others: string[]
  /** What could not be done, and keeps nothing else from being done. */
  notes: string[]
}

/**
 * Makes what the config needs and changes what differs. Never removes what the other kind of credentials uses. Running it again
 * changes nothing; killed anywhere, the next run goes on.
 */
export async function setUp(deps: SetupDeps, { dryRun, removeOthers }: SetupOptions): Promise<SetupReport> {
  const mark = await deps.planMark()
  const callerArn = await (await iamOf(deps)).callerArn()
  const group = await planGroup(deps, { callerArn, removeOthers })
  const role = await planRole(deps, { callerArn, removeOthers })
  const before = [...group.actions, ...role.making]
  const done = [...before, ...role.actions].map(({ what }) => what)
  const notes = [...mark.notes]
  if (dryRun) done.unshift(...mark.actions.map(({ what }) => what))
  else {
    for (const { what, act } of mark.actions) {
      // First: of two installations that begin at once, one has to stop before it changes what the other made.
      const failed = await audited(deps, what, act).then(() => null, unlessTaken)
      if (failed === null) done.unshift(what)
      else notes.push(`not done: ${what}: ${failed}`)
    }
    for (const { what, act } of before) await audited(deps, what, act)
    // A role made anew has lost its denials: they come before what it allows.
    if (role.role !== null && (await deps.writeDenials())) done.push(`write the denials of role ${role.role}`)
    for (const { what, act } of role.actions) await audited(deps, what, act)
  }
  return {
    group: deps.config.course.iamGroup,
    role: role.role,
    policy: studentPolicyName,
    actions: done,
    difference: [group.difference, ...role.differences].filter((text) => text !== "").join("\n"),
    others: group.others.map(({ what }) => what),
    role_others: role.others.map(({ what }) => what),
    notes,
  }
}

/** An endpoint, or a key of before, that cannot mark the course is no reason to stop; another's mark is. */
function unlessTaken(error: unknown): string {
  if (hasCode(error, "EntityAlreadyExists"))
    throw new Failed("course", "another setup has just marked it; run setup again", { cause: error })
  if (error instanceof AwsError) return error.message
  throw error
}
