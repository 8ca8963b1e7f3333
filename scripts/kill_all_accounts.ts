import { ExitCode, UsageError } from "../lib/base/errors.ts"
import { plural, quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { lineInput } from "../lib/host/people/line_input.ts"
import { type KnownIdentity, killAll, planKillAll } from "../lib/operations/identities/kill_all.ts"

export const tool = defineTool({
  name: "kill_all_accounts",
  description: "Remove all of the course's AWS accounts: users, keys, key pairs, rows in users.db",
  arguments: {
    "terminate-instances": {
      type: "boolean",
      description: "Also of those who have instances, which are terminated",
    },
    "dry-run": { type: "boolean", description: "Show the accounts, and remove nothing" },
    json: { type: "boolean", description: "Print the result as one JSON object" },
  },
  details: `Removes the accounts in users.db, and the IAM users under the course's path or with its tag; nobody else's.
Shows them, and wants the course's name typed (on stdin). Ledger, leases and suspensions stay.`,
  async run(args, context, output) {
    const { config, clock, interrupt, audit, usersDb, aws, caller } = context
    const { progress } = output
    const deps = { config, clock, interrupt, audit, usersDb, aws, progress, actor: caller.login }
    const { name } = config.course
    const say = args.json ? () => {} : output.line
    const plan = await planKillAll(deps)
    const { identities, leftAlone } = plan
    for (const identity of identities) say(describe(identity))
    for (const { login, reason } of leftAlone) say(`${login}: left alone, ${reason}`)
    const ask = !args["dry-run"] && identities.length > 0
    if (!ask) {
      say(`${plural(identities.length, "account")} of ${name}; nothing was removed`)
      if (args.json)
        output.json({ course: name, accounts: identities, left_alone: leftAlone, removed: [], left: [] })
      return
    }
    output.note(`Type the course's name, ${name}, to remove ${plural(identities.length, "account")}:`)
    const typed = await lineInput(context).next({ mostBytes: 256 })
    if (typed?.trim() !== name) {
      throw new UsageError(
        "confirmation",
        `${quoted(typed ?? "")} was typed, wanted ${quoted(name)}; nothing was removed`,
      )
    }
    const { removed, left } = await killAll(deps, plan, { terminateInstances: args["terminate-instances"] })
    for (const login of removed) say(`${login}: removed`)
    for (const { login, what, reason } of left) say(`${login}: left: ${what}: ${reason}`)
    if (args.json) output.json({ course: name, accounts: identities, left_alone: leftAlone, removed, left })
    if (left.length > 0) return ExitCode.failed
  },
})

function describe({ login, inDatabase, inIam, instances }: KnownIdentity): string {
  const where = [...(inIam ? ["at AWS"] : []), ...(inDatabase ? ["in users.db"] : [])].join(" and ")
  const running = instances.length > 0 ? `, with ${instances.join(" ")}` : ""
  return `${login}: ${where}${running}`
}

if (import.meta.main) await main(tool)
