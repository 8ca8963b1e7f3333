/** Reads one identity, from AWS and from the database, as it is. */
import type { AccessKey } from "../../aws/iam/interfaces.ts"
import { Refused } from "../../base/errors.ts"
import { type KeyPair, tagOf } from "../../base/instance.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { defaultKeyName } from "../../decisions/identities/key_name.ts"
import type { ObservedIdentity, ObservedSessionIdentity } from "../../decisions/identities/plan.ts"
import { isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { userPolicy, userPolicyName } from "../../decisions/identities/student_policy.ts"
import { ec2Of, type IdentityDeps, iamOf } from "./deps.ts"
import { publicKeyOf } from "./public_key_of.ts"

type Who = Pick<IdentityDeps, "config" | "login">
/** What a look needs. */
type ObserveDeps = Pick<IdentityDeps, "config" | "login" | "usersDb" | "aws">

/** What AWS gives a user and its key pairs to be found by. */
export function identityTags({ config, login }: Who): Record<string, string> {
  return { ...config.launch.tags, [tagOf.owner]: login, [tagOf.course]: config.course.name }
}

export function userPolicyText({ config, login }: Who, arn: string): string {
  return policyText(userPolicy(arn, login, config.course.bucket))
}

/** A complete look; changes nothing. Throws Refused where the IAM user of this name is not this course's to touch. */
export async function observeIdentity(deps: ObserveDeps): Promise<ObservedIdentity> {
  const { login, usersDb } = deps
  const [user, keyPair] = await Promise.all([ownUser(deps), ownKeyPair(deps, defaultKeyName(login))])
  const ofUser = user === null ? nothingOfUser : await lookAtUser(deps)
  const wantedTags = Object.entries(identityTags(deps))
  return {
    user: user && { ...user, isTagged: wantedTags.every(([key, value]) => user.tags[key] === value) },
    inGroup: ofUser.groups.includes(deps.config.course.iamGroup),
    hasRightPolicy: user !== null && isSamePolicy(ofUser.policy, userPolicyText(deps, user.arn)),
    hasLoginProfile: ofUser.hasLoginProfile,
    iamKeys: ofUser.keys,
    keyPair,
    ...ofSshKey(deps),
    recordedKeys: usersDb.accessKeys.ofUser(login),
    keyIntent: usersDb.intents.get(login, "access key"),
    passwordIntent: usersDb.intents.get(login, "password"),
  }
}

/** A complete look at a login with sessions. It does not ask IAM, and changes nothing. */
export async function observeSessionIdentity(deps: ObserveDeps): Promise<ObservedSessionIdentity> {
  return { ...ofSshKey(deps), keyPair: await ownKeyPair(deps, defaultKeyName(deps.login)) }
}

function ofSshKey({ login, usersDb }: ObserveDeps): Pick<ObservedIdentity, "row" | "recordedSshKey"> {
  const sshKey = usersDb.sshKeys.get(login, defaultKeyName(login))
  return {
    row: usersDb.users.get(login),
    recordedSshKey: sshKey && {
      fingerprint: sshKey.fingerprint,
      isUsable: Boolean(sshKey.publicKey ?? publicKeyOf(sshKey.privateKey ?? "")),
    },
  }
}

const nothingOfUser = {
  groups: [] as string[],
  policy: null as string | null,
  hasLoginProfile: false,
  keys: [] as AccessKey[],
}

async function lookAtUser(deps: ObserveDeps): Promise<typeof nothingOfUser> {
  const { login } = deps
  const iam = await iamOf(deps)
  const [groups, policy, hasLoginProfile, keys] = await Promise.all([
    iam.groupsOf(login),
    iam.userPolicy(login, userPolicyName(login)),
    iam.hasLoginProfile(login),
    iam.accessKeys(login),
  ])
  return { groups, policy, hasLoginProfile, keys }
}

/** The IAM user of this login; null where there is none. */
export async function ownUser(deps: Who & Pick<IdentityDeps, "aws">) {
  const iam = await iamOf(deps)
  const [user, privilegedArn] = await Promise.all([iam.user(deps.login), iam.callerArn()])
  const foreign = user && whyForeign(deps, user, privilegedArn)
  // A login with sessions needs no user: one of its name is of no concern.
  if (foreign && credentialModeOf(deps.config, deps.login) === "sessions") return null
  if (foreign) throw new Refused(`IAM user ${deps.login}`, `${foreign}, and is left alone`)
  return user
}

/** Why a user of this name is not this login's of this course; null where it is. */
export function whyForeign(
  { config, login }: Who,
  user: { arn: string; path: string; tags: Record<string, string> },
  privilegedArn: string,
): string | null {
  const { name } = config.course
  const { [tagOf.course]: course, [tagOf.owner]: owner } = user.tags
  if (user.arn === privilegedArn) return "has the key that these tools themselves work with"
  if (course !== undefined && course !== name) return `belongs to the course ${course}`
  if (owner !== undefined && owner !== login) return `belongs to ${owner}`
  // The old tools made users at "/".
  if (user.path !== "/" && user.path !== `/${name}/`) return `is at ${user.path}, which is not this course's`
  return null
}

/** Throws Refused where it is another login's, or another course's of the same account. */
export async function ownKeyPair(
  deps: Who & Pick<IdentityDeps, "aws">,
  name: string,
): Promise<KeyPair | null> {
  const keyPair = await keyPairNamed(deps, name)
  const { [tagOf.owner]: owner, [tagOf.course]: course } = keyPair?.tags ?? {}
  const what = `key pair ${name}`
  if (owner !== undefined && owner !== deps.login) throw new Refused(what, `belongs to ${owner}`)
  if (course !== undefined && course !== deps.config.course.name)
    throw new Refused(what, `belongs to ${deps.login} in the course ${course}, and is left alone`)
  return keyPair
}

async function keyPairNamed(deps: Pick<IdentityDeps, "aws">, name: string): Promise<KeyPair | null> {
  const ec2 = await ec2Of(deps)
  const [keyPair] = await ec2.keyPairs({ names: [name] })
  return keyPair ?? null
}
