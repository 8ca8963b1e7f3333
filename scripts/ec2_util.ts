import { UsageError } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireAccount } from "../lib/host/caller/caller.ts"

export const tool = defineTool({
  name: "ec2_util",
  description: "Make and look after your AWS account: keys, console password, the files in your home",
  arguments: {
    "delete-account": { type: "boolean", description: "Remove your AWS user with all that belongs to it" },
    "terminate-instances": {
      type: "boolean",
      description: "With --delete-account: also when you have instances, which are terminated",
    },
    init: { type: "boolean", description: "Make the account where there is none, and write the files" },
    "show-password": { type: "boolean", description: "Print the password for the AWS console" },
    "set-password": { type: "boolean", description: "Set it: asks twice on stdin" },
    "create-ssh-key": { type: "boolean", description: "Make an SSH key and write it into your home" },
    "import-ssh-key": { type: "boolean", description: "Take a public SSH key from stdin (ed25519 or RSA)" },
    "delete-ssh-key": { type: "boolean", description: "Delete the SSH key that --key-name names" },
    "dump-ssh-key": { type: "boolean", description: "Write a private SSH key into your home" },
    "rotate-secret": { type: "boolean", description: "Replace your AWS access key by a new one" },
    list: { type: "boolean", description: "Print your AWS access key and your SSH keys" },
    "key-name": { type: "string", description: "Name of the SSH key (LOGIN-default)" },
    "dry-run": { type: "boolean", description: "Say what would be done" },
    json: { type: "boolean", description: "Print the result as one JSON object" },
  },
  details: `Options may be combined; they are served in the order above, and the first failure ends it.
--init brings whatever is there to what it should be: running it again changes nothing but rewrites the files.
With --init, --import-ssh-key imports the default key, so that no private key is made or stored.`,
  async run(args, context, output) {
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
    if (!Object.values(asked).includes(true))
      throw new UsageError("options", "nothing was asked for (see --help)")
    if (asked.setPassword && asked.importSshKey) {
      throw new UsageError("options", "--set-password and --import-ssh-key both read stdin; give one of them")
    }
    requireAccount(context.caller, context.config.course)
    // Only now: --help must not wait for what it does not use.
    const { greetings } = await import("../lib/operations/enforcement/notices.ts")
    const { askPassword, askPublicKey } = await import("../lib/operations/identities/ask.ts")
    const { ownIdentity } = await import("../lib/operations/identities/deps.ts")
    const { serveRequests } = await import("../lib/operations/identities/requests.ts")
    const { settleOnTheWay } = await import("../lib/operations/launches/settle.ts")
    for (const line of [...greetings(context), ...(await settleOnTheWay(context))]) output.note(line)
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
