/** `ec2-active ALL`, from its options to its lines. */
import { Refused, UsageError } from "../../base/errors.ts"
import { loginPattern } from "../../base/login.ts"
import { quoted } from "../../base/text.ts"
import type { Context } from "../../context.ts"
import { runningNow } from "../../operations/reports/running_now.ts"
import { staleness } from "../../operations/usage/staleness.ts"
import type { Output } from "../output.ts"
import { runningJson, runningLines } from "./running_lines.ts"
import type { EverybodyOptions } from "./running_orders.ts"

export async function showEverybody(
  context: Context,
  { user, sort = "owner", json }: EverybodyOptions & { json: boolean },
  output: Output,
): Promise<void> {
  const { caller, config, clock, usageDb } = context
  if (!caller.isStaff)
    throw new Refused("ALL", `${caller.login} may see their own instances only, not everybody's; staff may`)
  if (user !== undefined && !loginPattern.test(user))
    throw new UsageError("options", `--user ${quoted(user)} is no login`)
  const now = await runningNow(context, user ?? null)
  for (const note of now.notes) output.warn(note)
  const stale = staleness(usageDb, config, clock)
  if (stale !== null) output.warn(stale)
  if (json) output.json(runningJson(now, sort, clock.now()))
  else for (const line of runningLines(now, config.course.name, sort, clock.now())) output.line(line)
}
