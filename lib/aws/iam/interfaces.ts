/** What operations may ask of IAM: users, groups, policies, and what users sign in and sign requests with. */
import type { UtcMs } from "../../base/time.ts"
import type { Outcome } from "../outcome.ts"

export interface AccessKey {
  id: string
  active: boolean
  createdAtUtcMs: UtcMs
}

/** Deleting, detaching and removing what is not there succeeds; creating what is there is an error with code EntityAlreadyExists. */
export interface Iam {
  /** Null where there is none. */
  user(
    name: string,
  ): Promise<{ name: string; path: string; arn: string; tags: Record<string, string> } | null>
  users(pathPrefix?: string): Promise<{ name: string; path: string; arn: string }[]>
  createUser(name: string, path: string, tags: Record<string, string>): Promise<Outcome & { arn: string }>
  deleteUser(name: string): Promise<Outcome>
  userTags(name: string): Promise<Record<string, string>>
  tagUser(name: string, tags: Record<string, string>): Promise<Outcome>

  group(name: string): Promise<{ name: string; arn: string } | null>
  /** The names of its users; none where there is no such group. */
  groupMembers(name: string): Promise<string[]>
  createGroup(name: string, path?: string): Promise<Outcome>
  groupsOf(user: string): Promise<string[]>
  addToGroup(user: string, group: string): Promise<Outcome>
  removeFromGroup(user: string, group: string): Promise<Outcome>
  /** The document as JSON text, URL-decoded; null where there is none. */
  groupPolicy(group: string, policy: string): Promise<string | null>
  putGroupPolicy(group: string, policy: string, document: string): Promise<Outcome>
  groupPolicies(group: string): Promise<string[]>
  deleteGroupPolicy(group: string, policy: string): Promise<Outcome>
  attachedGroupPolicies(group: string): Promise<{ name: string; arn: string }[]>
  detachGroupPolicy(group: string, arn: string): Promise<Outcome>

  /** Null where there is none. `sessionMs` is the longest session that it allows. */
  role(name: string): Promise<IamRole | null>
  createRole(
    name: string,
    role: { path: string; trust: string; sessionMs: number; tags: Record<string, string> },
  ): Promise<Outcome>
  untagRole(name: string, keys: string[]): Promise<Outcome>
  setRoleTrust(name: string, document: string): Promise<Outcome>
  setRoleSession(name: string, sessionMs: number): Promise<Outcome>
  rolePolicy(role: string, policy: string): Promise<string | null>
  rolePolicies(role: string): Promise<string[]>
  putRolePolicy(role: string, policy: string, document: string): Promise<Outcome>
  deleteRolePolicy(role: string, policy: string): Promise<Outcome>
  attachedRolePolicies(role: string): Promise<{ name: string; arn: string }[]>
  detachRolePolicy(role: string, arn: string): Promise<Outcome>
  /** The role that an instance profile hands to instances; null where there is no such profile, or it has none. */
  roleOfInstanceProfile(profile: string): Promise<{ name: string; id: string } | null>

  /** The tags of a managed policy; null where there is no such policy. */
  policyTags(arn: string): Promise<Record<string, string> | null>
  createPolicy(policy: {
    name: string
    path: string
    description: string
    document: string
    tags: Record<string, string>
  }): Promise<Outcome>
  tagPolicy(arn: string, tags: Record<string, string>): Promise<Outcome>

  userPolicy(user: string, policy: string): Promise<string | null>
  userPolicies(user: string): Promise<string[]>
  putUserPolicy(user: string, policy: string, document: string): Promise<Outcome>
  deleteUserPolicy(user: string, policy: string): Promise<Outcome>
  attachedPolicies(user: string): Promise<{ name: string; arn: string }[]>
  detachPolicy(user: string, arn: string): Promise<Outcome>

  accessKeys(user: string): Promise<AccessKey[]>
  createAccessKey(user: string): Promise<Outcome & { id: string; secret: string }>
  setAccessKeyActive(user: string, id: string, active: boolean): Promise<Outcome>
  deleteAccessKey(user: string, id: string): Promise<Outcome>

  hasLoginProfile(user: string): Promise<boolean>
  createLoginProfile(user: string, password: string): Promise<Outcome>
  updateLoginProfile(user: string, password: string): Promise<Outcome>
  deleteLoginProfile(user: string): Promise<Outcome>
  /** The account's policy; null where it has none, and AWS's default holds. */
  passwordPolicy(): Promise<PasswordPolicy | null>

  signingCertificates(user: string): Promise<string[]>
  deleteSigningCertificate(user: string, id: string): Promise<Outcome>
  mfaDevices(user: string): Promise<string[]>
  /** Deactivates, and deletes the device where it is virtual. */
  removeMfaDevice(user: string, serialNumber: string): Promise<Outcome>
  sshPublicKeys(user: string): Promise<string[]>
  deleteSshPublicKey(user: string, id: string): Promise<Outcome>
  serviceCredentials(user: string): Promise<string[]>
  deleteServiceCredential(user: string, id: string): Promise<Outcome>

  /** Whether an access key works yet: asks AWS with it. IAM is eventually consistent. */
  accessKeyWorks(id: string, secret: string): Promise<boolean>
  simulate(
    principalArn: string,
    actions: string[],
    resources?: string[],
  ): Promise<{ action: string; allowed: boolean }[]>
  /** The ARN behind the credentials in use. */
  callerArn(): Promise<string>
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html */
export interface IamRole {
  name: string
  arn: string
  path: string
  /** The trust policy as JSON text. A principal that no longer exists stands there by its id (`AIDA…`). */
  trust: string
  sessionMs: number
  tags: Record<string, string>
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PasswordPolicy.html */
export interface PasswordPolicy {
  minimumLength: number
  requireSymbols: boolean
  requireNumbers: boolean
  requireUppercase: boolean
  requireLowercase: boolean
}
