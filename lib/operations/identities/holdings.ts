/** What a login holds at EC2, in any of the course's regions: by its tag, and by its keys where nobody's tag is on it. */

import { acrossRegions } from "../../aws/regions.ts"
import {
  type Instance,
  isOfAnotherCourse,
  type KeyPair,
  type SpotRequest,
  tagOf,
} from "../../base/instance.ts"
import { isKeyNameOf } from "../../decisions/identities/key_name.ts"
import { ec2Of } from "./deps.ts"
import type { Removable, RemovalDeps } from "./removable.ts"

type HoldingDeps = Pick<RemovalDeps, "aws" | "config" | "login" | "usersDb">

const endedStates = new Set(["terminated", "shutting-down"])

export async function instancesOf(deps: HoldingDeps): Promise<Instance[]> {
  const { config, login, usersDb } = deps
  const keyNames = usersDb.sshKeys.ofUser(login).map(({ name }) => name)
  return inRegionsEnabled(config, async (region) => {
    const ec2 = await ec2Of(deps, region)
    const [tagged, keyed] = await Promise.all([
      ec2.instances({ tags: { [tagOf.owner]: login } }),
      keyNames.length > 0 ? ec2.instances({ keyNames }) : [],
    ])
    const untagged = keyed.filter(({ tags }) => tags[tagOf.owner] === undefined)
    return [...tagged, ...untagged].filter(
      ({ state, tags }) => !endedStates.has(state) && !isOfAnotherCourse(tags, config.course.name),
    )
  })
}

export function terminationOf(deps: RemovalDeps, { id, region }: Instance): Removable {
  return {
    what: `instance ${id}`,
    remove: async () => (await ec2Of(deps, region)).terminate(id, { clearProtection: true }),
  }
}

/** Requests that could still become instances. */
export async function spotRequestParts(deps: HoldingDeps): Promise<Removable[]> {
  const { config, login } = deps
  const isOwn = ({ tags, keyName }: SpotRequest) =>
    !isOfAnotherCourse(tags, config.course.name) &&
    (tags[tagOf.owner] === undefined ? isUnclaimedKeyOf(deps, keyName) : tags[tagOf.owner] === login)
  return inRegionsEnabled(config, async (region) => {
    const ec2 = await ec2Of(deps, region)
    const open = await ec2.spotRequests({ states: ["open"] })
    return open
      .filter(isOwn)
      .map(({ id }) => ({ what: `spot request ${id}`, remove: () => ec2.cancelSpotRequest(id) }))
  })
}

export async function keyPairParts(deps: HoldingDeps): Promise<Removable[]> {
  const { config, login, usersDb } = deps
  const recorded = usersDb.sshKeys.ofUser(login).map(({ name }) => name)
  const isOwn = ({ name, tags }: KeyPair) =>
    !isOfAnotherCourse(tags, config.course.name) &&
    (tags[tagOf.owner] === undefined
      ? recorded.includes(name) || isUnclaimedKeyOf(deps, name)
      : tags[tagOf.owner] === login)
  return inRegionsEnabled(config, async (region) => {
    const ec2 = await ec2Of(deps, region)
    return (await ec2.keyPairs()).filter(isOwn).map(
      ({ name }): Removable => ({
        what: `key pair ${name}${region === config.aws.region ? "" : ` in ${region}`}`,
        remove: () => ec2.deleteKeyPair(name),
        forget: () => usersDb.sshKeys.remove(name),
      }),
    )
  })
}

/** A key pair of the old tools carries no tag: its name says whose it is, unless it is another login's by a longer prefix. */
function isUnclaimedKeyOf({ login, usersDb }: HoldingDeps, name: string): boolean {
  if (!isKeyNameOf(login, name)) return false
  return !usersDb.users.logins().some((other) => other.length > login.length && isKeyNameOf(other, name))
}

/** Throws where a region does not answer, for what is there is not known; one that the account has not enabled has nothing. */
export async function inRegionsEnabled<T>(
  { aws: { regions } }: Pick<HoldingDeps["config"], "aws">,
  list: (region: string) => Promise<T[]>,
): Promise<T[]> {
  const { answers, silent } = await acrossRegions(regions, list)
  const unknown = silent.find(({ isNotEnabled }) => !isNotEnabled)
  if (unknown) throw unknown.error
  return regions.flatMap((region) => answers.get(region) ?? [])
}
