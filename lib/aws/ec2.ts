import type { AwsSettings } from "./connection.ts"
import { connectEc2 } from "./ec2-connection.ts"
import { instanceCalls } from "./ec2-instances.ts"
import { keyPairCalls } from "./ec2-key-pairs.ts"
import { spotCalls } from "./ec2-spot.ts"
import { storageCalls } from "./ec2-storage.ts"
import { surroundingsCalls } from "./ec2-surroundings.ts"
import type { Ec2 } from "./interfaces.ts"

/** EC2 in the region of the settings. */
export function openEc2(settings: AwsSettings): Ec2 {
  const connection = connectEc2(settings)
  return {
    region: connection.region,
    ...instanceCalls(connection),
    ...surroundingsCalls(connection),
    ...keyPairCalls(connection),
    ...spotCalls(connection),
    ...storageCalls(connection),
  }
}
