/** Finds, reads and checks the configuration file. */

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse, type TomlDate, TomlError } from "smol-toml"
import type { Config, Limits } from "../../base/config.ts"
import type { PostgresSettings } from "../../base/database.ts"
import { Failed, messageOf } from "../../base/errors.ts"
import { type MicroUsd, microUsd } from "../../base/money.ts"
import { quoted } from "../../base/text.ts"
import { msPerDay, msPerHour, msPerMinute, msPerSecond, type UtcMs, utcMsOf } from "../../base/time.ts"
import { messageTopics } from "../../decisions/messages/staff_message.ts"
import { whyUntrusted } from "../files/trusted_path.ts"
import { type ConfigFile, checkConfig, nearestKey } from "./config_schema.ts"
import { databaseSettings } from "./database_url.ts"

declare const BUILD_CONFIG_PATH: string | undefined

/** A config is a page or two; anything else is a mistake such as a device or a log. */
const maxConfigBytes = 1 << 20

/** EC2_WRAPPERS_CONFIG, else the path compiled in, else the default one. */
export function configPath(): string {
  const compiledIn =
    typeof BUILD_CONFIG_PATH === "undefined" ? "/etc/ec2-wrappers/config.toml" : BUILD_CONFIG_PATH
  return process.env.EC2_WRAPPERS_CONFIG || compiledIn
}

/** Reads the config; throws Failed with the file, the key and what was wanted. */
export function loadConfig(path: string): Config {
  const source = readTrusted(path)
  refuseImpossibleDates(path, source)
  let toml: unknown
  try {
    toml = parse(source)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [what] = error.message.split("\n")
    throw new Failed(
      `config ${path}`,
      `line ${error.line}: ${(what ?? "").replace("Invalid TOML document: ", "")}`,
    )
  }
  const checked = checkConfig(toml)
  if ("config" in checked) return toConfig(path, checked.config)
  const nearest = checked.unknown ? `, did you mean ${nearestKey(checked.key)}?` : ""
  throw new Failed(`config ${path}`, `${quoted(checked.key).slice(1, -1)}: ${checked.reason}${nearest}`)
}

