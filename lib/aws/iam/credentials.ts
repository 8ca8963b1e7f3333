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
import { utcMsOf } from "../../base/time.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { required } from "../protocol/pages.ts"
import {
  type IamConnection,
  ignoreMissing,
  nullIfMissing,
  outcomeWhenDone,
  paginateByMarker,
} from "./connection.ts"
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

export function credentialCalls({ send, sendOnce }: IamConnection): Calls {
  return {
    async accessKeys(user) {
      const action = `list access keys of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListAccessKeysCommand({ UserName: user, Marker })),
        (page) => page.AccessKeyMetadata,
      )
      return all.map(({ AccessKeyId, Status, CreateDate }) => ({
        id: required(action, AccessKeyId),
        active: Status === "Active",
        createdAtUtcMs: utcMsOf(required(action, CreateDate).getTime()),
      }))
    },

    async createAccessKey(user) {
      const action = `create an access key for ${user}`
      const reply = await sendOnce(action, new CreateAccessKeyCommand({ UserName: user }))
      const { AccessKeyId, SecretAccessKey } = required(action, reply.AccessKey)
      return {
        ...outcomeOf(reply),
        id: required(action, AccessKeyId),
        secret: required(action, SecretAccessKey),
      }
    },

    setAccessKeyActive: (user, id, active) =>
      outcomeWhenDone(
        send(
          `make access key ${id} of ${user} ${active ? "active" : "inactive"}`,
          new UpdateAccessKeyCommand({
            UserName: user,
            AccessKeyId: id,
            Status: active ? "Active" : "Inactive",
          }),
        ),
      ),

    deleteAccessKey: (user, id) =>
      ignoreMissing(
        send(
          `delete access key ${id} of ${user}`,
          new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: id }),
        ),
      ),

    async hasLoginProfile(user) {
      const action = `look up the login profile of ${user}`
      return (await nullIfMissing(send(action, new GetLoginProfileCommand({ UserName: user })))) !== null
    },

    createLoginProfile: (user, password) =>
      outcomeWhenDone(
        sendOnce(
          `create the login profile of ${user}`,
          new CreateLoginProfileCommand({ UserName: user, Password: password, PasswordResetRequired: false }),
        ),
      ),

    updateLoginProfile: (user, password) =>
      outcomeWhenDone(
        send(
          `set the password of ${user}`,
          new UpdateLoginProfileCommand({ UserName: user, Password: password, PasswordResetRequired: false }),
        ),
      ),

    deleteLoginProfile: (user) =>
      ignoreMissing(
        send(`delete the login profile of ${user}`, new DeleteLoginProfileCommand({ UserName: user })),
      ),

    async passwordPolicy() {
      const action = "read the account's password policy"
      const reply = await nullIfMissing(send(action, new GetAccountPasswordPolicyCommand({})))
      if (!reply) return null
      const policy = required(action, reply.PasswordPolicy)
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
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListSigningCertificatesCommand({ UserName: user, Marker })),
        (page) => page.Certificates,
      )
      return all.map(({ CertificateId }) => required(action, CertificateId))
    },

    deleteSigningCertificate: (user, id) =>
      ignoreMissing(
        send(
          `delete signing certificate ${id} of ${user}`,
          new DeleteSigningCertificateCommand({ UserName: user, CertificateId: id }),
        ),
      ),

    async mfaDevices(user) {
      const action = `list MFA devices of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListMFADevicesCommand({ UserName: user, Marker })),
        (page) => page.MFADevices,
      )
      return all.map(({ SerialNumber }) => required(action, SerialNumber))
    },

    async removeMfaDevice(user, serialNumber) {
      const outcome = await ignoreMissing(
        send(
          `deactivate MFA device ${serialNumber} of ${user}`,
          new DeactivateMFADeviceCommand({ UserName: user, SerialNumber: serialNumber }),
        ),
      )
      // A virtual device's number is an ARN (arn:aws:iam::123456789012:mfa/NAME); others have none to delete.
      if (!/^arn:[^:]+:iam::\d*:mfa\//.test(serialNumber)) return outcome
      return ignoreMissing(
        send(
          `delete MFA device ${serialNumber}`,
          new DeleteVirtualMFADeviceCommand({ SerialNumber: serialNumber }),
        ),
      )
    },

    async sshPublicKeys(user) {
      const action = `list SSH public keys of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListSSHPublicKeysCommand({ UserName: user, Marker })),
        (page) => page.SSHPublicKeys,
      )
      return all.map(({ SSHPublicKeyId }) => required(action, SSHPublicKeyId))
    },

    deleteSshPublicKey: (user, id) =>
      ignoreMissing(
        send(
          `delete SSH public key ${id} of ${user}`,
          new DeleteSSHPublicKeyCommand({ UserName: user, SSHPublicKeyId: id }),
        ),
      ),

    async serviceCredentials(user) {
      const action = `list service credentials of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListServiceSpecificCredentialsCommand({ UserName: user, Marker })),
        (page) => page.ServiceSpecificCredentials,
      )
      return all.map(({ ServiceSpecificCredentialId }) => required(action, ServiceSpecificCredentialId))
    },

    deleteServiceCredential: (user, id) =>
      ignoreMissing(
        send(
          `delete service credential ${id} of ${user}`,
          new DeleteServiceSpecificCredentialCommand({ UserName: user, ServiceSpecificCredentialId: id }),
        ),
      ),
  }
}
