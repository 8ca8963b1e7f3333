/** Users, and the groups that they are in. */
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeleteUserCommand,
  GetGroupCommand,
  GetUserCommand,
  ListGroupsForUserCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  RemoveUserFromGroupCommand,
  TagUserCommand,
} from "@aws-sdk/client-iam"
import { tagList, tagRecord } from "../ec2/tags.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { present } from "../protocol/pages.ts"
import { done, gone, type IamConnection, marked, orNull } from "./connection.ts"
import type { Iam } from "./interfaces.ts"

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
  }
}
