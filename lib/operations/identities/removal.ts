/** Removing an identity: all that hangs on the IAM user, the key pairs, the rows. What does not go is named, the rest goes. */
import type { Outcome } from "../../aws/interfaces.ts"
import { messageOf, Refused } from "../../base/errors.ts"
import { type Instance, type KeyPair, tagOf } from "../../base/instance.ts"
import { plural } from "../../base/text.ts"
import { isKeyNameOf } from "../../decisions/identities/key_name.ts"
import { audited, ec2Of, type IdentityDeps, iamOf } from "./deps.ts"
import { ownUser } from "./observe.ts"

/** All but the home: staff remove identities whose homes they do not reach. */
export type RemovalDeps = Omit<IdentityDeps, "home" | "suspension">

export interface RemovalOptions {
  terminateInstances: boolean
  dryRun?: boolean
}

export interface Removal {
  /** What was removed, or would be; in order. */
  removed: string[]
  failed: { what: string; reason: string }[]
}

/** One thing that goes. */
interface Item {
  what: string
  remove(): Promise<Outcome>
  /** The row that is only true as long as the thing is there. */
  forget?(): void
}

/** Throws Refused while instances run, unless told to terminate them. Where nothing is there, nothing is done. */
export async function removeIdentity(
  deps: RemovalDeps,
  { terminateInstances, dryRun = false }: RemovalOptions,
): Promise<Removal> {
  const { login, usersDb } = deps
  const user = await ownUser(deps)
  const instances = await instancesOf(deps)
  if (instances.length > 0 && !terminateInstances) {
    const ids = instances.map(({ id }) => id).join(", ")
    throw new Refused(
      "delete account",
      `${login} has ${plural(instances.length, "instance")} (${ids}); terminate first, or add --terminate-instances`,
    )
  }
  const items = [
    ...instances.map((instance) => terminationOf(deps, instance)),
    ...(user ? await itemsOfUser(deps) : []),
    ...(await keyPairItems(deps)),
  ]
  const result = await removeAll(deps, items, dryRun)
  if (usersDb.users.logins().includes(login) && result.failed.length === 0) {
    if (!dryRun) usersDb.transaction(() => usersDb.users.remove(login))
    result.removed.push("rows in users.db")
  }
  return result
}

/** Only what hangs on the IAM user, and the user: what a run that failed has made. */
export async function removeUser(deps: RemovalDeps): Promise<Removal> {
  return removeAll(deps, await itemsOfUser(deps), false)
}

async function removeAll(deps: RemovalDeps, items: Item[], dryRun: boolean): Promise<Removal> {
  const result: Removal = { removed: [], failed: [] }
  for (const { what, remove, forget } of items) {
    try {
      if (!dryRun) {
        await audited(deps, `delete ${what}`, remove)
        forget?.()
      }
      result.removed.push(what)
    } catch (error) {
      result.failed.push({ what, reason: messageOf(error) })
    }
  }
  return result
}

const endedStates = new Set(["terminated", "shutting-down"])

/** What the login holds in any of the course's regions: by its tag, and by its keys where nobody's tag is on it. */
export async function instancesOf(
  deps: Pick<RemovalDeps, "aws" | "config" | "login" | "usersDb">,
): Promise<Instance[]> {
  const { config, login, usersDb } = deps
  const keyNames = usersDb.sshKeys.ofUser(login).map(({ name }) => name)
  const perRegion = await Promise.all(
    config.aws.regions.map(async (region) => {
      const ec2 = await ec2Of(deps, region)
      const [tagged, keyed] = await Promise.all([
        ec2.instances({ tags: { [tagOf.owner]: login } }),
        keyNames.length > 0 ? ec2.instances({ keyNames }) : [],
      ])
      const untagged = keyed.filter(({ tags }) => tags[tagOf.owner] === undefined)
      return [...tagged, ...untagged].filter(({ state }) => !endedStates.has(state))
    }),
  )
  return perRegion.flat()
}

function terminationOf(deps: RemovalDeps, { id, region }: Instance): Item {
  return {
    what: `instance ${id}`,
    remove: async () => (await ec2Of(deps, region)).terminate(id, { clearProtection: true }),
  }
}

