import { type ExitCode, UsageError } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { copyFilesCommand, loginCommand } from "../lib/operations/ssh/log_in.ts"
import { idAndWords, meantInstance } from "../lib/operations/ssh/own_instance.ts"
import { loginTarget, reach } from "../lib/operations/ssh/reach.ts"
import { ec2Ssh } from "../lib/terminal/declarations/ec2_ssh.ts"
import { relayStdio } from "../lib/terminal/ssh/relay.ts"
import { shellDeps, userAsked } from "../lib/terminal/ssh/shell_deps.ts"
import { launchWithJupyter, showNotebook } from "../lib/terminal/ssh/show_notebook.ts"

export const tool = defineTool({
  ...ec2Ssh,
  // What follows the command's first word is the command's, options and all.
  passThroughAfter: (positionals) => positionals.length === (/^i-/.test(positionals[0] ?? "") ? 2 : 1),
  async run(args, context, output) {
    const named = idAndWords(args.words)
    const { rest } = named
    const user = userAsked(args.user)
    if (args.copy && args.stdio) throw new UsageError("options", "--copy and --stdio exclude each other")
    if (args.launch && (!args.jupyter || named.id !== null))
      throw new UsageError("options", "--launch needs --jupyter and no instance id")
    if (args.jupyter && (rest.length > 0 || args.copy || args.stdio))
      throw new UsageError("options", "--jupyter takes an instance id and nothing else")
    if (args.stdio && (named.id === null || rest.length > 0))
      throw new UsageError("arguments", "--stdio takes an instance id and no command")
    const deps = shellDeps(context, args, output)
    const id = args.launch ? await launchWithJupyter(deps, output) : named.id
    const meant = await meantInstance(deps, id)
    const reached = await reach(deps, meant)
    if (output.interactive) output.progress("")
    if (args.stdio) return relayStdio(reached.address, context.interrupt)
    const target = await loginTarget(deps, meant, reached, user)
    if (args.jupyter) return showNotebook(deps, target, output)
    const argv = args.copy ? copyFilesCommand(target, rest) : loginCommand(target, rest, { tty: args.tty })
    return (await deps.programs.runAttached(argv)) as ExitCode
  },
})

if (import.meta.main) await main(tool)
