import type { AwsSettings } from "./connection.ts"
import { connectIam } from "./iam_connection.ts"
import { credentialCalls } from "./iam_credentials.ts"
import type { Iam } from "./iam_interfaces.ts"
import { policyCalls } from "./iam_policies.ts"
import { userCalls } from "./iam_users.ts"
import { accessKeyWorks, openSts } from "./sts.ts"

export function openIam(settings: AwsSettings): Iam {
  const connection = connectIam(settings)
  return {
    ...userCalls(connection),
    ...policyCalls(connection),
    ...credentialCalls(connection),
    accessKeyWorks: (id, secret) => accessKeyWorks(settings, id, secret),
    callerArn: () => openSts(settings).callerArn(),
  }
}
