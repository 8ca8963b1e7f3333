/** A launch by options that name no type or image: the sensible ones, or the answer of whoever sits at the terminal. */
import type { Context } from "../../context.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { sensibleOrder } from "../../decisions/launches/sensible_order.ts"
import { limitsOf } from "../../operations/launches/limits.ts"
import { interactiveTerminal } from "../interactive_terminal.ts"
import type { Output } from "../output.ts"

/** Where nobody can be asked, a type that is missing is left to the launch, which refuses it. */
export async function completeOrder(
  context: Context,
  order: LaunchOrder,
  output: Output,
): Promise<LaunchOrder> {
  const { config, caller, interrupt } = context
  const limits = limitsOf(context, caller.login)
  const chosen = sensibleOrder(config.launch, limits, order)
  if (chosen.instanceType !== "") return chosen
  const allowed = limits.instanceTypes.join(", ")
  const terminal = interactiveTerminal(output, { asks: true, interrupt })
  const instanceType = ((await terminal.ask(`Instance type (${allowed}): `)) ?? "").trim()
  return sensibleOrder(config.launch, limits, { ...order, instanceType })
}
