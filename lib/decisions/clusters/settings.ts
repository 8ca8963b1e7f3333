/** The settings of one cluster: the command line over its section of clusters.cfg over what is usual. */
import { UsageError } from "../../base/errors.ts"
import { isReservedTagKey } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import { msPerMinute, parseDuration } from "../../base/time.ts"
import { splitWords } from "../ssh/shell_words.ts"
import { iniList } from "./ini.ts"
import { type InstanceTypes, parseTypes } from "./instance_types.ts"
import { parseCidr, parseCount, parseEnv } from "./names.ts"

export interface ClusterSettings extends InstanceTypes {
  imageId: string | null
  keyName: string
  /** Path of the key's private half, as given; null: `~/KEY.pem` where there is one, else ssh's own choice. */
  privateKey: string | null
  /** Words after our own ssh options. */
  sshOptions: string[]
  sshUser: string
  /** Path, file:, http: or https: address; null: the boot script in this tool. */
  userDataFile: string | null
  env: Record<string, string>
  userPackages: string
  /** A file of requirements for pip, as given. */
  pipFile: string | null
  availabilityZone: string | null
  placementGroup: string | null
  subnetId: string | null
  clientCidrs: string[]
  /** Further security groups, by id or name. */
  securityGroups: string[]
  iamInstanceProfile: string | null
  rootGib: number | null
  leaseMinutes: number | null
  proxyPort: number
  /** Null: no spot. */
  spot: { maxPrice: number | null; master: boolean; fallback: boolean } | null
  openUi: boolean
  tags: Record<string, string>
}

/** `list` ones may have several lines in the file and be repeated on the command line. */
type Kind = "text" | "list" | "flag"

/** Every key of clusters.cfg. The command line's options have the same names with dashes. */
const settingKeys = {
  image_id: "text",
  instance_type: "list",
  key_name: "text",
  private_key: "text",
  public_key: "text",
  ssh_options: "text",
  ssh_user: "text",
  user_data_file: "text",
  env: "list",
  user_packages: "text",
  pip: "text",
  auto_shutdown: "text",
  lease: "text",
  availability_zone: "text",
  placement_group: "text",
  subnet_id: "text",
  client_cidr: "list",
  security_group: "list",
  iam_instance_profile: "text",
  root_volume: "text",
  proxy_port: "text",
  use_spot: "flag",
  spot_master: "flag",
  spot_fallback: "text",
  max_price: "text",
  open_ui: "flag",
  tags: "list",
  cloud_provider: "text",
} as const satisfies Record<string, Kind>

export type SettingKey = keyof typeof settingKeys

/** Other spellings that the old tool's own sections and its documentation used. */
const spellings: Record<string, SettingKey> = {
  ami: "image_id",
  client_cidrs: "client_cidr",
  security_groups: "security_group",
  placement: "availability_zone",
  tag: "tags",
}

export type RawSettings = Partial<Record<SettingKey, string[]>>

/** A section's values by key, without the quotes around them; a line per key that nobody knows. */
export function settingsOfSection(section: ReadonlyMap<string, string>): {
  raw: RawSettings
  unknown: string[]
} {
  const raw: RawSettings = {}
  const unknown: string[] = []
  for (const [name, value] of section) {
    const spelled = name.replaceAll("-", "_")
    const key = spellings[spelled] ?? spelled
    if (!isSettingKey(key)) unknown.push(name)
    else raw[key] = settingKeys[key] === "list" ? iniList(value).map(readLine(key)) : [withoutQuotes(value)]
  }
  return { raw, unknown }
}

/** How a line of a list is read: in `env`, the value after NAME= may be in quotes, as a shell would have it. */
function readLine(key: SettingKey): (line: string) => string {
  if (key !== "env") return withoutQuotes
  return (line) => {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*=)(.*)$/s.exec(withoutQuotes(line)) ?? []
    return name === undefined ? line : name + withoutQuotes(value ?? "")
  }
}

