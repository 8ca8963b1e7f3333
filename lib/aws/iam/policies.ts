/** Policies, of groups and of users: inline and attached ones, and what they come to. */
import {
  DeleteGroupPolicyCommand,
  DeleteUserPolicyCommand,
  DetachGroupPolicyCommand,
  DetachUserPolicyCommand,
  GetGroupPolicyCommand,
  GetUserPolicyCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupPoliciesCommand,
  ListUserPoliciesCommand,
  PutGroupPolicyCommand,
  PutUserPolicyCommand,
  SimulatePrincipalPolicyCommand,
} from "@aws-sdk/client-iam"
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
  | "groupPolicy"
  | "putGroupPolicy"
  | "groupPolicies"
  | "deleteGroupPolicy"
  | "attachedGroupPolicies"
  | "detachGroupPolicy"
  | "userPolicy"
  | "userPolicies"
  | "putUserPolicy"
  | "deleteUserPolicy"
  | "attachedPolicies"
  | "detachPolicy"
  | "simulate"
>

export function policyCalls({ send }: IamConnection): Calls {
  return {
    async groupPolicy(group, policy) {
      const action = `read policy ${policy} of group ${group}`
      const command = new GetGroupPolicyCommand({ GroupName: group, PolicyName: policy })
      const reply = await nullIfMissing(send(action, command))
      return reply ? decodedDocument(action, reply.PolicyDocument) : null
    },

    putGroupPolicy: (group, policy, document) =>
      outcomeWhenDone(
        send(
          `write policy ${policy} of group ${group}`,
          new PutGroupPolicyCommand({ GroupName: group, PolicyName: policy, PolicyDocument: document }),
        ),
      ),

    groupPolicies: (group) => {
      const action = `list policies of group ${group}`
      return paginateByMarker(
        action,
        (Marker) => send(action, new ListGroupPoliciesCommand({ GroupName: group, Marker })),
        (page) => page.PolicyNames,
      )
    },

    deleteGroupPolicy: (group, policy) =>
      ignoreMissing(
        send(
          `delete policy ${policy} of group ${group}`,
          new DeleteGroupPolicyCommand({ GroupName: group, PolicyName: policy }),
        ),
      ),

    async attachedGroupPolicies(group) {
      const action = `list attached policies of group ${group}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListAttachedGroupPoliciesCommand({ GroupName: group, Marker })),
        (page) => page.AttachedPolicies,
      )
      return all.map(({ PolicyName, PolicyArn }) => ({
        name: PolicyName ?? "",
        arn: required(action, PolicyArn),
      }))
    },

    detachGroupPolicy: (group, arn) =>
      ignoreMissing(
        send(
          `detach policy ${arn} from group ${group}`,
          new DetachGroupPolicyCommand({ GroupName: group, PolicyArn: arn }),
        ),
      ),

    async userPolicy(user, policy) {
      const action = `read policy ${policy} of ${user}`
      const reply = await nullIfMissing(
        send(action, new GetUserPolicyCommand({ UserName: user, PolicyName: policy })),
      )
      return reply ? decodedDocument(action, reply.PolicyDocument) : null
    },

    userPolicies: (user) => {
      const action = `list policies of ${user}`
      return paginateByMarker(
        action,
        (Marker) => send(action, new ListUserPoliciesCommand({ UserName: user, Marker })),
        (page) => page.PolicyNames,
      )
    },

    putUserPolicy: (user, policy, document) =>
      outcomeWhenDone(
        send(
          `write policy ${policy} of ${user}`,
          new PutUserPolicyCommand({ UserName: user, PolicyName: policy, PolicyDocument: document }),
        ),
      ),

    deleteUserPolicy: (user, policy) =>
      ignoreMissing(
        send(
          `delete policy ${policy} of ${user}`,
          new DeleteUserPolicyCommand({ UserName: user, PolicyName: policy }),
        ),
      ),

    async attachedPolicies(user) {
      const action = `list attached policies of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListAttachedUserPoliciesCommand({ UserName: user, Marker })),
        (page) => page.AttachedPolicies,
      )
      return all.map(({ PolicyName, PolicyArn }) => ({
        name: PolicyName ?? "",
        arn: required(action, PolicyArn),
      }))
    },

    detachPolicy: (user, arn) =>
      ignoreMissing(
        send(
          `detach policy ${arn} from ${user}`,
          new DetachUserPolicyCommand({ UserName: user, PolicyArn: arn }),
        ),
      ),

    async simulate(principalArn, actions, resources) {
      const action = `simulate the policy of ${principalArn}`
      const all = await paginateByMarker(
        action,
        (Marker) =>
          send(
            action,
            new SimulatePrincipalPolicyCommand({
              PolicySourceArn: principalArn,
              ActionNames: actions,
              ...(resources ? { ResourceArns: resources } : {}),
              Marker,
            }),
          ),
        (page) => page.EvaluationResults,
      )
      return all.map(({ EvalActionName, EvalDecision }) => ({
        action: required(action, EvalActionName),
        allowed: EvalDecision === "allowed",
      }))
    },
  }
}

/** IAM answers policy documents URL-encoded (RFC 3986). */
export function decodedDocument(action: string, encoded: string | undefined): string {
  return decodeURIComponent(required(action, encoded))
}
