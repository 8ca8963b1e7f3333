/** Managed policies of the account: made, tagged, and their tags read. */
import { CreatePolicyCommand, ListPolicyTagsCommand, TagPolicyCommand } from "@aws-sdk/client-iam"
import { tagList, tagRecord } from "../ec2/tags.ts"
import { type IamConnection, nullIfMissing, outcomeWhenDone, paginateByMarker } from "./connection.ts"
import type { Iam } from "./interfaces.ts"

type Calls = Pick<Iam, "policyTags" | "createPolicy" | "tagPolicy">

export function managedPolicyCalls({ send, sendOnce }: IamConnection): Calls {
  return {
    async policyTags(arn) {
      const action = `list tags of policy ${arn}`
      const tags = await nullIfMissing(
        paginateByMarker(
          action,
          (Marker) => send(action, new ListPolicyTagsCommand({ PolicyArn: arn, Marker })),
          (page) => page.Tags,
        ),
      )
      return tags === null ? null : tagRecord(tags)
    },

    createPolicy: ({ name, path, description, document, tags }) =>
      outcomeWhenDone(
        sendOnce(
          `create policy ${name}`,
          new CreatePolicyCommand({
            PolicyName: name,
            Path: path,
            Description: description,
            PolicyDocument: document,
            Tags: tagList(tags),
          }),
        ),
      ),

    tagPolicy: (arn, tags) =>
      outcomeWhenDone(
        send(`tag policy ${arn}`, new TagPolicyCommand({ PolicyArn: arn, Tags: tagList(tags) })),
      ),
  }
}
