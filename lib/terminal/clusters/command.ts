/** What a command is, and what it is called with. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { type ClusterPlan, planCluster } from "../../decisions/clusters/cluster_plan.ts"
import { requireClusterName } from "../../decisions/clusters/names.ts"
import type { ClusterSettings, RawSettings } from "../../decisions/clusters/settings.ts"
import { shellCommand } from "../../decisions/clusters/shell_words.ts"
import { runToNode } from "../../operations/clusters/connect.ts"
import type { ClusterDeps } from "../../operations/clusters/deps.ts"
import type { ClusterNode } from "../../operations/clusters/nodes.ts"
import { clusterSettings } from "../../operations/clusters/settings_file.ts"

/** What the options of the command line said, but for those that are settings of the cluster. */
export interface CommandOptions {
  settings: RawSettings
  dryRun: boolean
  yes: boolean
  resume: boolean
  skipDecommission: boolean
  onFailure: "keep" | "terminate" | null
  goals: string | null
}

export interface CommandResult {
  lines?: string[]
  json?: unknown
  /** ssh's, where it is passed through. */
  code?: number
  /** What goes on once the result is printed. */
  afterwards?: () => Promise<void>
}

export interface Call {
  /** What stands after the command. */
  words: string[]
  options: CommandOptions
}

export interface Command {
  name: string
  aliases?: readonly string[]
  /** The arguments, as the help shows them: words in brackets may be left out, `…` repeats. */
  usage: string
  summary: string
  /** Options of the command line that it takes, besides those that all take. */
  options?: readonly string[]
  run(deps: ClusterDeps, call: Call): Promise<CommandResult>
}

/** The options that choose what is launched. */
export const launchOptions = [
  ..."image-id instance-type key-name env user-data-file user-packages availability-zone placement-group".split(
    " ",
  ),
  ..."subnet-id client-cidr security-group iam-instance-profile root-volume lease auto-shutdown tag".split(
    " ",
  ),
  ..."use-spot spot-master spot-fallback max-price open-ui public-key".split(" "),
  ..."on-failure timeout".split(" "),
]
/** The options that choose how nodes are reached. */
export const sshOptionNames = ["private-key", "ssh-options", "ssh-user", "client-cidr", "key-name"]

/** The cluster's name, its settings, and the words after it, of which there must be `least` to `most`. */
export function clusterCall(
  deps: ClusterDeps,
  { words, options }: Call,
  least: number,
  most: number,
): { cluster: string; settings: ClusterSettings; rest: string[] } {
  const [cluster, ...rest] = words
  if (cluster === undefined) throw new UsageError("arguments", "CLUSTER is missing (--help shows the usage)")
  requireClusterName(cluster)
  if (rest.length < least)
    throw new UsageError("arguments", `something is missing after ${cluster} (--help shows the usage)`)
  if (rest.length > most) throw new UsageError("arguments", `unexpected argument ${quoted(rest[most] ?? "")}`)
  return { cluster, settings: clusterSettings(deps, cluster, options.settings), rest }
}

/** The plan that the words ask for; what it understood by old names is said. */
export function planned(deps: ClusterDeps, words: readonly string[]): ClusterPlan {
  const plan = planCluster(words)
  for (const notice of plan.notices) deps.terminal.warn(`${notice}`)
  return plan
}

/** Runs ssh or scp as if the person had; in a dry run, shows the command instead. */
export async function connected(
  deps: ClusterDeps,
  { options }: Call,
  settings: ClusterSettings,
  node: ClusterNode,
  argv: readonly string[],
): Promise<CommandResult> {
  if (options.dryRun) return wouldRun(argv)
  return { code: await runToNode(deps, settings, node, argv) }
}

export function wouldRun(argv: readonly string[]): CommandResult {
  return { lines: [shellCommand(argv)], json: { command: argv } }
}

/** Asks for `yes`, unless `--yes` said it; throws UsageError where nobody can be asked. */
export async function confirm(
  deps: ClusterDeps,
  options: CommandOptions,
  facts: readonly string[],
  question: string,
): Promise<boolean> {
  if (options.yes) return true
  for (const fact of facts) deps.terminal.note(fact)
  const answer = await deps.terminal.ask(`${question} [yes/no] `)
  if (answer === null) throw new UsageError("confirmation", "nobody can be asked here (--yes answers)")
  return answer.trim() === "yes"
}
