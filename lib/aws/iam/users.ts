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
  | "user"
  | "users"
  | "createUser"
  | "deleteUser"
  | "userTags"
  | "tagUser"
  | "group"
  | "groupMembers"
  | "createGroup"
  | "groupsOf"
  | "addToGroup"
  | "removeFromGroup"
>

export function userCalls({ send, sendOnce }: IamConnection): Calls {
  return {
    async user(name) {
      const action = `look up user ${name}`
      const reply = await nullIfMissing(send(action, new GetUserCommand({ UserName: name })))
      if (!reply) return null
      const { UserName, Path, Arn, Tags } = required(action, reply.User)
      // One whose name differs in case is somebody else's.
      if ((UserName ?? name) !== name) return null
      return { name, path: Path ?? "/", arn: required(action, Arn), tags: tagRecord(Tags) }
    },

    async users(pathPrefix) {
      const action = "list users"
      const all = await paginateByMarker(
        action,
        (Marker) =>
          send(action, new ListUsersCommand({ ...(pathPrefix ? { PathPrefix: pathPrefix } : {}), Marker })),
        (page) => page.Users,
      )
      const users = all.map(({ UserName, Path, Arn }) => ({
        name: required(action, UserName),
        path: Path ?? "/",
        arn: required(action, Arn),
      }))
      return users.filter(({ path }) => path.startsWith(pathPrefix ?? "/"))
    },

    async createUser(name, path, tags) {
      const action = `create user ${name}`
      const reply = await sendOnce(
        action,
        new CreateUserCommand({ UserName: name, Path: path, Tags: tagList(tags) }),
      )
      return { ...outcomeOf(reply), arn: required(action, reply.User?.Arn) }
    },

    deleteUser: (name) =>
      ignoreMissing(send(`delete user ${name}`, new DeleteUserCommand({ UserName: name }))),

    async userTags(name) {
      const action = `list tags of user ${name}`
      return tagRecord(
        await paginateByMarker(
          action,
          (Marker) => send(action, new ListUserTagsCommand({ UserName: name, Marker })),
          (page) => page.Tags,
        ),
      )
    },

    tagUser: (name, tags) =>
      outcomeWhenDone(send(`tag user ${name}`, new TagUserCommand({ UserName: name, Tags: tagList(tags) }))),

    async group(name) {
      const action = `look up group ${name}`
      const reply = await nullIfMissing(send(action, new GetGroupCommand({ GroupName: name, MaxItems: 1 })))
      return reply ? { name, arn: required(action, reply.Group?.Arn) } : null
    },

    async groupMembers(name) {
      const action = `list users of group ${name}`
      const all = await nullIfMissing(
        paginateByMarker(
          action,
          (Marker) => send(action, new GetGroupCommand({ GroupName: name, Marker })),
          (page) => page.Users,
        ),
      )
      return (all ?? []).map(({ UserName }) => required(action, UserName))
    },

    createGroup: (name, path = "/") =>
      outcomeWhenDone(
        sendOnce(`create group ${name}`, new CreateGroupCommand({ GroupName: name, Path: path })),
      ),

    async groupsOf(user) {
      const action = `list groups of ${user}`
      const all = await paginateByMarker(
        action,
        (Marker) => send(action, new ListGroupsForUserCommand({ UserName: user, Marker })),
        (page) => page.Groups,
      )
      return all.map(({ GroupName }) => required(action, GroupName))
    },

    addToGroup: (user, group) =>
      outcomeWhenDone(
        send(
          `add ${user} to group ${group}`,
          new AddUserToGroupCommand({ UserName: user, GroupName: group }),
        ),
      ),

    removeFromGroup: (user, group) =>
      ignoreMissing(
        send(
          `remove ${user} from group ${group}`,
          new RemoveUserFromGroupCommand({ UserName: user, GroupName: group }),
        ),
      ),
  }
}
