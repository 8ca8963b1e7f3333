/** The configuration as the tools see it: the TOML of `lib/host/config/config.ts`, checked, with every default in place. */

import type { PostgresSettings } from "./database.ts"
import type { MicroUsd } from "./money.ts"
import type { UtcMs } from "./time.ts"

export interface Config {
  /** The file it came from. */
  path: string
  course: {
    name: string
    accounts: string[]
    staff: string[]
    iamGroup: string
    bucket: string
    /** Budgets count from here; null: from the beginning. */
    termStartUtcMs: UtcMs | null
    /** Named date ranges for reports. End is exclusive. */
    assignments: Record<string, { startUtcMs: UtcMs; endUtcMs: UtcMs }>
  }
  identity: {
    /** What a student signs requests with: an IAM user's access key, or an hour of a role. */
    credentials: CredentialMode
    sessionMs: number
    /** AWS's address for sign-in links, or an emulator's; null: the one of the account's partition. */
    federationEndpoint: string | null
    /** What [identity.users.LOGIN] overrides. */
    users: Record<string, { credentials: CredentialMode }>
  }
  reports: {
    /** Where cron writes pages for a web server; null: nowhere. */
    htmlDir: string | null
    /** The login that the web server runs as. */
    webServer: string
  }
  paths: { dataDir: string; auditLog: string; userDb: string; usageDb: string; rootAccessKey: string }
  /** Null: SQLite, in the files of `paths`. */
  database: PostgresSettings | null
  audit: {
    /** Where the head of the audit log's chain is stored; null: nowhere. */
    bucket: string | null
    bucketRegion: string
    /** Another account's id, to which the bucket belongs; null: this account's own, with Object Lock. */
    bucketOwner: string | null
    /** How long a head stays locked. */
    retainMs: number
  }
  aws: {
    region: string
    /** Further regions that cron looks into; the first is `region`. */
    regions: string[]
    endpoint: string | null
    credentials: "file" | "default"
    proxy: string | null
    caFile: string | null
  }
  limits: Limits
  /** What [limits.users.LOGIN] overrides. */
  limitsOfUsers: Record<string, Partial<Omit<Limits, "courseBudget">>>
  /** What [limits.sections.NAME] overrides for the people whom the roster has in that section. */
  limitsOfSections: Record<string, Partial<Limits>>
  courseBudget: MicroUsd | null
  /** Shares of a budget, in percent, that staff are told of, ascending. */
  warnPercents: number[]
  notify: {
    /** Topics of messages; see lib/decisions/messages. */
    about: string[]
    webhooksFile: string
    /** Logins and addresses. */
    mail: string[]
    /** In UTC. */
    digestHour: number
  }
  roster: {
    /** How long after somebody was dropped what is left is named. */
    dropMs: number
  }
  leases: {
    defaultMs: number
    maxMs: number
    warnMs: number[]
    action: "terminate" | "stop"
    /** How long what was stopped is kept. */
    stoppedMs: number
    /** How long after a lease's end its instance may still run: cron's interval and a margin. Reserved with it. */
    enforcementMs: number
    enforce: boolean
    schedulerRole: string | null
  }
  billing: { granularity: "second" | "hour"; minimumMs: number; pendingMs?: number }
  prices: { spotFactor: number; onDemand: Record<string, MicroUsd> }
  launch: {
    image: string
    instanceType: string
    /** By type: what a launch that names only it may get instead, where EC2 has none. */
    fallback: Record<string, string[]>
    subnet: string
    securityGroups: string[]
    /** SSM parameter names (globs) that may name an image besides /aws/service/. */
    ssmParameters: string[]
    instanceProfiles: string[]
    /** Globs of image ids, names and SSM parameters. */
    withoutCloudInit: string[]
    subnets: string[]
    placementGroups: string[]
    /** Product codes of images that may be launched although AWS Marketplace lists them. */
    productCodes: string[]
    /** On everything that is made; never one of ours. */
    tags: Record<string, string>
    maxRootGib: number
    /** Groups that a launch which names none is in beside its student's own. */
    furtherGroups: string[]
    /** The networks that a student's own group lets in to ssh; null: the login hosts' own addresses. */
    sshFrom: string[] | null
    /** Whom the instances let in; "": as their images tell. */
    user: string
  }
}

export type CredentialMode = "keys" | "sessions"

/** What one user may have. */
export interface Limits {
  maxHourlyCost: MicroUsd
  maxInstances: number
  /** Globs. */
  instanceTypes: string[]
  /** Ids or SSM names; empty: any. */
  images: string[]
  /** Per term; null: none. */
  budget: MicroUsd | null
  /** Of volumes and snapshots together, counted at the price of gp3; 1000 where it is missing. */
  maxStorageGib?: number
}
