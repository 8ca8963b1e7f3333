/** The steps that make secrets: each leaves an intent before its call, so that the next run knows what a killed one did. */
import { AwsError, hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { msPerSecond } from "../../base/time.ts"
import type { IntentKind } from "../../db/identities/identity_intents.ts"
import { makePassword } from "../../decisions/identities/password.ts"
import { audited, ec2Of, type IdentityDeps, iamOf, requireNotSuspended } from "./deps.ts"
import { identityTags } from "./observe.ts"
import { publicKeyOf } from "./public_key_of.ts"

const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count))

/**
 * Sets the console password; null: one is made. One that is given and that IAM refuses gives way to a fresh one where it
 * `mayReplace` it, and else leaves the old one.
 */
export async function setPassword(
  deps: IdentityDeps,
  how: "create" | "update",
  given: string | null,
  { mayReplace = true } = {},
): Promise<string> {
  const { login, usersDb, clock } = deps
  const iam = await iamOf(deps)
  const fresh = async () => makePassword(await iam.passwordPolicy(), randomBytes)
  const set = async (password: string) => {
    usersDb.intents.begin(login, "password", { password }, clock.now())
    await withIntent(deps, "password", () =>
      audited(deps, `${how} the login profile`, () =>
        how === "create" ? iam.createLoginProfile(login, password) : iam.updateLoginProfile(login, password),
      ),
    )
    usersDb.transaction(() => {
      usersDb.users.setPassword(login, password)
      usersDb.intents.end(login, "password")
    })
    return password
  }
  if (given === null) return set(await fresh())
  try {
    return await set(given)
  } catch (error) {
    if (!hasCode(error, "PasswordPolicyViolation")) throw error
    if (!mayReplace) throw error
    return set(await fresh())
  }
}

/** Makes an access key and records it; `before` are those that AWS has already. */
export async function createAccessKey(deps: IdentityDeps, before: string[], replaces: boolean) {
  const { login, usersDb, clock } = deps
  const iam = await iamOf(deps)
  usersDb.intents.begin(login, "access key", { before, replaces }, clock.now())
  const { id, secret } = await withIntent(deps, "access key", () =>
    audited(deps, "create an access key", () => iam.createAccessKey(login)),
  )
  usersDb.accessKeys.add(login, { id, secret })
  return { id, secret }
}

/** Takes the intent back where AWS says that it did nothing; where its reply was lost, the next run finds out. */
async function withIntent<T>(deps: IdentityDeps, kind: IntentKind, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof AwsError && !error.mayHaveHappened) deps.usersDb.intents.end(deps.login, kind)
    throw error
  }
}

export async function deleteAccessKey(deps: IdentityDeps, id: string): Promise<void> {
  const iam = await iamOf(deps)
  await audited(deps, `delete access key ${id}`, () => iam.deleteAccessKey(deps.login, id))
  deps.usersDb.accessKeys.remove(id)
}

const consistencyDeadlineMs = 60 * msPerSecond
const firstDelayMs = 250
const longestDelayMs = 4 * msPerSecond
/** One answer may come from the one place that knows the key already. */
const successesWanted = 2

/**
 * Waits until AWS knows a fresh key, which takes IAM some seconds; false where a minute is not enough. Throws Refused where the
 * login is suspended meanwhile: the key that a suspension has made inactive never works.
 */
export async function keyComesToWork(
  deps: Pick<IdentityDeps, "aws" | "clock" | "interrupt" | "progress" | "login" | "suspension">,
  key: { id: string; secret: string },
): Promise<boolean> {
  const { clock, interrupt, progress } = deps
  const iam = await iamOf(deps)
  const deadline = clock.now() + consistencyDeadlineMs
  let delay = firstDelayMs
  for (let successes = 0; ; ) {
    successes = (await iam.accessKeyWorks(key.id, key.secret)) ? successes + 1 : 0
    if (successes >= successesWanted) return true
    if (successes > 0) continue
    requireNotSuspended(deps)
    if (clock.now() + delay > deadline) return false
    progress("waiting for AWS to know the new access key")
    await clock.sleep(delay, interrupt)
    delay = Math.min(longestDelayMs, delay * 2)
  }
}

/** Makes a key pair at EC2, or imports a public key, and records it. */
export async function makeSshKey(deps: IdentityDeps, name: string, publicKey: string | null): Promise<void> {
  const { login, usersDb } = deps
  const ec2 = await ec2Of(deps)
  const tags = identityTags(deps)
  if (publicKey !== null) {
    const { keyPair } = await audited(deps, `import key pair ${name}`, () =>
      ec2.importKeyPair(name, publicKey, tags),
    )
    usersDb.sshKeys.put(login, { name, privateKey: null, publicKey, fingerprint: keyPair.fingerprint })
    return
  }
  const { keyPair, privateKey } = await audited(deps, `create key pair ${name}`, () =>
    ec2.createKeyPair(name, tags),
  )
  usersDb.sshKeys.put(login, {
    name,
    privateKey,
    publicKey: publicKeyOf(privateKey),
    fingerprint: keyPair.fingerprint,
  })
}

/** Imports a recorded key into EC2, which lacks it. */
export async function restoreKeyPair(deps: IdentityDeps, name: string): Promise<void> {
  const { login, usersDb } = deps
  const ec2 = await ec2Of(deps)
  const recorded = usersDb.sshKeys.get(login, name)
  const publicKey = recorded && (recorded.publicKey ?? publicKeyOf(recorded.privateKey ?? ""))
  if (!recorded || !publicKey) throw new Failed(`restore ${name}`, "its public half is not known")
  const { keyPair } = await audited(deps, `import key pair ${name}`, () =>
    ec2.importKeyPair(name, publicKey, identityTags(deps)),
  )
  usersDb.sshKeys.put(login, { ...recorded, publicKey, fingerprint: keyPair.fingerprint })
}

export async function deleteKeyPair(deps: IdentityDeps, name: string, region?: string): Promise<void> {
  const ec2 = await ec2Of(deps, region)
  await audited(deps, `delete key pair ${name}${region ? ` in ${region}` : ""}`, () =>
    ec2.deleteKeyPair(name),
  )
}
