/**
 * Instances that EC2 protects from being stopped or terminated. Enforcement and staff clear the protection; the scheduler's call, which is
 * to end them while this host is down, fails there.
 */
import type { Aws } from "../../aws/interfaces.ts"
import { inParallel } from "../../base/in_parallel.ts"
import { plural } from "../../base/text.ts"
import type { UtcMs } from "../../base/time.ts"
import { type Finding, ok, warning } from "./finding.ts"

/** Two requests each: EC2 allows some 20 a second, and whoever runs doctor waits for it. */
const mostAsked = 200

interface OpenLease {
  instanceId: string
  login: string
  region: string
  endsAtUtcMs: UtcMs
}

/** @param leases the open ones; those that end last are asked about first, since they cost the most. */
export async function checkProtection({
  aws,
  leases,
}: {
  aws: Aws
  leases: readonly OpenLease[]
}): Promise<Finding[]> {
  const asked = leases.toSorted((a, b) => b.endsAtUtcMs - a.endsAtUtcMs).slice(0, mostAsked)
  const found = await inParallel(asked, async ({ instanceId, login, region }) => {
    const protections = await (await aws.ec2(region)).protections(instanceId)
    return protections.length === 0 ? [] : [{ instanceId, login, protections }]
  })
  const what = "protected instances"
  const looked =
    asked.length < leases.length
      ? `of the ${asked.length} leases that end last, of ${leases.length}`
      : `of ${plural(leases.length, "lease")}`
  const isProtected = found.flat()
  if (isProtected.length === 0) return [ok(what, `none ${looked}`)]
  return isProtected.map(({ instanceId, login, protections }) =>
    warning(
      what,
      `${instanceId} of ${login} is protected from ${protections.join(" and ")}: the scheduler cannot end it`,
      "take the protection away; usage_cron and course_freeze clear it when they end the instance",
    ),
  )
}
