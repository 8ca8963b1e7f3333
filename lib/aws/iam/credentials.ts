/** What a user signs in and signs requests with. */
import {
  CreateAccessKeyCommand,
  CreateLoginProfileCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteLoginProfileCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteSigningCertificateCommand,
  DeleteSSHPublicKeyCommand,
  DeleteVirtualMFADeviceCommand,
  GetAccountPasswordPolicyCommand,
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListMFADevicesCommand,
  ListServiceSpecificCredentialsCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  UpdateAccessKeyCommand,
  UpdateLoginProfileCommand,
} from "@aws-sdk/client-iam"
import { outcomeOf } from "../protocol/connection.ts"
import { present } from "../protocol/pages.ts"
import { done, gone, type IamConnection, marked, orNull } from "./connection.ts"
import type { Iam } from "./interfaces.ts"

type Calls = Pick<
  Iam,
  | "accessKeys"
  | "createAccessKey"
  | "setAccessKeyActive"
  | "deleteAccessKey"
  | "hasLoginProfile"
  | "createLoginProfile"
  | "updateLoginProfile"
  | "deleteLoginProfile"
  | "passwordPolicy"
  | "signingCertificates"
  | "deleteSigningCertificate"
  | "mfaDevices"
  | "removeMfaDevice"
  | "sshPublicKeys"
  | "deleteSshPublicKey"
  | "serviceCredentials"
  | "deleteServiceCredential"
>

export function credentialCalls({ ask, askOnce }: IamConnection): Calls {
  return {
    async accessKeys(user) {
      const action = `list access keys of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListAccessKeysCommand({ UserName: user, Marker })),
        (page) => page.AccessKeyMetadata,
      )
      return all.map(({ AccessKeyId, Status, CreateDate }) => ({
        id: present(action, AccessKeyId),
        active: Status === "Active",
        createdAtUtcMs: present(action, CreateDate).getTime(),
      }))
    },

    async createAccessKey(user) {
      const action = `create an access key for ${user}`
      const reply = await askOnce(action, new CreateAccessKeyCommand({ UserName: user }))
      const { AccessKeyId, SecretAccessKey } = present(action, reply.AccessKey)
      return {
        ...outcomeOf(reply),
        id: present(action, AccessKeyId),
        secret: present(action, SecretAccessKey),
      }
    },

    setAccessKeyActive: (user, id, active) =>
      done(
        ask(
          `make access key ${id} of ${user} ${active ? "active" : "inactive"}`,
          new UpdateAccessKeyCommand({
            UserName: user,
            AccessKeyId: id,
            Status: active ? "Active" : "Inactive",
          }),
        ),
      ),

    deleteAccessKey: (user, id) =>
      gone(
        ask(
          `delete access key ${id} of ${user}`,
          new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: id }),
        ),
      ),

    async hasLoginProfile(user) {
      const action = `look up the login profile of ${user}`
      return (await orNull(ask(action, new GetLoginProfileCommand({ UserName: user })))) !== null
    },

    createLoginProfile: (user, password) =>
      done(
        askOnce(
          `create the login profile of ${user}`,
          new CreateLoginProfileCommand({ UserName: user, Password: password, PasswordResetRequired: false }),
        ),
      ),

    updateLoginProfile: (user, password) =>
      done(
        ask(
          `set the password of ${user}`,
          new UpdateLoginProfileCommand({ UserName: user, Password: password, PasswordResetRequired: false }),
        ),
      ),

    deleteLoginProfile: (user) =>
      gone(ask(`delete the login profile of ${user}`, new DeleteLoginProfileCommand({ UserName: user }))),

    async passwordPolicy() {
      const action = "read the account's password policy"
      const reply = await orNull(ask(action, new GetAccountPasswordPolicyCommand({})))
      if (!reply) return null
      const policy = present(action, reply.PasswordPolicy)
      return {
        minimumLength: policy.MinimumPasswordLength ?? 8,
        requireSymbols: policy.RequireSymbols ?? false,
        requireNumbers: policy.RequireNumbers ?? false,
        requireUppercase: policy.RequireUppercaseCharacters ?? false,
        requireLowercase: policy.RequireLowercaseCharacters ?? false,
      }
    },

    async signingCertificates(user) {
      const action = `list signing certificates of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListSigningCertificatesCommand({ UserName: user, Marker })),
        (page) => page.Certificates,
      )
      return all.map(({ CertificateId }) => present(action, CertificateId))
    },

    deleteSigningCertificate: (user, id) =>
      gone(
        ask(
          `delete signing certificate ${id} of ${user}`,
          new DeleteSigningCertificateCommand({ UserName: user, CertificateId: id }),
        ),
      ),

    async mfaDevices(user) {
      const action = `list MFA devices of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListMFADevicesCommand({ UserName: user, Marker })),
        (page) => page.MFADevices,
      )
      return all.map(({ SerialNumber }) => present(action, SerialNumber))
    },

    async removeMfaDevice(user, serialNumber) {
      const outcome = await gone(
        ask(
          `deactivate MFA device ${serialNumber} of ${user}`,
          new DeactivateMFADeviceCommand({ UserName: user, SerialNumber: serialNumber }),
        ),
      )
      // A virtual device's number is an ARN (arn:aws:iam::123456789012:mfa/NAME); others have none to delete.
      if (!/^arn:[^:]+:iam::\d*:mfa\//.test(serialNumber)) return outcome
      return gone(
        ask(
          `delete MFA device ${serialNumber}`,
          new DeleteVirtualMFADeviceCommand({ SerialNumber: serialNumber }),
        ),
      )
    },

    async sshPublicKeys(user) {
      const action = `list SSH public keys of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListSSHPublicKeysCommand({ UserName: user, Marker })),
        (page) => page.SSHPublicKeys,
      )
      return all.map(({ SSHPublicKeyId }) => present(action, SSHPublicKeyId))
    },

    deleteSshPublicKey: (user, id) =>
      gone(
        ask(
          `delete SSH public key ${id} of ${user}`,
          new DeleteSSHPublicKeyCommand({ UserName: user, SSHPublicKeyId: id }),
        ),
      ),

    async serviceCredentials(user) {
      const action = `list service credentials of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListServiceSpecificCredentialsCommand({ UserName: user, Marker })),
        (page) => page.ServiceSpecificCredentials,
      )
      return all.map(({ ServiceSpecificCredentialId }) => present(action, ServiceSpecificCredentialId))
    },

    deleteServiceCredential: (user, id) =>
      gone(
        ask(
          `delete service credential ${id} of ${user}`,
          new DeleteServiceSpecificCredentialCommand({ UserName: user, ServiceSpecificCredentialId: id }),
        ),
      ),
  }
}
