/**
 * Bounds the security groups of each login: a VPC holds 2,500, and students make their own. Beyond some per login, those that nobody
 * uses go. A group is a login's by its owner tag, never by its name.
 */
import type { OwnedGroup } from "../../aws/ec2/group_interfaces.ts"
import type { Ec2 } from "../../aws/interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import { messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { matchesGlob } from "../../base/login.ts"
import { plural } from "../../base/text.ts"
import type { LedgerDeps } from "../launches/deps.ts"

/** Of a login in a region: four clusters of five groups. */
export const mostGroups = 20
/** In one run, so that cron ends before it comes again. */
const mostRemoved = 200

/** Returns what failed. */
export async function removeSpareGroups(deps: LedgerDeps): Promise<string[]> {
  const failures: string[] = []
  for (const region of deps.config.aws.regions) {
    try {
      const ec2 = await deps.aws.ec2(region)
      // A region that does not answer is told of by whoever lists its instances.
      const groups = await ec2.ownedGroups().catch(() => [])
      await removeIn(deps, ec2, groups)
    } catch (error) {
      failures.push(`security groups in ${region}: ${messageOf(error)}`)
    }
  }
  return failures
}

async function removeIn({ config, audit }: LedgerDeps, ec2: Ec2, all: readonly OwnedGroup[]): Promise<void> {
  const { accounts, staff } = config.course
  const ours = all.filter(({ tags }) => matchesGlob([...accounts, ...staff], tags[tagOf.owner] ?? ""))
  const crowded = [...Map.groupBy(ours, ({ tags }) => tags[tagOf.owner] ?? "")].filter(
    ([, groups]) => groups.length > mostGroups,
  )
  if (crowded.length === 0) return
  const used = await ec2.groupsInUse(crowded.flatMap(([, groups]) => groups.map(({ id }) => id)))
  let left = mostRemoved
  for (const [login, groups] of crowded) {
    const spare = groups.filter(({ id }) => !used.has(id)).toSorted(byUse)
    const going = spare.slice(0, Math.min(groups.length - mostGroups, left))
    if (going.length === 0) continue
    left -= going.length
    const what = `remove ${plural(going.length, "unused security group")} of ${login}, who has ${groups.length}`
    audit.record("enforcement", what, "regardless")
    const removed = await removeAll(ec2, going, all)
    audit.record("enforcement", `${what}: ${removed} removed`, "regardless")
  }
}

/** Those of no cluster first: a cluster that is being launched has groups that no instance is in yet. */
function byUse(one: OwnedGroup, other: OwnedGroup): number {
  const isOfCluster = ({ tags }: OwnedGroup) => Number(tags[tagOf.cluster] !== undefined)
  return isOfCluster(one) - isOfCluster(other) || one.name.localeCompare(other.name)
}

/** A rule of another group that names one keeps it from being deleted: such rules let nobody in, since nobody is in the group. */
async function removeAll(
  ec2: Ec2,
  going: readonly OwnedGroup[],
  all: readonly OwnedGroup[],
): Promise<number> {
  let removed = 0
  for (const { id } of going) {
    for (const other of all) if (other.refersTo.includes(id)) await ec2.revokeReferences(other.id, id)
    try {
      await ec2.deleteSpareGroup(id)
      removed++
    } catch (error) {
      // Taken into use since, or named by a rule of staff's own.
      if (!hasCode(error, "DependencyViolation")) throw error
    }
  }
  return removed
}
