/** Refusing types that the groups of a cluster do not fit on, before anything is made or paid. */
import { Refused } from "../../base/errors.ts"
import type { NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { architectureObjection, memoryObjection } from "../../decisions/clusters/fit.ts"
import { typeFor } from "../../decisions/clusters/instance_types.ts"
import type { ClusterSession } from "./deps.ts"

/**
 * Throws Refused with the sum where a group's daemons do not fit into its type's memory, or the image is for another architecture.
 * A type or image that EC2 does not describe is left for ec2-run to refuse. The memory is counted for our own boot script only.
 */
export async function requireFit(
  session: ClusterSession,
  groups: readonly NodeGroup[],
  { isOurs }: { isOurs: boolean },
): Promise<void> {
  const { deps, settings } = session
  const typed = groups.flatMap(({ roles }) => {
    const type = typeFor(settings, roles) ?? deps.defaults.instanceType
    return type === "" ? [] : [{ roles, type }]
  })
  if (typed.length === 0) return
  const ec2 = await deps.ec2()
  const imageId = settings.imageId ?? deps.defaults.image
  const [types, image] = await Promise.all([
    ec2.instanceTypes([...new Set(typed.map(({ type }) => type))]),
    imageId.startsWith("ami-") ? ec2.image(imageId) : null,
  ])
  const objections = typed.flatMap(({ roles, type }) => {
    const facts = types.find(({ name }) => name === type)
    if (!facts) return []
    return [
      isOurs ? memoryObjection(facts, roles) : null,
      image ? architectureObjection(facts, image) : null,
    ].filter((objection) => objection !== null)
  })
  if (objections.length === 0) return
  throw new Refused(
    "types",
    `${[...new Set(objections)].join("; ")} (another --instance-type fits, or --force tries it all the same)`,
  )
}