/** Credentials first, the user last: IAM deletes none that anything hangs on. */
async function itemsOfUser(deps: RemovalDeps): Promise<Item[]> {
  const { login, usersDb } = deps
  const iam = await iamOf(deps)
  const kinds: Kind[] = [
    {
      noun: "access key",
      list: async () => (await iam.accessKeys(login)).map(({ id }) => id),
      remove: (id) => iam.deleteAccessKey(login, id),
      forget: (id) => usersDb.accessKeys.remove(id),
    },
    {
      noun: "login profile",
      list: async () => ((await iam.hasLoginProfile(login)) ? [`of ${login}`] : []),
      remove: () => iam.deleteLoginProfile(login),
    },
    {
      noun: "MFA device",
      list: () => iam.mfaDevices(login),
      remove: (serial) => iam.removeMfaDevice(login, serial),
    },
    {
      noun: "signing certificate",
      list: () => iam.signingCertificates(login),
      remove: (id) => iam.deleteSigningCertificate(login, id),
    },
    {
      noun: "SSH public key",
      list: () => iam.sshPublicKeys(login),
      remove: (id) => iam.deleteSshPublicKey(login, id),
    },
    {
      noun: "service credential",
      // Where they cannot be listed (moto), there are none; if there were, deleting the user would fail and name them.
      list: () => iam.serviceCredentials(login).catch(() => []),
      remove: (id) => iam.deleteServiceCredential(login, id),
    },
    {
      noun: "policy",
      list: () => iam.userPolicies(login),
      remove: (name) => iam.deleteUserPolicy(login, name),
    },
    {
      noun: "attached policy",
      list: async () => (await iam.attachedPolicies(login)).map(({ arn }) => arn),
      remove: (arn) => iam.detachPolicy(login, arn),
    },
    {
      noun: "membership of group",
      list: () => iam.groupsOf(login),
      remove: (group) => iam.removeFromGroup(login, group),
    },
  ]
  const perKind = await Promise.all(kinds.map(itemsOfKind))
  return [...perKind.flat(), { what: `IAM user ${login}`, remove: () => iam.deleteUser(login) }]
}

/** One kind of thing that hangs on a user. */
interface Kind {
  noun: string
  list(): Promise<string[]>
  remove(id: string): Promise<Outcome>
  forget?(id: string): void
}

/** A kind that cannot be listed is one that cannot be removed: it is named as such, and the others go. */
async function itemsOfKind({ noun, list, remove, forget }: Kind): Promise<Item[]> {
  try {
    return (await list()).map((id) => ({
      what: `${noun} ${id}`,
      remove: () => remove(id),
      forget: () => forget?.(id),
    }))
  } catch (error) {
    return [{ what: noun, remove: () => Promise.reject(error) }]
  }
}

async function keyPairItems(deps: RemovalDeps): Promise<Item[]> {
  const { config, login, usersDb } = deps
  const recorded = usersDb.sshKeys.ofUser(login).map(({ name }) => name)
  const isOwn = ({ name, tags }: KeyPair) =>
    tags[tagOf.owner] === undefined
      ? recorded.includes(name) || isUnclaimedKeyOf(deps, name)
      : tags[tagOf.owner] === login
  const perRegion = await Promise.all(
    config.aws.regions.map(async (region) => {
      const ec2 = await ec2Of(deps, region)
      return (await ec2.keyPairs()).filter(isOwn).map(
        ({ name }): Item => ({
          what: `key pair ${name}${region === config.aws.region ? "" : ` in ${region}`}`,
          remove: () => ec2.deleteKeyPair(name),
          forget: () => usersDb.sshKeys.remove(name),
        }),
      )
    }),
  )
  return perRegion.flat()
}

/** A key pair of the old tools carries no tag: its name says whose it is, unless it is another login's by a longer prefix. */
function isUnclaimedKeyOf({ login, usersDb }: RemovalDeps, name: string): boolean {
  if (!isKeyNameOf(login, name)) return false
  return !usersDb.users.logins().some((other) => other.length > login.length && isKeyNameOf(other, name))
}
