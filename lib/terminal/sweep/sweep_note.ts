/** How a term ends: what is left over in the account is shown, and how it is removed. */
import { messageOf } from "../../base/errors.ts"
import { escapeControls } from "../../base/text.ts"
import type { Context } from "../../context.ts"
import { planSweep } from "../../operations/sweep/sweep.ts"
import type { Output } from "../output.ts"
import { sweepLines } from "./sweep_lines.ts"

/** What could not be listed is named: the accounts are removed all the same. */
export async function noteSweep(context: Context, output: Output): Promise<void> {
  try {
    const plan = await planSweep(context, [])
    const shown = plan.found.filter(({ verdict }) => verdict !== "nobody's")
    for (const line of sweepLines(plan, shown)) output.note(line)
    if (shown.length > 0)
      output.note("course_sweep shows it again, and all else; course_sweep --apply removes what is ours")
  } catch (error) {
    output.warn(escapeControls(`sweep: ${messageOf(error)}; course_sweep tries again`))
  }
}
