import type { Ec2 } from "../interfaces.ts"
import type { AwsSettings } from "../protocol/connection.ts"
import { connectEc2 } from "./connection.ts"
import { describeCalls } from "./describe.ts"
import { groupChangeCalls } from "./group_changes.ts"
import { instanceCalls } from "./instances.ts"
import { keyPairCalls } from "./key_pairs.ts"
import { securityGroupCalls } from "./security_groups.ts"
import { spareGroupCalls } from "./spare_groups.ts"
import { spotCalls } from "./spot.ts"
import { storageCalls } from "./storage.ts"

/** EC2 in the region of the settings. */
export function openEc2(settings: AwsSettings): Ec2 {
  const connection = connectEc2(settings)
  return {
    region: connection.region,
    ...instanceCalls(connection),
    ...describeCalls(connection),
    ...securityGroupCalls(connection),
    ...spareGroupCalls(connection),
    ...groupChangeCalls(connection),
    ...keyPairCalls(connection),
    ...spotCalls(connection),
    ...storageCalls(connection),
  }
}
