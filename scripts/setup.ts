import { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { privilegedPolicy } from "../lib/decisions/identities/privileged_policy.ts"
import { setUpGroup } from "../lib/operations/identities/setup.ts"
import { setup } from "../lib/terminal/declarations/setup.ts"

export const tool = defineTool({
  ...setup,
  async run(args, context, output) {
    const { aws, audit, config } = context
    if (args["print-policy"]) {
      output.line(JSON.stringify(privilegedPolicy(config, { partition: "aws", id: "*" }), null, 2))
      return
    }
    const { login } = context.caller
    const dryRun = args["dry-run"]
    const report = await setUpGroup(
      { aws, audit, config, login, actor: login },
      { dryRun, removeOthers: args["remove-other-policies"] },
    )
    const { actions, difference, others, group } = report
    if (args.json) output.json({ ...report, dry_run: dryRun })
    else {
      if (difference !== "") output.line(difference)
      for (const action of actions) output.line(`${dryRun ? "would " : ""}${action}`)
      if (actions.length === 0) output.line(`group ${group} and its policy are as they should be`)
    }
    for (const other of others) {
      output.warn(
        `group ${group} also has ${other}: students may do what it allows (--remove-other-policies removes it)`,
      )
    }
    if (others.length > 0) return ExitCode.failed
  },
})

if (import.meta.main) await main(tool)
