import { UsageError } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireMember } from "../lib/operations/roster/access.ts"
import { ec2Util } from "../lib/terminal/declarations/ec2_util.ts"

export const tool = defineTool({
  ...ec2Util,
  async run(args, context, output) {
    if (args.credentials || args.console) {
      requireMember(context)
      const { printSession } = await import("../lib/terminal/session_commands.ts")
      return printSession(args, context, output)
    }
    if (args.format !== undefined)
      throw new UsageError("options", "--format belongs to --credentials and --console")
    if (args.reason !== undefined && args.request === undefined)
      throw new UsageError("options", "--reason belongs to --request")
    const { keyName, dryRun, json, terminateInstances, ...asked } = {
      keyName: args["key-name"] ?? null,
      dryRun: args["dry-run"],
      json: args.json,
      terminateInstances: args["terminate-instances"],
      deleteAccount: args["delete-account"],
      init: args.init,
      showPassword: args["show-password"],
      setPassword: args["set-password"],
      createSshKey: args["create-ssh-key"],
      importSshKey: args["import-ssh-key"],
      deleteSshKey: args["delete-ssh-key"],
      dumpSshKey: args["dump-ssh-key"],
      rotateSecret: args["rotate-secret"],
      list: args.list,
    }
    if (args.request !== undefined) {
      if (Object.values(asked).includes(true)) throw new UsageError("options", "--request is used by itself")
      requireMember(context)
      const { askAsStudent } = await import("../lib/terminal/requests/request_commands.ts")
      return askAsStudent({ request: args.request, reason: args.reason, json }, context, output)
    }
    if (!Object.values(asked).includes(true))
      throw new UsageError("options", "nothing was asked for (see --help)")
    if (asked.setPassword && asked.importSshKey) {
      throw new UsageError("options", "--set-password and --import-ssh-key both read stdin; give one of them")
    }
    requireMember(context)
    // Only now: --help must not wait for what it does not use.
    const { pendingNotices } = await import("../lib/operations/enforcement/notices.ts")
    const { askPassword, askPublicKey } = await import("../lib/operations/identities/ask.ts")
    const { ownIdentity } = await import("../lib/operations/identities/deps.ts")
    const { serveRequests } = await import("../lib/operations/identities/requests.ts")
    const { settleOpportunistically } = await import("../lib/operations/launches/settle.ts")
    for (const line of [...pendingNotices(context), ...(await settleOpportunistically(context))])
      output.note(line)
    const { init, rotateSecret, createSshKey, deleteSshKey, deleteAccount } = asked
    const changes = [init, rotateSecret, createSshKey, deleteSshKey, deleteAccount, asked.importSshKey]
    if (changes.includes(true) || asked.setPassword) {
      const { requireOwnCourse } = await import("../lib/operations/installation/course_mark.ts")
      await requireOwnCourse(context)
    }
    const newPassword = asked.setPassword ? await askPassword(context, output.note) : null
    const importSshKey = asked.importSshKey ? await askPublicKey(context) : null
    const report = await serveRequests(
      ownIdentity(context, output.progress),
      { ...asked, terminateInstances, keyName, dryRun, newPassword, importSshKey },
      json ? () => {} : output.line,
    )
    if (json) output.json(report)
  },
})

if (import.meta.main) await main(tool)
