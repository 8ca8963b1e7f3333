import type { AwsSettings } from "../protocol/connection.ts"
import { accessKeyWorks, openSts } from "../sts.ts"
import { connectIam } from "./connection.ts"
import { credentialCalls } from "./credentials.ts"
import type { Iam } from "./interfaces.ts"
import { managedPolicyCalls } from "./managed_policies.ts"
import { policyCalls } from "./policies.ts"
import { roleCalls } from "./roles.ts"
import { userCalls } from "./users.ts"

export function openIam(settings: AwsSettings): Iam {
  const connection = connectIam(settings)
  return {
    ...userCalls(connection),
    ...policyCalls(connection),
    ...managedPolicyCalls(connection),
    ...roleCalls(connection),
    ...credentialCalls(connection),
    accessKeyWorks: (id, secret) => accessKeyWorks(settings, id, secret),
    callerArn: () => openSts(settings).callerArn(),
  }
}
