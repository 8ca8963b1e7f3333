/** All commands of hadoop_ec2, by the names that people type. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Command } from "./command.ts"
import { connecting } from "./commands/connecting.ts"
import { ending } from "./commands/ending.ts"
import { launching } from "./commands/launching.ts"
import { looking } from "./commands/looking.ts"
import { storing } from "./commands/storing.ts"

export const commands: readonly Command[] = [...launching, ...looking, ...connecting, ...ending, ...storing]

/** Throws UsageError where there is none of that name, or it takes one of the options not. */
export function findCommand(name: string, given: readonly string[]): Command {
  const command = commands.find((one) => one.name === name || one.aliases?.includes(name))
  if (!command) {
    throw new UsageError("command", `${quoted(name)} is none of ${commands.map((one) => one.name).join(" ")}`)
  }
  const foreign = given.find((option) => !command.options?.includes(option))
  if (foreign === undefined) return command
  throw new UsageError("options", `--${foreign} means nothing to ${name} (--help lists the options)`)
}
