import type { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { commandHelp, findCommand } from "../lib/operations/clusters/commands.ts"
import { clusterArguments, commandOptions, givenOptions } from "../lib/terminal/cluster_arguments.ts"
import { clusterDeps } from "../lib/terminal/cluster_deps.ts"

export const tool = defineTool({
  name: "hadoop_ec2",
  description: "Launch Hadoop and Spark clusters, use them, end them",
  arguments: clusterArguments,
  // What follows `exec CLUSTER` is the remote command's, options and all.
  passThroughAfter: (positionals) => positionals[0] === "exec" && positionals.length === 2,
  details: `${commandHelp()}

Options may stand anywhere, but after "exec CLUSTER" everything belongs to the remote command. Settings come from the section
[CLUSTER] of ~/.hadoop-cloud/clusters.cfg, where they have underscores; the command line wins. Launching goes through
ec2-run, with its limits; everything else is done with your own credentials (~/.aws).

The port of proxy is open to every user of this host: whoever knows it can reach the cluster as you. ui opens none.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a limit, 4 partly launched (with the ids); login, exec, push and pull end with
ssh's own.`,
  async run(args, context, output) {
    const command = findCommand(args.command, givenOptions(args))
    const call = { words: args.words, options: commandOptions(args) }
    const result = await command.run(clusterDeps(context, args, output), call)
    if (args.json && result.json !== undefined) output.json(result.json)
    else for (const line of result.lines ?? []) output.line(line)
    await result.afterwards?.()
    return (result.code ?? 0) as ExitCode
  },
})

if (import.meta.main) await main(tool)
