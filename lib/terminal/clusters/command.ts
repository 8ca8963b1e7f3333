/** What a command of hadoop-ec2 is, and what it is called with. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { type ClusterPlan, planCluster } from "../../decisions/clusters/cluster_plan.ts"
import { requireClusterName } from "../../decisions/clusters/names.ts"
import { shellCommand } from "../../decisions/ssh/shell_words.ts"
import { runToNode } from "../../operations/clusters/connect.ts"
import type { ClusterDeps, ClusterSession } from "../../operations/clusters/deps.ts"
import type { ClusterNode } from "../../operations/clusters/nodes.ts"
import { clusterSession } from "../../operations/clusters/settings_file.ts"
import type { CommandOptions, LimitedOption } from "./cluster_arguments.ts"

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
  /** Options that this command takes, besides those that all take. */
  options?: readonly LimitedOption[]
  run(deps: ClusterDeps, call: Call): Promise<CommandResult>
}

/** For a command that takes any number of words. */
export const anyNumber = Number.POSITIVE_INFINITY

/**
 * The cluster that the first word names, and the words after it; throws UsageError unless these are `least` to `most` and its
 * settings are right.
 */
export function openCluster(
  deps: ClusterDeps,
  call: Call,
  least: number,
  most: number,
): { session: ClusterSession; rest: string[] } {
  const opened = openByName(deps, call, least, most)
  void opened.session.settings
  return opened
}

/** Opens a cluster for a command that needs no settings: a mistake in clusters.cfg keeps nobody from seeing and ending a cluster. */
export function openByName(
  deps: ClusterDeps,
  { words, options }: Call,
  least: number,
  most: number,
): { session: ClusterSession; rest: string[] } {
  const [cluster, ...rest] = words
  if (cluster === undefined) throw new UsageError("arguments", "CLUSTER is missing (--help shows the usage)")
  requireClusterName(cluster)
  if (rest.length < least)
    throw new UsageError("arguments", `something is missing after ${cluster} (--help shows the usage)`)
  if (rest.length > most) throw new UsageError("arguments", `unexpected argument ${quoted(rest[most] ?? "")}`)
  return { session: clusterSession(deps, cluster, options.settings), rest }
}

/** The plan that the words ask for; a notice names the roles that took the place of old ones. */
export function planOf(deps: ClusterDeps, words: readonly string[]): ClusterPlan {
  const plan = planCluster(words)
  for (const notice of plan.notices) deps.terminal.warn(notice)
  return plan
}

/** Runs ssh or scp as if the person had; in a dry run, shows the command instead. */
export async function runConnected(
  session: ClusterSession,
  { options }: Call,
  node: ClusterNode,
  argv: readonly string[],
): Promise<CommandResult> {
  if (options.dryRun) return commandShown(argv)
  return { code: await runToNode(session, node, argv) }
}

/** The result of a dry run: the command line itself. */
export function commandShown(argv: readonly string[]): CommandResult {
  return { lines: [shellCommand(argv)], json: { command: argv } }
}

/** The result where the person did not confirm. */
export const notDone: CommandResult = { lines: ["Nothing was done."], json: { done: false } }

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
