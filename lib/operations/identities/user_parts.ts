/** All that hangs on an IAM user, and the user. */
import type { Outcome } from "../../aws/outcome.ts"
import { iamOf } from "./deps.ts"
import type { Removable, RemovalDeps } from "./removable.ts"

/** Credentials first, the user last: IAM deletes none that anything hangs on. */
export async function partsOfUser(deps: RemovalDeps): Promise<Removable[]> {
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
  const perKind = await Promise.all(kinds.map(partsOfKind))
  return [
    ...perKind.flat(),
    { what: `IAM user ${login}`, remove: () => iam.deleteUser(login), mayNeedTime: true },
  ]
}

/** One kind of thing that hangs on a user. */
interface Kind {
  noun: string
  list(): Promise<string[]>
  remove(id: string): Promise<Outcome>
  forget?(id: string): void
}

/** A kind that cannot be listed is one that cannot be removed: it is named as such, and the others go. */
async function partsOfKind({ noun, list, remove, forget }: Kind): Promise<Removable[]> {
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
