/** Users, groups and policies. */
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeleteGroupPolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DetachGroupPolicyCommand,
  DetachUserPolicyCommand,
  GetGroupCommand,
  GetGroupPolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupPoliciesCommand,
  ListGroupsForUserCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  PutGroupPolicyCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  SimulatePrincipalPolicyCommand,
  TagUserCommand,
} from "@aws-sdk/client-iam"
import { outcomeOf } from "./connection.ts"
import { done, gone, type IamConnection, marked, orNull } from "./iam_connection.ts"
import type { Iam } from "./interfaces.ts"
import { present } from "./pages.ts"
import { tagList, tagRecord } from "./tags.ts"

type Calls = Pick<
  Iam,
  | "user"
  | "users"
  | "createUser"
  | "deleteUser"
  | "userTags"
  | "tagUser"
  | "group"
  | "createGroup"
  | "groupsOf"
  | "addToGroup"
  | "removeFromGroup"
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

export function userCalls({ ask, askOnce }: IamConnection): Calls {
  return {
    async user(name) {
      const action = `look up user ${name}`
      const reply = await orNull(ask(action, new GetUserCommand({ UserName: name })))
      if (!reply) return null
      const { UserName, Path, Arn, Tags } = present(action, reply.User)
      return { name: UserName ?? name, path: Path ?? "/", arn: present(action, Arn), tags: tagRecord(Tags) }
    },

    async users(pathPrefix) {
      const action = "list users"
      const all = await marked(
        action,
        (Marker) =>
          ask(action, new ListUsersCommand({ ...(pathPrefix ? { PathPrefix: pathPrefix } : {}), Marker })),
        (page) => page.Users,
      )
      return all.map(({ UserName, Path, Arn }) => ({
        name: present(action, UserName),
        path: Path ?? "/",
        arn: present(action, Arn),
      }))
    },

    async createUser(name, path, tags) {
      const action = `create user ${name}`
      const reply = await askOnce(
        action,
        new CreateUserCommand({ UserName: name, Path: path, Tags: tagList(tags) }),
      )
      return { ...outcomeOf(reply), arn: present(action, reply.User?.Arn) }
    },

    deleteUser: (name) => gone(ask(`delete user ${name}`, new DeleteUserCommand({ UserName: name }))),

    async userTags(name) {
      const action = `list tags of user ${name}`
      return tagRecord(
        await marked(
          action,
          (Marker) => ask(action, new ListUserTagsCommand({ UserName: name, Marker })),
          (page) => page.Tags,
        ),
      )
    },

    tagUser: (name, tags) =>
      done(ask(`tag user ${name}`, new TagUserCommand({ UserName: name, Tags: tagList(tags) }))),

    async group(name) {
      const action = `look up group ${name}`
      const reply = await orNull(ask(action, new GetGroupCommand({ GroupName: name, MaxItems: 1 })))
      return reply ? { name, arn: present(action, reply.Group?.Arn) } : null
    },

    createGroup: (name, path = "/") =>
      done(askOnce(`create group ${name}`, new CreateGroupCommand({ GroupName: name, Path: path }))),

    async groupsOf(user) {
      const action = `list groups of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListGroupsForUserCommand({ UserName: user, Marker })),
        (page) => page.Groups,
      )
      return all.map(({ GroupName }) => present(action, GroupName))
    },

    addToGroup: (user, group) =>
      done(
        ask(`add ${user} to group ${group}`, new AddUserToGroupCommand({ UserName: user, GroupName: group })),
      ),

    removeFromGroup: (user, group) =>
      gone(
        ask(
          `remove ${user} from group ${group}`,
          new RemoveUserFromGroupCommand({ UserName: user, GroupName: group }),
        ),
      ),

    async groupPolicy(group, policy) {
      const action = `read policy ${policy} of group ${group}`
      const command = new GetGroupPolicyCommand({ GroupName: group, PolicyName: policy })
      const reply = await orNull(ask(action, command))
      return reply ? documentOf(action, reply.PolicyDocument) : null
    },

    putGroupPolicy: (group, policy, document) =>
      done(
        ask(
          `write policy ${policy} of group ${group}`,
          new PutGroupPolicyCommand({ GroupName: group, PolicyName: policy, PolicyDocument: document }),
        ),
      ),

    groupPolicies: (group) => {
      const action = `list policies of group ${group}`
      return marked(
        action,
        (Marker) => ask(action, new ListGroupPoliciesCommand({ GroupName: group, Marker })),
        (page) => page.PolicyNames,
      )
    },

    deleteGroupPolicy: (group, policy) =>
      gone(
        ask(
          `delete policy ${policy} of group ${group}`,
          new DeleteGroupPolicyCommand({ GroupName: group, PolicyName: policy }),
        ),
      ),

    async attachedGroupPolicies(group) {
      const action = `list attached policies of group ${group}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListAttachedGroupPoliciesCommand({ GroupName: group, Marker })),
        (page) => page.AttachedPolicies,
      )
      return all.map(({ PolicyName, PolicyArn }) => ({
        name: PolicyName ?? "",
        arn: present(action, PolicyArn),
      }))
    },

    detachGroupPolicy: (group, arn) =>
      gone(
        ask(
          `detach policy ${arn} from group ${group}`,
          new DetachGroupPolicyCommand({ GroupName: group, PolicyArn: arn }),
        ),
      ),

    async userPolicy(user, policy) {
      const action = `read policy ${policy} of ${user}`
      const reply = await orNull(
        ask(action, new GetUserPolicyCommand({ UserName: user, PolicyName: policy })),
      )
      return reply ? documentOf(action, reply.PolicyDocument) : null
    },

    userPolicies: (user) => {
      const action = `list policies of ${user}`
      return marked(
        action,
        (Marker) => ask(action, new ListUserPoliciesCommand({ UserName: user, Marker })),
        (page) => page.PolicyNames,
      )
    },

    putUserPolicy: (user, policy, document) =>
      done(
        ask(
          `write policy ${policy} of ${user}`,
          new PutUserPolicyCommand({ UserName: user, PolicyName: policy, PolicyDocument: document }),
        ),
      ),

    deleteUserPolicy: (user, policy) =>
      gone(
        ask(
          `delete policy ${policy} of ${user}`,
          new DeleteUserPolicyCommand({ UserName: user, PolicyName: policy }),
        ),
      ),

    async attachedPolicies(user) {
      const action = `list attached policies of ${user}`
      const all = await marked(
        action,
        (Marker) => ask(action, new ListAttachedUserPoliciesCommand({ UserName: user, Marker })),
        (page) => page.AttachedPolicies,
      )
      return all.map(({ PolicyName, PolicyArn }) => ({
        name: PolicyName ?? "",
        arn: present(action, PolicyArn),
      }))
    },

    detachPolicy: (user, arn) =>
      gone(
        ask(
          `detach policy ${arn} from ${user}`,
          new DetachUserPolicyCommand({ UserName: user, PolicyArn: arn }),
        ),
      ),

    async simulate(principalArn, actions, resources) {
      const action = `simulate the policy of ${principalArn}`
      const all = await marked(
        action,
        (Marker) =>
          ask(
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
        action: present(action, EvalActionName),
        allowed: EvalDecision === "allowed",
      }))
    },
  }
}

/** IAM answers policy documents URL-encoded (RFC 3986). */
function documentOf(action: string, encoded: string | undefined): string {
  return decodeURIComponent(present(action, encoded))
}
