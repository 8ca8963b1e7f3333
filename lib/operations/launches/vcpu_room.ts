/** Whether the AWS account's vCPU quotas have room for a launch, so that fifty at once do not all meet EC2's refusal. */
import { AwsError } from "../../aws/protocol/errors.ts"
import { later, minuteOf, msPerMinute, type UtcMs } from "../../base/time.ts"
import type { TypeCount, VcpuFacts } from "../../decisions/launches/vcpu_quota.ts"
import type { LaunchDeps } from "./deps.ts"
import { factsOfTypes, knownFacts, vcpuQuotas } from "./type_facts.ts"

/** What cron has not seen for so long may be gone: it keeps nobody from launching. Three times what the crontab waits. */
const seenWithinMs = 15 * msPerMinute

export type VcpuQuotas = ReadonlyMap<string, number>

/** The quotas, with the sizes of all types that count against them known to the database. Empty where AWS does not tell. */
export async function askVcpuQuotas(deps: LaunchDeps, types: readonly string[]): Promise<VcpuQuotas> {
  const quotas = await vcpuQuotas(deps)
  if (quotas.size === 0) return quotas
  const counted = [...runningOf(deps, deps.clock.now()), ...launchingOf(deps)]
  try {
    await factsOfTypes(deps, [...types, ...counted.map(({ instanceType }) => instanceType)])
    return quotas
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    return new Map()
  }
}

/** Inside the admission's transaction: what launches at once is counted one after the other. */
export function vcpuFacts(
  deps: Pick<LaunchDeps, "usageDb" | "config" | "clock">,
  quotas: VcpuQuotas,
  types: readonly string[],
): VcpuFacts {
  const [running, launching] = [runningOf(deps, deps.clock.now()), launchingOf(deps)]
  const all = [...types, ...[...running, ...launching].map(({ instanceType }) => instanceType)]
  const vcpus = new Map([...knownFacts(deps, all)].map(([type, facts]) => [type, facts.vcpus]))
  return { running, launching, quotas, vcpus }
}

function runningOf(
  { usageDb, config }: Pick<LaunchDeps, "usageDb" | "config">,
  nowUtcMs: UtcMs,
): TypeCount[] {
  return usageDb.ledger.instances.onByType(config.aws.region, later(minuteOf(nowUtcMs), -seenWithinMs))
}

function launchingOf({ usageDb, config }: Pick<LaunchDeps, "usageDb" | "config">): TypeCount[] {
  return usageDb.reservations
    .pending(null)
    .filter(({ region, awaited }) => region === config.aws.region && awaited > 0)
    .map(({ instanceType, market, awaited }) => ({ instanceType, market, count: awaited }))
}
