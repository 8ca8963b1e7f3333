/** What the operations on clusters need from outside. All of it has the student's own rights, but for what `ec2-run` does. */
import type { ClusterEc2 } from "../../aws/clusters/cluster_interfaces.ts"
import type { Clock } from "../../base/time.ts"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import type { PriceBook } from "../../decisions/pricing/prices.ts"
import type { Programs } from "../../host/processes/programs.ts"

export interface ClusterDeps {
  /** Also the name of the IAM user, and the value of the owner tag. */
  login: string
  /** Absolute; `~/.hadoop-cloud` where none was named. */
  configDir: string
  home: string
  region: string
  /** The course's: ec2-run launches nowhere else. */
  launchRegion: string
  /** The config's [launch.tags], for security groups; ec2-run puts them on what it launches. */
  launchTags: Record<string, string>
  /** What ec2-run launches where nothing is named; "" where the course has no such default. */
  defaults: { image: string; instanceType: string }
  ec2(): Promise<ClusterEc2>
  programs: Programs
  /** Paths of `ec2-run` and `ec2-active`. */
  launcher: string
  active: string
  /** This host's address as the nodes see it. */
  clientAddress(): Promise<string>
  fetchText(url: string): Promise<string>
  clock: Clock
  /** What `--timeout` says: for whatever is waited for. Null: as long as is usual for it. */
  timeoutMs: number | null
  interrupt: AbortSignal
  /** From 0 to 1, for jitter. */
  random(): number
  /** Prices for what is shown; what is admitted, ec2-run prices itself. */
  prices: PriceBook
  terminal: Terminal
  /** The same, for cleaning up after Ctrl-C or a timeout: its waits and its calls to AWS go on. */
  uninterrupted(): ClusterDeps
}

/** One cluster of the caller's. */
export interface ClusterSession {
  deps: ClusterDeps
  /** As its tag has it. */
  name: string
  /** The command line's over those of clusters.cfg. Read when first asked for, so that a mistake there keeps nobody from ending a cluster. */
  readonly settings: ClusterSettings
}

/** The person, if there is one. */
export interface Terminal {
  /** A line of the result, on stdout, for what is printed while it comes. */
  line(text: string): void
  /** A line on stderr. */
  note(text: string): void
  /** The same, after the command's name. */
  warn(text: string): void
  /** What each node is doing: one live line each on a terminal, a plain line at each change elsewhere. */
  nodes(lines: readonly { id: string; text: string }[]): void
  /** Whether a question may be asked. */
  readonly asks: boolean
  /** One line of answer, or null where nobody can be asked. */
  ask(question: string): Promise<string | null>
}

/** A program's directory for one cluster, and its files. */
export const clusterFiles = {
  knownHosts: "known_hosts",
  unverified: "unverified_hosts",
  launch: "launch.json",
  members: "members.json",
  lock: "lock",
  ended: "ended",
  site: "hadoop-site.xml",
  proxyLog: "proxy.log",
  uiLog: "ui.log",
} as const
