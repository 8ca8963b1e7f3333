import type { AwsSettings } from "./connection.ts"
import { connectEc2 } from "./ec2_connection.ts"
import { instanceCalls } from "./ec2_instances.ts"
import { keyPairCalls } from "./ec2_key_pairs.ts"
import { securityGroupCalls } from "./ec2_security_groups.ts"
import { spotCalls } from "./ec2_spot.ts"
import { storageCalls } from "./ec2_storage.ts"
import { surroundingsCalls } from "./ec2_surroundings.ts"
import type { Ec2 } from "./interfaces.ts"

/** EC2 in the region of the settings. */
export function openEc2(settings: AwsSettings): Ec2 {
  const connection = connectEc2(settings)
  return {
    region: connection.region,
    ...instanceCalls(connection),
    ...surroundingsCalls(connection),
    ...securityGroupCalls(connection),
    ...keyPairCalls(connection),
    ...spotCalls(connection),
    ...storageCalls(connection),
  }
}
