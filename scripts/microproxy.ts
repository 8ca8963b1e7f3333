import { defineTool, main } from "../lib/cli.ts"
import { clusterHosts } from "../lib/operations/proxy/cluster_hosts.ts"
import { runMicroproxy } from "../lib/operations/proxy/run.ts"
import { microproxy } from "../lib/terminal/declarations/microproxy.ts"

export const tool = defineTool({
  ...microproxy,
  run: (args, context, output) =>
    runMicroproxy(
      args,
      {
        clock: context.clock,
        interrupt: context.interrupt,
        clusterHosts: async (cluster) =>
          clusterHosts(await context.ownEc2(context.config.aws.region), context.caller.login, cluster),
      },
      output,
    ),
})

if (import.meta.main) await main(tool)
