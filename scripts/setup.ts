import { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { privilegedPolicy } from "../lib/decisions/identities/privileged_policy.ts"
import { writeDenials } from "../lib/operations/identities/session_denials.ts"
import { setUp } from "../lib/operations/identities/setup.ts"
import { keyOnStdin, storeKey } from "../lib/operations/identities/store_key.ts"
import { planMark, requireOwnCourse } from "../lib/operations/installation/course_mark.ts"
import { setup } from "../lib/terminal/declarations/setup.ts"

export const tool = defineTool({
  ...setup,
  async run(args, context, output) {
    const { config } = context
    if (args["store-key"]) {
      const stored = await storeKey(context, await keyOnStdin(context.clock))
      if (args.json) output.json(stored)
      else
        output.line(
          `stored the key of ${stored.arn}, ${stored.rights}; what was there before: ${stored.before ?? "none"}`,
        )
      return
    }
    if (args["print-policy"]) {
      output.line(JSON.stringify(privilegedPolicy(config, { partition: "aws", id: "*" }), null, 2))
      return
    }
    const { aws, audit } = context
    const { login } = context.caller
    const dryRun = args["dry-run"]
    if (args["retire-keys"]) {
      const { retireOldKeys } = await import("../lib/terminal/retire_keys.ts")
      await requireOwnCourse(context)
      return retireOldKeys(context, { dryRun, json: args.json }, output)
    }
    const report = await setUp(
      {
        ...{ aws, audit, config, login, actor: login, writeDenials: () => writeDenials(context, login) },
        planMark: () =>
          planMark(
            { aws, config, clock: context.clock, usageDb: () => context.usageDb },
            { takeOver: args["take-over"], dryRun },
          ),
      },
      { dryRun, removeOthers: args["remove-other-policies"] },
    )
    const { actions, difference, others, role_others, group, role, notes } = report
    for (const note of notes) output.warn(note)
    if (args.json) output.json({ ...report, dry_run: dryRun })
    else {
      if (difference !== "") output.line(difference)
      for (const action of actions) output.line(`${dryRun ? "would " : ""}${action}`)
      const all =
        role === null ? `group ${group} and its policy` : `group ${group}, role ${role} and their policies`
      if (actions.length === 0) output.line(`${all} are as they should be`)
    }
    const extra = [
      ...others.map((what) => `group ${group} also has ${what}`),
      ...role_others.map((what) => `role ${role} also has ${what}`),
    ]
    for (const what of extra) {
      output.warn(`${what}: students may do what it allows (--remove-other-policies removes it)`)
    }
    if (extra.length > 0) return ExitCode.failed
  },
})

if (import.meta.main) await main(tool)
