/** All commands of hadoop-ec2, by the names that people type. */
import { UsageError } from "../../base/errors.ts"
import { unknownCommand } from "../arguments.ts"
import type { LimitedOption } from "./cluster_arguments.ts"
import type { Command } from "./command.ts"
import { connectCommands } from "./commands/connect.ts"
import { endCommands } from "./commands/end.ts"
import { inspectCommands } from "./commands/inspect.ts"
import { launchCommands } from "./commands/launch.ts"
import { storeCommands } from "./commands/store.ts"

export const clusterCommands: readonly Command[] = [
  ...launchCommands,
  ...inspectCommands,
  ...connectCommands,
  ...endCommands,
  ...storeCommands,
]

/** The command of that name; throws UsageError where there is none, or where it does not take an option that was given. */
export function findCommand(name: string, given: readonly LimitedOption[]): Command {
  const command = clusterCommands.find((one) => one.name === name || one.aliases?.includes(name))
  if (!command) {
    throw unknownCommand(
      name,
      clusterCommands.map((one) => one.name),
    )
  }
  const foreign = given.find((option) => !command.options?.includes(option))
  if (foreign === undefined) return command
  throw new UsageError("options", `${name} does not take --${foreign} (--help lists the options)`)
}
