/** The caller's own instances, in one request. */

import type { Instance } from "../../base/instance.ts"
import type { UtcMs } from "../../base/time.ts"
import type { Orphan } from "../../db/launches/presence.ts"
import { isOwnedBy } from "../../decisions/launches/owners.ts"
import type { LedgerDeps } from "./deps.ts"

export interface Listing {
  instances: Instance[]
  /** When AWS was asked. */
  listedAtUtcMs: UtcMs
}

export interface OwnInstances extends Listing {
  /** Reservations whose processes were gone before AWS was asked: what died since may have launched since. */
  orphans: ReadonlyMap<string, Orphan>
}

/** EC2's most values in a filter. */
const mostNames = 200

/**
 * Everything that is, or recently was, `login`'s in a region, the course's where none is named: by the names of keys, since all that
 * runs for a student has one of theirs, also what the old tools launched without tags. Names that are not theirs although they begin alike are left out.
 */
export async function ownInstances(deps: LedgerDeps, login: string, region?: string): Promise<OwnInstances> {
  // What is leased comes first: with more keys than a filter takes, nothing that runs may fall out of the listing.
  const names = [
    ...deps.usageDb.leases.open(login).map((lease) => lease.keyName),
    `${login}-default`,
    ...deps.usersDb.sshKeys.ofUser(login).map((key) => key.name),
  ]
  const keyNames = [{ beginning: `${login}-` }, ...new Set(names)].slice(0, mostNames)
  const found = deps.usageDb.presence.orphans(deps.usageDb.reservations.pending(login))
  const orphans = new Map(found.map((orphan) => [orphan.reservation.id, orphan]))
  const listedAtUtcMs = deps.clock.now()
  const ec2 = await deps.aws.ec2(region)
  const listed = await ec2.instances({ keyNames })
  return {
    instances: listed.filter((instance) => isOwnedBy(instance, login, deps.config)),
    listedAtUtcMs,
    orphans,
  }
}