function readTrusted(path: string): string {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > maxConfigBytes) {
      throw new Failed(`config ${path}`, "is not a regular file of at most 1 MiB")
    }
    const untrusted = whyUntrusted(path, process.geteuid?.() ?? 0)
    if (untrusted) throw new Failed(`config ${path}`, `cannot be trusted: ${untrusted}`)
    return readFileSync(fd, "utf8")
  } catch (error) {
    if (error instanceof Failed) throw error
    const { code } = error as NodeJS.ErrnoException
    const hint = code === "ENOENT" ? "does not exist (EC2_WRAPPERS_CONFIG names another)" : messageOf(error)
    throw new Failed(`config ${path}`, hint)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function toDatabase(path: string, table: ConfigFile["database"]): PostgresSettings | null {
  if (!table) return null
  const { url, ...files } = table
  const read = databaseSettings(url, files)
  if ("reason" in read) throw new Failed(`config ${path}`, `database.url ${read.reason}`)
  return read.settings
}

function toConfig(path: string, file: ConfigFile): Config {
  const { course, identity, aws, leases, billing, prices, launch, reports } = file
  const dataDir = file.paths.data_dir ?? "/var/lib/ec2-wrappers"
  const region = aws.region ?? "us-east-1"
  const { course_budget: courseBudget, warn_percent, users = {}, sections = {}, ...limits } = file.limits
  return {
    path,
    course: {
      name: course.name,
      accounts: course.accounts,
      staff: course.staff,
      iamGroup: course.iam_group,
      bucket: course.bucket ?? course.name,
      termStartUtcMs: course.term_start ? utcMsOf(course.term_start.getTime()) : null,
      assignments: Object.fromEntries(
        Object.entries(file.assignments).map(([name, { start, end }]) => [
          name,
          { startUtcMs: utcMsOf(start.getTime()), endUtcMs: endOf(end) },
        ]),
      ),
    },
    identity: {
      credentials: identity.credentials ?? "keys",
      sessionMs: (identity.session_hours ?? 1) * msPerHour,
      federationEndpoint: identity.federation_endpoint ?? null,
      users: identity.users ?? {},
    },
    reports: { htmlDir: reports.html_dir ?? null, webServer: reports.web_server ?? "www-data" },
    paths: {
      dataDir,
      auditLog: file.paths.audit_log ?? join(dataDir, "audit-log"),
      userDb: file.paths.user_db ?? join(dataDir, "users.db"),
      usageDb: file.paths.usage_db ?? join(dataDir, "usage.db"),
      rootAccessKey: file.paths.root_access_key ?? join(dataDir, "root-access-key"),
    },
    database: toDatabase(path, file.database),
    audit: {
      bucket: file.audit.bucket ?? null,
      bucketRegion: file.audit.bucket_region ?? region,
      bucketOwner: file.audit.bucket_owner ?? null,
      retainMs: (file.audit.retain_days ?? 400) * msPerDay,
    },
    aws: {
      region,
      regions: [...new Set([region, ...(aws.regions ?? [])])],
      endpoint: aws.endpoint ?? null,
      credentials: aws.credentials ?? "file",
      proxy: aws.proxy ?? null,
      caFile: aws.ca_file ?? null,
    },
    limits: { ...defaultLimits, ...toLimits(limits) },
    limitsOfUsers: Object.fromEntries(Object.entries(users).map(([login, own]) => [login, toLimits(own)])),
    limitsOfSections: Object.fromEntries(
      Object.entries(sections).map(([section, own]) => [section, toLimits(own)]),
    ),
    courseBudget: courseBudget === undefined ? null : microUsd(courseBudget),
    warnPercents: (warn_percent ?? [50, 80, 95]).toSorted((a, b) => a - b),
    notify: {
      about: file.notify.about ?? [...messageTopics],
      webhooksFile: file.notify.webhooks_file ?? join(dataDir, "webhooks"),
      mail: file.notify.mail ?? [],
      digestHour: file.notify.digest_hour ?? 6,
    },
    roster: { dropMs: (file.roster.drop_days ?? 14) * msPerDay },
    leases: {
      defaultMs: (leases.default_hours ?? 4) * msPerHour,
      maxMs: (leases.max_hours ?? 24) * msPerHour,
      warnMs: (leases.warn_minutes ?? [60, 15]).map((minutes) => minutes * msPerMinute).sort((a, b) => b - a),
      action: leases.action ?? "terminate",
      stoppedMs: (leases.stopped_hours ?? 72) * msPerHour,
      enforcementMs: (leases.enforcement_minutes ?? 10) * msPerMinute,
      enforce: leases.enforce ?? false,
      schedulerRole: leases.scheduler_role ?? null,
    },
    billing: {
      granularity: billing.granularity ?? "second",
      minimumMs: (billing.minimum_seconds ?? 60) * msPerSecond,
      pendingMs: (billing.pending_seconds ?? 0) * msPerSecond,
    },
    prices: {
      spotFactor: prices.spot_factor ?? 0.7,
      onDemand: mapValues(prices.on_demand ?? {}, microUsd),
    },
    launch: {
      image: launch.image ?? "",
      instanceType: launch.instance_type ?? "",
      fallback: launch.fallback ?? {},
      subnet: launch.subnet ?? "",
      securityGroups: launch.security_groups ?? ["default"],
      subnets: launch.subnets ?? [],
      ssmParameters: launch.ssm_parameters ?? [],
      instanceProfiles: launch.instance_profiles ?? [],
      withoutCloudInit: launch.without_cloud_init ?? [],
      placementGroups: launch.placement_groups ?? [],
      productCodes: launch.product_codes ?? [],
      tags: launch.tags ?? {},
      maxRootGib: launch.max_root_gib ?? 100,
      furtherGroups: launch.security_groups ?? [],
      user: launch.user ?? "",
      sshFrom: launch.ssh_from?.map((from) => (from === "anywhere" ? "0.0.0.0/0" : from)) ?? null,
    },
  }
}

const defaultLimits: Limits = {
  maxHourlyCost: microUsd(5.1),
  maxInstances: 20,
  instanceTypes: ["*"],
  images: [],
  budget: null,
}

function toLimits(file: NonNullable<NonNullable<ConfigFile["limits"]["users"]>[string]>): Partial<Limits> {
  return {
    ...(file.max_hourly_cost !== undefined && { maxHourlyCost: microUsd(file.max_hourly_cost) }),
    ...(file.max_instances !== undefined && { maxInstances: file.max_instances }),
    ...(file.instance_types !== undefined && { instanceTypes: file.instance_types }),
    ...(file.images !== undefined && { images: file.images }),
    ...(file.max_storage_gib !== undefined && { maxStorageGib: file.max_storage_gib }),
    ...(file.budget !== undefined && { budget: microUsd(file.budget) }),
  }
}

function mapValues(
  amounts: Record<string, number>,
  convert: (amount: number) => MicroUsd,
): Record<string, MicroUsd> {
  return Object.fromEntries(Object.entries(amounts).map(([key, amount]) => [key, convert(amount)]))
}

/** What the parser lets pass: it reads 30 February as 2 March. */
function refuseImpossibleDates(path: string, source: string): void {
  for (const [index, line] of source.split("\n").entries()) {
    const [unquoted = ""] = line.split(/[#"']/)
    for (const [, day = ""] of unquoted.matchAll(/=\s*(\d{4}-\d{2}-\d{2})/g)) {
      const utcMs = Date.parse(`${day}T00:00:00Z`)
      if (Number.isNaN(utcMs) || new Date(utcMs).toISOString().slice(0, 10) === day) continue
      throw new Failed(
        `config ${path}`,
        `line ${index + 1}: there is no ${day}, wanted a date such as 2026-08-20`,
      )
    }
  }
}

/** A date without a time ends with that day. */
function endOf(instant: TomlDate): UtcMs {
  return utcMsOf(instant.getTime() + (instant.isDate() ? msPerDay : 0))
}
