/** The role that students' sessions are of. */
import {
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam"
import { msPerSecond } from "../../base/time.ts"
import { tagList, tagRecord } from "../ec2/tags.ts"
import { required } from "../protocol/pages.ts"
import {
  type IamConnection,
  ignoreMissing,
  nullIfMissing,
  outcomeWhenDone,
  paginateByMarker,
} from "./connection.ts"
import type { Iam } from "./interfaces.ts"
import { decodedDocument } from "./policies.ts"

type Calls = Pick<
  Iam,
  | "role"
  | "createRole"
  | "untagRole"
  | "setRoleTrust"
  | "setRoleSession"
  | "rolePolicy"
  | "rolePolicies"
  | "putRolePolicy"
  | "deleteRolePolicy"
  | "attachedRolePolicies"
  | "detachRolePolicy"
  | "roleOfInstanceProfile"
>

export function roleCalls({ send, sendOnce }: IamConnection): Calls {
  return {
    async role(name) {
      const action = `look up role ${name}`
      const reply = await nullIfMissing(send(action, new GetRoleCommand({ RoleName: name })))
      if (!reply) return null
      const { Arn, Path, AssumeRolePolicyDocument, MaxSessionDuration, Tags } = required(action, reply.Role)
      return {
        name,
        arn: required(action, Arn),
        path: Path ?? "/",
        trust: decodedDocument(action, AssumeRolePolicyDocument),
        sessionMs: (MaxSessionDuration ?? 3600) * msPerSecond,
        tags: tagRecord(Tags),
      }
    },

    createRole: (name, { path, trust, sessionMs, tags }) =>
      outcomeWhenDone(
        sendOnce(
          `create role ${name}`,
          new CreateRoleCommand({
            RoleName: name,
            Path: path,
            AssumeRolePolicyDocument: trust,
            MaxSessionDuration: sessionMs / msPerSecond,
            Tags: tagList(tags),
          }),
        ),
      ),

    untagRole: (name, keys) =>
      outcomeWhenDone(
        send(`remove tags of role ${name}`, new UntagRoleCommand({ RoleName: name, TagKeys: keys })),
      ),

    setRoleTrust: (name, document) =>
      outcomeWhenDone(
        send(
          `write the trust policy of role ${name}`,
          new UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: document }),
        ),
      ),

    setRoleSession: (name, sessionMs) =>
      outcomeWhenDone(
        send(
          `set the longest session of role ${name}`,
          new UpdateRoleCommand({ RoleName: name, MaxSessionDuration: sessionMs / msPerSecond }),
        ),
      ),

    async rolePolicy(role, policy) {
      const action = `read policy ${policy} of role ${role}`
      const reply = await nullIfMissing(
        send(action, new GetRolePolicyCommand({ RoleName: role, PolicyName: policy })),
      )
      return reply ? decodedDocument(action, reply.PolicyDocument) : null
    },

    rolePolicies: (role) => {
      const action = `list policies of role ${role}`
      return paginateByMarker(
        action,
        (Marker) => send(action, new ListRolePoliciesCommand({ RoleName: role, Marker })),
        (page) => page.PolicyNames,
      )
    },

    putRolePolicy: (role, policy, document) =>
      outcomeWhenDone(
        send(
          `write policy ${policy} of role ${role}`,
          new PutRolePolicyCommand({ RoleName: role, PolicyName: policy, PolicyDocument: document }),
        ),
      ),

    deleteRolePolicy: (role, policy) =>
      ignoreMissing(
        send(
          `delete policy ${policy} of role ${role}`,
          new DeleteRolePolicyCommand({ RoleName: role, PolicyName: policy }),
        ),
      ),

    async attachedRolePolicies(role) {
      const action = `list attached policies of role ${role}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListAttachedRolePoliciesCommand({ RoleName: role, Marker })),
        (page) => page.AttachedPolicies,
      )
      return all.map(({ PolicyName, PolicyArn }) => ({
        name: PolicyName ?? "",
        arn: required(action, PolicyArn),
      }))
    },

    detachRolePolicy: (role, arn) =>
      ignoreMissing(
        send(
          `detach policy ${arn} from role ${role}`,
          new DetachRolePolicyCommand({ RoleName: role, PolicyArn: arn }),
        ),
      ),

    async roleOfInstanceProfile(profile) {
      const action = `look up instance profile ${profile}`
      const reply = await nullIfMissing(
        send(action, new GetInstanceProfileCommand({ InstanceProfileName: profile })),
      )
      const [role] = reply?.InstanceProfile?.Roles ?? []
      return role ? { name: required(action, role.RoleName), id: required(action, role.RoleId) } : null
    },
  }
}
