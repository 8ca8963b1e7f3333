/** The options of hadoop_ec2 for all of its commands; each command says which ones mean something to it. */

import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { parseDuration } from "../../base/time.ts"
import type { RawSettings, SettingKey } from "../../decisions/clusters/settings.ts"
import type { Arguments, ArgumentTable } from "../arguments.ts"
import { grouped } from "../declaration.ts"

const text = <const H extends string>(valueHint: H, description: string, alias: string[] = []) =>
  ({ type: "string", valueHint, description, alias }) as const
const list = <const H extends string>(valueHint: H, description: string, alias: string[] = []) =>
  ({ type: "string", multiple: true, valueHint, description, alias }) as const
const flag = (description: string, alias: string[] = []) => ({ type: "boolean", description, alias }) as const

/** What clusters.cfg may say as well: the same names with underscores. */
const settingArguments = {
  ...grouped("What is launched", {
    "image-id": text("IMAGE", "Machine image", ["a", "ami"]),
    "instance-type": list("[ROLES=]TYPE", "Type of all instances, or of those with a role", ["t"]),
    lease: text("DURATION", "How long the cluster may run, such as 4h"),
    pip: text("FILE", "Requirements that pip installs on each node as the login user"),
    "user-packages": text("NAMES", "Packages of the image's distribution, separated by blanks", ["p"]),
    "user-data-file": text("FILE", "Boot script instead of the built-in one: a path or a URL", ["f"]),
    env: list("NAME=VALUE", "Variable for the boot script; no secrets", ["e"]),
    "root-volume": text("GIB", "Size of the root volume"),
    "iam-instance-profile": text("PROFILE", "Instance profile, for S3"),
    "availability-zone": text("ZONE", "Availability zone", ["z"]),
    "placement-group": text("GROUP", "Placement group"),
    "subnet-id": text("SUBNET", "Subnet; its VPC gets the security groups"),
    "security-group": list("GROUP", "A further security group"),
    "open-ui": flag("Open the web pages' ports to the client's networks (ui needs none)"),
    tag: list("KEY=VALUE", "Tag on everything launched"),
  }),
  ...grouped("Spot market", {
    "use-spot": flag("Launch workers on the Spot market"),
    "spot-master": flag("Launch the master there, too"),
    "spot-fallback": text("on-demand", "Launch on demand where there is no Spot capacity"),
    "max-price": text("USD", "Highest price per hour and Spot instance"),
  }),
  ...grouped("Reaching nodes", {
    "key-name": text("KEY", "SSH key pair (LOGIN-default)", ["k"]),
    "private-key": text("FILE", "File of its private half, for ssh (~/KEY.pem)"),
    "ssh-user": text("USER", "Login on the nodes (hadoop)"),
    "ssh-options": text("OPTIONS", "Further options for ssh; those for host keys cannot be changed"),
    "client-cidr": list("CIDR", "Network that may come in by ssh (this host's address)"),
    "proxy-port": text("PORT", "SOCKS port of proxy (6666)"),
  }),
  ...grouped("Ignored or renamed", {
    "public-key": text("FILE", "Ignored, for compatibility"),
    "auto-shutdown": text("MINUTES", "Old name of --lease, in minutes"),
    "cloud-provider": text("ec2", "Only ec2, for compatibility"),
  }),
} as const satisfies ArgumentTable

export const clusterArguments = {
  command: { type: "positional", description: "What to do: see Commands", required: true },
  words: {
    type: "positional",
    multiple: true,
    completes: "cluster",
    description: "CLUSTER, and what the command takes",
    required: false,
  },
  ...settingArguments,
  ...grouped("One command each", {
    resume: flag("launch-cluster: launch what is missing"),
    "on-failure": {
      type: "enum",
      options: ["keep", "terminate"],
      description: "Launches: what to do with nodes that run when the launch fails",
    },
    for: text("GOAL", "wait: boot, hdfs, yarn or spark"),
    all: flag("exec, push: on all nodes, not on the master alone"),
    role: text("ROLES", "exec, push: on the nodes with one of these roles"),
    "skip-decommission": flag("remove-workers: terminate at once"),
  }),
  timeout: text("DURATION", "Longest wait, such as 20m"),
  "config-dir": text("DIR", "Directory of clusters.cfg (~/.hadoop-cloud)"),
  region: text("REGION", "AWS region (the course's)"),
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

/** The command line as commands take it. */
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
