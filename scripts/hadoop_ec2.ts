import type { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { clusterArguments, commandOptions, givenOptions } from "../lib/terminal/clusters/cluster_arguments.ts"
import { clusterDeps } from "../lib/terminal/clusters/cluster_deps.ts"
import { clusterCommands, findCommand } from "../lib/terminal/clusters/commands.ts"

export const tool = defineTool({
  name: "hadoop_ec2",
  description: "Launch, use and end Hadoop and Spark clusters",
  arguments: clusterArguments,
  // What follows `exec CLUSTER` is the remote command's, options and all.
  passThroughAfter: (positionals) => positionals[0] === "exec" && positionals.length === 2,
  commands: clusterCommands,
  details: `Options may stand anywhere, but everything after "exec CLUSTER" belongs to the remote command. Settings come from the
section [CLUSTER] of ~/.hadoop-cloud/clusters.cfg, where their names have underscores; the command line wins.

Launching goes through ec2-run with its limits. Everything else is done with your own credentials (~/.aws).

Every user of this host can use the port that proxy opens, and reach the cluster as you. ui opens no such port.`,
  examples: [
    { run: "hadoop-ec2 plan words 2", does: "Show what a master and two workers would cost" },
    { run: "hadoop-ec2 launch-cluster words 2", does: "Launch them and wait until they are ready" },
    { run: "hadoop-ec2 delete-cluster words", does: "Terminate them and delete their security groups" },
  ],
  exitCodes: ["4 partly launched, with the ids", "login, exec, push and pull end with ssh's own code"],
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