/** The text between two quotes of a kind, where these hold all of it: people quote paths with blanks. */
function withoutQuotes(value: string): string {
  const text = value.trim()
  const [, quote, inner] = /^(["'])(.*)\1$/s.exec(text) ?? []
  return quote === undefined || inner?.includes(quote) ? text : (inner ?? "")
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settingKeys, key)
}

/** Checks and converts; throws UsageError naming the key. `login` gives the usual key's name. */
export function toSettings(raw: RawSettings, login: string): ClusterSettings {
  const text = (key: SettingKey) => raw[key]?.at(-1) || null
  const flag = (key: SettingKey) => parseFlag(key, text(key))
  const provider = text("cloud_provider")
  if (provider !== null && provider !== "ec2") {
    throw new UsageError("cloud_provider", `is ${quoted(provider)}, wanted ec2`)
  }
  const fallback = text("spot_fallback")
  if (fallback !== null && fallback !== "on-demand") {
    throw new UsageError("spot_fallback", `is ${quoted(fallback)}, wanted on-demand`)
  }
  return {
    imageId: text("image_id"),
    ...parseTypes(raw.instance_type ?? []),
    keyName: text("key_name") ?? `${login}-default`,
    privateKey: text("private_key"),
    sshOptions: splitWords(text("ssh_options") ?? ""),
    sshUser: parseUser(text("ssh_user") ?? "hadoop"),
    userDataFile: text("user_data_file"),
    env: Object.fromEntries((raw.env ?? []).map(parseEnv)),
    // The node reads one line.
    userPackages: (text("user_packages") ?? "").trim().replace(/\s+/g, " "),
    pipFile: text("pip"),
    availabilityZone: text("availability_zone"),
    placementGroup: text("placement_group"),
    subnetId: text("subnet_id"),
    clientCidrs: (raw.client_cidr ?? []).map(parseCidr),
    securityGroups: raw.security_group ?? [],
    iamInstanceProfile: text("iam_instance_profile"),
    rootGib: optional(text("root_volume"), (value) => parseCount("root_volume", value, 1, 16_384)),
    leaseMinutes: leaseMinutes(text("lease"), text("auto_shutdown")),
    proxyPort: parseCount("proxy_port", text("proxy_port") ?? "6666", 1024, 65_535),
    spot: flag("use_spot")
      ? {
          maxPrice: optional(text("max_price"), parsePrice),
          master: flag("spot_master"),
          fallback: fallback !== null,
        }
      : null,
    openUi: flag("open_ui"),
    tags: Object.fromEntries((raw.tags ?? []).map(parseTag)),
  }
}

/** The file's settings with the command line's over them. Types for roles add to the file's; a plain type takes the place of all. */
export function withGiven(file: RawSettings, given: RawSettings): RawSettings {
  const types = given.instance_type ?? []
  const keepsTypes = types.length > 0 && types.every((type) => type.includes("="))
  return {
    ...file,
    ...given,
    ...(keepsTypes && { instance_type: [...(file.instance_type ?? []), ...types] }),
  }
}

const spotKeys = ["spot_master", "spot_fallback", "max_price"] as const

/** Throws UsageError where options of the command line would be ignored. In clusters.cfg they may wait for --use-spot. */
export function requireSpotFor(given: RawSettings, { spot }: ClusterSettings): void {
  const ignored = spotKeys.find((key) => given[key] !== undefined)
  if (spot || ignored === undefined) return
  throw new UsageError(ignored.replaceAll("_", "-"), "has no effect without --use-spot")
}

/** The lease: as given, or what `auto_shutdown` (minutes) said in the old days. */
function leaseMinutes(lease: string | null, autoShutdown: string | null): number | null {
  if (lease !== null) {
    const ms = parseDuration(lease)
    if (ms === null) throw new UsageError("lease", `is ${quoted(lease)}, wanted a duration such as 4h or 90m`)
    return Math.ceil(ms / msPerMinute)
  }
  return optional(autoShutdown, (value) => parseCount("auto_shutdown", value, 1, 100_000))
}

function optional<T>(value: string | null, convert: (value: string) => T): T | null {
  return value === null ? null : convert(value)
}

function parseFlag(key: SettingKey, value: string | null): boolean {
  if (value === null || /^(false|no|off|0)$/i.test(value)) return false
  if (/^(true|yes|on|1)$/i.test(value)) return true
  throw new UsageError(key, `is ${quoted(value)}, wanted true or false`)
}

function parsePrice(value: string): number {
  if (/^\d{1,4}(\.\d{1,6})?$/.test(value) && Number(value) > 0) return Number(value)
  throw new UsageError("max_price", `is ${quoted(value)}, wanted US$ per hour such as 0.05`)
}

function parseUser(value: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(value)) return value
  throw new UsageError("ssh_user", `is ${quoted(value)}, wanted a login`)
}

function parseTag(pair: string): [string, string] {
  const [, key, value = ""] = /^([^=]{1,127})=(.{0,255})$/.exec(pair) ?? []
  if (key === undefined || isReservedTagKey(key)) {
    throw new UsageError("tags", `${quoted(pair)} is not KEY=VALUE outside of aws: and ec2-wrappers:`)
  }
  return [key, value]
}
