/** ec2_runner's options as the request that `--stdin-json` would hold: the same checks hold for both. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Clock } from "../../base/time.ts"
import { msPerMinute, parseDuration } from "../../base/time.ts"
import {
  type LaunchOrder,
  mostRequestBytes,
  mostUserDataBytes,
  parseJson,
  toOrder,
} from "../../decisions/launches/launch_order.ts"
import { objectionToUserDataLine } from "../../decisions/launches/user_data_form.ts"
import { type StorageOrder, toStorageOrder } from "../../decisions/storage/storage_order.ts"
import { readStdin } from "../../host/people/stdin.ts"
import { jupyterScript } from "../../operations/ssh/jupyter_script.ts"

/** As the table of arguments has it: a count that nobody typed. */
const defaultCount = "1"

export interface LaunchOptions {
  ami: string | undefined
  count: string
  "key-name": string | undefined
  "availability-zone": string | undefined
  "placement-group": string | undefined
  "instance-type": string | undefined
  "user-data": string | undefined
  spot: boolean
  "max-price": string | undefined
  "security-group": string[]
  "stdin-user-data": boolean
  jupyter: boolean
  "stdin-json": boolean
  subnet: string | undefined
  lease: string | undefined
  "root-gib": string | undefined
  "instance-profile": string | undefined
  tag: string[]
  "client-token": string | undefined
  "dry-run": boolean
  force: boolean
}

export interface Asked {
  /** Which reply is wanted, known even where the rest of the request is wrong. */
  protocol: 1 | 2
  /** Whether volumes or a snapshot are asked for and not instances. */
  isStorage: boolean
  /** Throws UsageError naming the first thing that is wrong. */
  order(): LaunchOrder
  storageOrder(): StorageOrder
}

/** Options that are part of the request. */
const inRequest = new Set([
  "ami",
  "count",
  "key-name",
  "availability-zone",
  "placement-group",
  "instance-type",
  "user-data",
  "spot",
  "max-price",
  "security-group",
  "stdin-user-data",
  "jupyter",
  "subnet",
  "lease",
  "root-gib",
  "instance-profile",
  "tag",
  "client-token",
])

function isGiven(name: string, value: LaunchOptions[keyof LaunchOptions]): boolean {
  if (name === "count") return value !== defaultCount
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

/** What the options ask for; reads stdin where they say so. Throws UsageError where there is no request at all. */
export async function askedBy(options: LaunchOptions, clock: Clock): Promise<Asked> {
  const given = Object.entries(options).filter(([name, value]) => inRequest.has(name) && isGiven(name, value))
  if (!options["stdin-json"]) {
    const [empty] = given.find(([name, value]) => value === "" && name !== "user-data") ?? []
    if (empty !== undefined)
      throw new UsageError("options", `--${empty} is empty, wanted a value, or the option left out`)
    const order = await orderOf(options, clock)
    return { protocol: 1, isStorage: false, order: () => order, storageOrder: () => toStorageOrder({}) }
  }
  const leaseMs = options.lease === undefined ? null : leaseMinutes(options.lease) * msPerMinute
  // the old tool's JSON has no key for a lease
  const [ignored] = given.find(([name]) => name !== "lease") ?? []
  if (ignored !== undefined)
    throw new UsageError("options", `--stdin-json holds the whole request, leave --${ignored} out`)
  const text = await readText(clock, mostRequestBytes)
  let request: object
  try {
    request = parseJson(text)
  } catch (error) {
    const fail = () => {
      throw error
    }
    return { protocol: saysProtocol.test(text) ? 2 : 1, isStorage: false, order: fail, storageOrder: fail }
  }
  return {
    protocol: "protocol" in request && request.protocol != null && request.protocol !== 1 ? 2 : 1,
    isStorage: "action" in request && request.action != null,
    storageOrder() {
      const order = toStorageOrder(request)
      if (leaseMs !== null) throw new UsageError("options", "storage has no lease, leave --lease out")
      return options["dry-run"] ? { ...order, dry_run: true } : order
    },
    order() {
      const order = toOrder(request)
      if (leaseMs !== null && order.leaseMs !== null)
        throw new UsageError("options", "the request says lease_minutes, leave --lease out")
      return { ...order, leaseMs: order.leaseMs ?? leaseMs, dryRun: order.dryRun || options["dry-run"] }
    },
  }
}

/** What cannot be read may still say which reply its sender can read. */
const saysProtocol = /"protocol"\s*:\s*[^\s1n]/

async function orderOf(options: LaunchOptions, clock: Clock): Promise<LaunchOrder> {
  if (options["user-data"] !== undefined && options["stdin-user-data"]) {
    throw new UsageError("options", "--user-data and --stdin-user-data exclude each other")
  }
  if (options.jupyter && (options["user-data"] !== undefined || options["stdin-user-data"]))
    throw new UsageError("options", "--jupyter is user data by itself, leave other user data out")
  const objection = options.force ? null : objectionToUserDataLine(options["user-data"] ?? "")
  if (objection !== null) throw new UsageError("options", `--user-data ${objection}`)
  const userData = options["stdin-user-data"]
    ? await readStdin(clock, { mostBytes: mostUserDataBytes })
    : new TextEncoder().encode(options.jupyter ? jupyterScript : (options["user-data"] ?? ""))
  return toOrder({
    image_id: options.ami,
    count: options.count,
    key_name: options["key-name"] ?? "default",
    availability_zone: options["availability-zone"],
    placement_group: options["placement-group"],
    instance_type: options["instance-type"],
    security_groups: options["security-group"],
    subnet_id: options.subnet,
    user_data: Buffer.from(userData).toString("base64"),
    use_spot: options.spot,
    spot:
      options["max-price"] === undefined ? null : { max_price: numberOf("max-price", options["max-price"]) },
    lease_minutes: options.lease === undefined ? null : leaseMinutes(options.lease),
    root_volume:
      options["root-gib"] === undefined ? null : { gib: numberOf("root-gib", options["root-gib"]) },
    iam_instance_profile: options["instance-profile"],
    tags: Object.fromEntries(options.tag.map(tagOf)),
    client_token: options["client-token"],
    dry_run: options["dry-run"],
  })
}

async function readText(clock: Clock, mostBytes: number): Promise<string> {
  const bytes = await readStdin(clock, { mostBytes })
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError("request", "is not UTF-8")
  }
}

function leaseMinutes(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new UsageError("options", `--lease is ${quoted(text)}, wanted 3h, 90m, 1h30m or 2d`)
  return ms / msPerMinute
}

function numberOf(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text))
    throw new UsageError("options", `--${name} is ${quoted(text)}, wanted a number`)
  return Number(text)
}

function tagOf(text: string): [string, string] {
  const at = text.indexOf("=")
  if (at < 1) throw new UsageError("options", `--tag is ${quoted(text)}, wanted NAME=VALUE`)
  return [text.slice(0, at), text.slice(at + 1)]
}
