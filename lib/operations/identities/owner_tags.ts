/**
 * The owner tags of the students' group: the shared policy goes by them. A member without one would lose all its rights with that
 * policy, and a member with another login's would gain that login's.
 */

import { Refused } from "../../base/errors.ts"
import { inParallel } from "../../base/in_parallel.ts"
import { tagOf } from "../../base/instance.ts"
import { iamOf } from "./deps.ts"
import type { SetupAction, SetupDeps } from "./setup_plan.ts"

/**
 * What `setup` has to tag before it writes the policy: each member with its own name, which is what the policy went by before there
 * were owner tags. Throws Refused where a member carries another login's name.
 */
export async function ownerTagActions(deps: SetupDeps, members: readonly string[]): Promise<SetupAction[]> {
  const iam = await iamOf(deps)
  const owners = await inParallel(members, async (name) => ({
    name,
    owner: (await iam.userTags(name))[tagOf.owner],
  }))
  const wrong = owners.find(({ name, owner }) => owner !== undefined && owner !== name)
  if (wrong) {
    throw new Refused(
      `IAM user ${wrong.name}`,
      `has the owner tag of ${wrong.owner} and would get that login's rights; take it out of the group ` +
        `${deps.config.course.iamGroup}, or remove the tag ${tagOf.owner}`,
    )
  }
  return owners
    .filter(({ owner }) => owner === undefined)
    .map(({ name }) => ({
      what: `tag user ${name} as its own owner`,
      act: () => iam.tagUser(name, { [tagOf.owner]: name }),
    }))
}
