/** IAM's part of a sweep: users and roles are listed; kill_all_accounts removes users. */
import {
  IAMClient,
  ListRolesCommand,
  ListRoleTagsCommand,
  ListUsersCommand,
  ListUserTagsCommand,
} from "@aws-sdk/client-iam"
import { noMicroUsd } from "../../base/money.ts"
import { utcMsOf } from "../../base/time.ts"
import type { Leftover } from "../../decisions/sweep/leftover.ts"
import { tagRecord } from "../ec2/tags.ts"
import { paginateByMarker } from "../iam/connection.ts"
import { type AwsSettings, clientOptions, sender } from "../protocol/connection.ts"
import { required } from "../protocol/pages.ts"
import { StrictQueryProtocol } from "../protocol/query_protocol.ts"
import type { LeftoverListing } from "./interfaces.ts"

export function iamLeftovers(settings: AwsSettings): LeftoverListing[] {
  const send = sender(
    "IAM",
    settings,
    new IAMClient({ ...clientOptions(settings), protocol: StrictQueryProtocol }),
  )
  const one = (
    kind: "IAM user" | "IAM role",
    id: string,
    created: Date | undefined,
    tags: Record<string, string>,
  ): Leftover => ({
    ...{ kind, region: "", id, name: "", usedBy: "", tags, microUsdPerHour: noMicroUsd },
    createdAtUtcMs: created ? utcMsOf(created.getTime()) : null,
  })
  return [
    {
      what: "IAM users",
      async list() {
        const all = await paginateByMarker(
          "list users",
          (Marker) => send("list users", new ListUsersCommand({ Marker })),
          (page) => page.Users,
        )
        const found: Leftover[] = []
        for (const { UserName, CreateDate } of all) {
          const id = required("list users", UserName)
          const { Tags } = await send(`list tags of ${id}`, new ListUserTagsCommand({ UserName: id }))
          found.push(one("IAM user", id, CreateDate, tagRecord(Tags)))
        }
        return found
      },
    },
    {
      what: "IAM roles",
      async list() {
        const all = await paginateByMarker(
          "list roles",
          (Marker) => send("list roles", new ListRolesCommand({ Marker })),
          (page) => page.Roles,
        )
        const found: Leftover[] = []
        for (const { RoleName, CreateDate, Path } of all) {
          // AWS's own, which nobody can remove.
          if (Path?.startsWith("/aws-service-role/")) continue
          const id = required("list roles", RoleName)
          const { Tags } = await send(`list tags of ${id}`, new ListRoleTagsCommand({ RoleName: id }))
          found.push(one("IAM role", id, CreateDate, tagRecord(Tags)))
        }
        return found
      },
    },
  ]
}
