/** A user's SSH key pairs: made, imported, written into the home, deleted. */
import { Failed, Refused } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { privateKeyFile } from "../../decisions/identities/home_contents.ts"
import { deleteKeyPair, makeSshKey, restoreKeyPair } from "./credentials.ts"
import { type IdentityDeps, requireNotSuspended } from "./deps.ts"
import { writeHomeFile } from "./home.ts"
import { ownKeyPair } from "./observe.ts"

/** EC2 has room for 5,000 in a region, for all students together. */
const maxSshKeys = 20

/** Whether the key was made, or was there already. */
export type SshKeyMade = "made" | "was there"

/** Makes sure that a key of this name is recorded and at EC2; with a public key, that it is that one. */
export async function ensureSshKey(
  deps: IdentityDeps,
  name: string,
  publicKey: string | null,
): Promise<SshKeyMade> {
  requireNotSuspended(deps)
  const { login, usersDb } = deps
  if (usersDb.users.get(login) === null) {
    throw new Failed("ssh key", `${login} has no account yet; --init makes it`)
  }
  const recorded = usersDb.sshKeys.get(login, name)
  requireSameKey(recorded?.publicKey ?? null, name, recorded === null ? null : publicKey)
  const keyPair = await ownKeyPair(deps, name)
  if (recorded && keyPair?.fingerprint === recorded.fingerprint) return "was there"
  if (!recorded && usersDb.sshKeys.ofUser(login).length >= maxSshKeys) {
    throw new Refused("ssh key", `${login} has ${maxSshKeys} keys, the most there may be; delete one first`)
  }
  deps.home.probe()
  // One that EC2 has and we do not know, or know otherwise: nobody can be given its private half.
  if (keyPair) await deleteKeyPair(deps, name)
  if (recorded) {
    await restoreKeyPair(deps, name)
    return "was there"
  }
  await makeSshKey(deps, name, publicKey)
  return "made"
}

/** Throws Refused where a public key is given and another one has its name. */
export function requireSameKey(recorded: string | null, name: string, given: string | null): void {
  if (given === null || recorded === given) return
  throw new Refused(
    "import ssh key",
    `there is another key ${name}; delete it first (--delete-ssh-key --key-name ${name})`,
  )
}

/** Writes `NAME.pem` into the home. */
export function dumpSshKey(deps: IdentityDeps, name: string): void {
  const { login, usersDb } = deps
  const key = usersDb.sshKeys.get(login, name)
  if (!key) throw new Failed("dump ssh key", `there is no key ${quoted(name)} of ${login}`)
  if (!key.privateKey) {
    throw new Failed("dump ssh key", `${name} was imported, its private half is where you made it`)
  }
  writeHomeFile(deps, privateKeyFile(name, key.privateKey))
}

/** Deletes a key at EC2 and here. */
export async function deleteSshKey(
  deps: IdentityDeps,
  name: string,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<void> {
  const { login, usersDb } = deps
  const keyPair = await ownKeyPair(deps, name)
  if (!keyPair && !usersDb.sshKeys.get(login, name)) {
    throw new Failed("delete ssh key", `there is no key ${quoted(name)} of ${login}`)
  }
  if (dryRun) return
  await deleteKeyPair(deps, name)
  usersDb.sshKeys.remove(name)
}
