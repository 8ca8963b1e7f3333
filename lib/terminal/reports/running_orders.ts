/** What may be asked of everybody's instances. Apart from the table itself: help and completions need only this. */
import { UsageError } from "../../base/errors.ts"
import { escapeControls } from "../../base/text.ts"

export const runningOrders = ["owner", "since", "until", "price", "cost", "budget"] as const
export type RunningOrder = (typeof runningOrders)[number]

/** What ec2_active is asked of everybody. */
export interface EverybodyOptions {
  ids: string[]
  user?: string | undefined
  sort?: RunningOrder | undefined
}

/** What ALL does not go with. */
const others = [
  "terminate",
  "terminate-all",
  "cancel-spot-requests",
  "stop",
  "start",
  "together",
  "extend",
  "wait",
  "storage",
  "delete",
  "quota",
  "dry-run",
] as const

/** Whether ALL was typed. Throws UsageError where an option needs ALL, or does not go with it. */
export function asksOfEverybody(
  options: EverybodyOptions & Record<(typeof others)[number], boolean>,
): boolean {
  const { ids, user, sort } = options
  if (!ids.includes("ALL")) {
    const needing = user !== undefined ? "--user" : sort !== undefined ? "--sort" : null
    if (needing !== null) throw new UsageError("options", `${needing} needs ALL: ec2-active ALL ${needing}`)
    return false
  }
  if (ids.length > 1) {
    const extra = ids.find((id) => id !== "ALL") ?? "the second ALL"
    throw new UsageError("arguments", `ALL shows everybody's instances, leave ${escapeControls(extra)} out`)
  }
  const other = others.find((name) => options[name])
  if (other !== undefined)
    throw new UsageError("options", `ALL only shows, leave --${other} out (course_freeze ends instances)`)
  return true
}
