/** The options of hadoop_ec2 for all of its commands; each command says which ones mean something to it. */

import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { parseDuration } from "../../base/time.ts"
import type { RawSettings, SettingKey } from "../../decisions/clusters/settings.ts"
import type { Arguments, ArgumentTable } from "../arguments.ts"

const text = (description: string, alias: string[] = []) => ({ type: "string", description, alias }) as const
const list = (description: string, alias: string[] = []) =>
  ({ type: "string", multiple: true, description, alias }) as const
const flag = (description: string, alias: string[] = []) => ({ type: "boolean", description, alias }) as const

/** What clusters.cfg may say as well: the same names with underscores. */
const settingArguments = {
  "image-id": text("Machine image", ["a", "ami"]),
  "instance-type": list("TYPE of all instances, or ROLES=TYPE of those with a role; repeatable", ["t"]),
  "key-name": text("SSH key pair (LOGIN-default)", ["k"]),
  "private-key": text("File of its private half, for ssh (~/KEY.pem)"),
  "public-key": text("Ignored, for compatibility"),
  "ssh-options": text("Further options for ssh; ours for host keys come first"),
  "ssh-user": text("Login on the nodes (hadoop)"),
  "user-data-file": text("Boot script instead of ours: a path or a URL", ["f"]),
  env: list("NAME=VALUE for the boot script; repeatable; no secrets", ["e"]),
  "user-packages": text("Packages to install, separated by blanks", ["p"]),
  pip: text("File of requirements that pip installs on each node, as the login user"),
  "auto-shutdown": text("Old name of --lease, in minutes"),
  lease: text("For how long it may run, e.g. 4h"),
  "availability-zone": text("Zone", ["z"]),
  "placement-group": text("Placement group"),
  "subnet-id": text("Subnet; its VPC gets the security groups"),
  "client-cidr": list("Networks that may come in by ssh (this host's address); repeatable"),
  "security-group": list("A further security group; repeatable"),
  "iam-instance-profile": text("Instance profile, for S3"),
  "root-volume": text("Size of the root volume in GiB"),
  "proxy-port": text("SOCKS port of proxy (6666)"),
  "use-spot": flag("Workers on the spot market"),
  "spot-master": flag("The master too"),
  "spot-fallback": text("on-demand: where there is no spot capacity"),
  "max-price": text("Most US$ per hour and spot instance"),
  "open-ui": flag("Open the web pages' ports to the client's networks (ui needs none)"),
  tag: list("KEY=VALUE on everything launched; repeatable"),
  "cloud-provider": text("Only ec2, for compatibility"),
} as const satisfies ArgumentTable

export const clusterArguments = {
  command: { type: "positional", description: "What to do: see COMMANDS", required: true },
  words: {
    type: "positional",
    multiple: true,
    completes: "cluster",
    description: "CLUSTER, and what the command takes",
    required: false,
  },
  ...settingArguments,
  resume: flag("launch-cluster: launch what is missing"),
  "on-failure": {
    type: "enum",
    options: ["keep", "terminate"],
    description: "What to do with nodes that run when a launch fails",
  },
  for: text("wait: boot, hdfs, yarn or spark"),
  all: flag("exec, push: on all nodes, not on the master alone"),
  role: text("exec, push: on the nodes with this role"),
  "skip-decommission": flag("remove-workers: terminate at once"),
  timeout: text("Longest wait, e.g. 20m"),
  "config-dir": text("Instead of ~/.hadoop-cloud"),
  region: text("AWS region (the course's)"),
  json: flag("Print results as JSON"),
  "dry-run": flag("Show what would be done, without doing it"),
  yes: flag("Answer yes to every question; launch on types that are too small", ["y", "force"]),
  "no-input": flag("Never ask; fail where an answer is needed"),
} as const satisfies ArgumentTable

export type ClusterArguments = Arguments<typeof clusterArguments>

export type OptionName = Exclude<keyof typeof clusterArguments, "command" | "words">

/** Options that every command takes. */
const commonOptions = [
  "config-dir",
  "region",
  "json",
  "dry-run",
  "yes",
  "no-input",
  "cloud-provider",
  "timeout",
] as const satisfies readonly OptionName[]

/** An option that only some commands take. */
export type LimitedOption = Exclude<OptionName, (typeof commonOptions)[number]>

/** The options that choose how nodes are reached. */
export const connectOptions: readonly LimitedOption[] = [
  "private-key",
  "ssh-options",
  "ssh-user",
  "client-cidr",
  "key-name",
]

/** The options that choose on which nodes something is done. */
export const targetOptions: readonly LimitedOption[] = ["all", "role"]

/** The options that choose what is launched, and how it is reached. */
export const launchOptions: readonly LimitedOption[] = [
  ...connectOptions,
  "image-id",
  "instance-type",
  "env",
  "user-data-file",
  "user-packages",
  "pip",
  "availability-zone",
  "placement-group",
  "subnet-id",
  "security-group",
  "iam-instance-profile",
  "root-volume",
  "lease",
  "auto-shutdown",
  "tag",
  "use-spot",
  "spot-master",
  "spot-fallback",
  "max-price",
  "open-ui",
  "public-key",
  "on-failure",
]

/** What the command line's options say, apart from those that are settings of the cluster. */
export interface CommandOptions {
  settings: RawSettings
  dryRun: boolean
  yes: boolean
  resume: boolean
  skipDecommission: boolean
  onFailure: "keep" | "terminate" | null
  goals: string | null
  all: boolean
  role: string | null
  json: boolean
}

/** The given options that not every command takes. */
export function givenOptions(args: ClusterArguments): LimitedOption[] {
  const names = Object.keys(clusterArguments) as (keyof typeof clusterArguments)[]
  return names.filter((name): name is LimitedOption => {
    if (name === "command" || name === "words" || (commonOptions as readonly string[]).includes(name))
      return false
    const value = args[name]
    return value !== undefined && value !== false && String(value) !== ""
  })
}

export function commandOptions(args: ClusterArguments): CommandOptions {
  return {
    settings: rawSettings(args),
    dryRun: args["dry-run"],
    yes: args.yes,
    resume: args.resume,
    skipDecommission: args["skip-decommission"],
    onFailure: args["on-failure"] ?? null,
    goals: args.for ?? null,
    all: args.all,
    role: args.role ?? null,
    json: args.json,
  }
}

function rawSettings(args: ClusterArguments): RawSettings {
  const raw: RawSettings = {}
  for (const name of Object.keys(settingArguments) as (keyof typeof settingArguments)[]) {
    const value = args[name]
    const key = (name === "tag" ? "tags" : name.replaceAll("-", "_")) as SettingKey
    if (Array.isArray(value)) {
      if (value.length > 0) raw[key] = value
    } else if (value === true) raw[key] = ["true"]
    else if (typeof value === "string") raw[key] = [value]
  }
  return raw
}

/** `90s`, `20m`, `2h`; a plain number is seconds. Null where there is none. */
export function timeoutOf({ timeout: text }: ClusterArguments): number | null {
  if (text === undefined) return null
  const [, seconds] = /^(\d{1,6})s?$/.exec(text) ?? []
  const ms = seconds === undefined ? parseDuration(text) : Number(seconds) * 1000
  if (ms === null) throw new UsageError("timeout", `is ${quoted(text)}, wanted a duration such as 90s or 20m`)
  return ms
}
