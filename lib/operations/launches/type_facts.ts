/** What AWS says of instance types and of the account's quotas, asked once and kept in the database. */
import { AwsError } from "../../aws/protocol/errors.ts"
import type { InstanceTypeFacts } from "../../base/instance.ts"
import { later, minuteOf, msPerDay, msPerHour } from "../../base/time.ts"
import type { LaunchDeps } from "./deps.ts"

type FactDeps = Pick<LaunchDeps, "aws" | "clock" | "config" | "usageDb">

/** Types do not change; new ones come. */
const typesKeptMs = 30 * msPerDay
const quotasKeptMs = msPerDay
/** After AWS did not tell: an account whose key may not ask must not wait for the same refusal at each launch. */
const silenceKeptMs = msPerHour

/** By type; what AWS does not know is left out. Throws AwsError. */
export async function factsOfTypes(
  deps: FactDeps,
  types: readonly string[],
): Promise<Map<string, InstanceTypeFacts>> {
  const { usageDb, clock, aws } = deps
  const known = knownFacts(deps, types)
  const missing = types.filter((type) => !known.has(type))
  if (missing.length === 0) return known
  const found = await (await aws.ec2()).describeTypes(missing)
  usageDb.transaction(() => {
    for (const facts of found) usageDb.lookups.set("type", facts.type, facts, clock.now())
  })
  for (const facts of found) known.set(facts.type, facts)
  return known
}

/** Those that the database has, without asking AWS. */
export function knownFacts(
  { usageDb, clock }: Pick<FactDeps, "usageDb" | "clock">,
  types: readonly string[],
): Map<string, InstanceTypeFacts> {
  // By the minute: an admission foresees what it reads.
  const since = later(minuteOf(clock.now()), -typesKeptMs)
  const known = new Map<string, InstanceTypeFacts>()
  for (const type of new Set(types)) {
    const facts = usageDb.lookups.get<InstanceTypeFacts>("type", type, since)
    if (facts !== null) known.set(type, facts)
  }
  return known
}

/** The vCPU quotas of the account by their codes; empty where AWS does not tell. */
export async function vcpuQuotas({ usageDb, clock, config, aws }: FactDeps): Promise<Map<string, number>> {
  const { region } = config.aws
  const now = clock.now()
  const known = usageDb.lookups.get<[string, number][]>("quota", region, later(now, -quotasKeptMs))
  const silence = usageDb.lookups.get<true>("quota", `${region} silent`, later(now, -silenceKeptMs))
  if (known !== null || silence !== null) return new Map(known ?? [])
  try {
    const all = await (await aws.quotas()).ec2Quotas()
    const quotas = all.map(({ code, value }) => [code, value] as const)
    usageDb.transaction(() => usageDb.lookups.set("quota", region, quotas, now))
    return new Map(quotas)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    usageDb.transaction(() => usageDb.lookups.set("quota", `${region} silent`, true, now))
    return new Map()
  }
}
