import { DescribeRegionsCommand } from "@aws-sdk/client-ec2"
import { connectEc2 } from "../ec2/connection.ts"
import type { AwsSettings } from "../protocol/connection.ts"
import { required } from "../protocol/pages.ts"

/** The regions that the account has enabled. */
export async function enabledRegions(settings: AwsSettings): Promise<string[]> {
  const { send } = connectEc2(settings)
  const action = "describe regions"
  const reply = await send(action, new DescribeRegionsCommand({ AllRegions: false }))
  return required(action, reply.Regions)
    .map(({ RegionName }) => required(action, RegionName))
    .sort()
}
