/** What the operations on clusters need, out of the context and the person at the terminal. */
import { join, resolve } from "node:path"
import type { Context } from "../../context.ts"
import { activePath, launcherPath } from "../../host/config/config_programs.ts"
import { systemPrograms } from "../../host/processes/programs.ts"
import { clientAddress, fetchText } from "../../host/web.ts"
import type { ClusterDeps } from "../../operations/clusters/deps.ts"
import { interactiveTerminal } from "../interactive_terminal.ts"
import type { Output } from "../output.ts"
import { type ClusterArguments, timeoutOf } from "./cluster_arguments.ts"

/** Opens nothing yet: EC2 is connected to at its first use. Throws UsageError where --timeout is not a duration. */
export function clusterDeps(context: Context, args: ClusterArguments, output: Output): ClusterDeps {
  const { config, caller, clock, interrupt, abandon } = context
  const region = args.region ?? config.aws.region
  let ec2: ReturnType<ClusterDeps["ec2"]> | undefined
  const deps: ClusterDeps = {
    login: caller.login,
    home: caller.home,
    configDir: args["config-dir"] ? resolve(args["config-dir"]) : join(caller.home, ".hadoop-cloud"),
    region,
    launchRegion: config.aws.region,
    defaults: { image: config.launch.image, instanceType: config.launch.instanceType },
    launchTags: config.launch.tags,
    ec2() {
      ec2 ??= context.ownEc2(region)
      return ec2
    },
    programs: systemPrograms,
    launcher: launcherPath(),
    active: activePath(),
    clientAddress: () => clientAddress(config.aws.endpoint),
    fetchText,
    clock,
    timeoutMs: timeoutOf(args),
    interrupt,
    random: Math.random,
    prices: {
      overrides: config.prices.onDemand,
      spotFactor: config.prices.spotFactor,
      kept: () => [],
      spot: () => [],
    },
    terminal: interactiveTerminal(output, { asks: !args["no-input"], interrupt }),
    uninterrupted() {
      const never = new AbortController().signal
      return {
        ...deps,
        interrupt: never,
        timeoutMs: null,
        // Questions still end with the next Ctrl-C.
        terminal: interactiveTerminal(output, {
          asks: !args["no-input"],
          interrupt: interrupt.aborted ? abandon : interrupt,
        }),
      }
    },
  }
  return deps
}
