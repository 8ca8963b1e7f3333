/** Listings of the whole account, which moto answers more broadly than AWS. */
import { parsed } from "./moto_client.ts"
import type { AwsRequest, Reply } from "./request.ts"
import { ec2Reply } from "./request.ts"
import type { World } from "./world.ts"
import { find, itemsOf, textAt, writeXml } from "./xml.ts"

/** What is enabled here; AWS enables 17 by default, which a test need not wait for. */
const enabled = ["eu-west-1", "us-east-1", "us-west-2"]

/** Only what the account has enabled, unless all are asked for. */
export async function describeRegions(world: World, request: AwsRequest): Promise<Reply> {
  if (request.form.get("AllRegions") === "true") return world.moto.forward(request)
  return ec2Reply("DescribeRegions", {
    regionInfo: itemsOf(
      enabled.map((regionName) => ({
        regionName,
        regionEndpoint: `ec2.${regionName}.amazonaws.com`,
        optInStatus: "opt-in-not-required",
      })),
    ),
  })
}

/** moto ignores the owner, and makes a snapshot for each public image: these are not the account's own. */
export async function describeSnapshots(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  if (request.form.get("Owner.1") !== "self" || reply.status >= 300) return reply
  const document = parsed(reply)
  const set = find(document, "snapshotSet")
  if (set)
    set.children = set.children.filter(
      (item) => !textAt(item, "description").startsWith("Auto-created snapshot for AMI"),
    )
  return { ...reply, body: writeXml(document) }
}
