/** Whose credentials these are: the one question that any valid key may send, whatever its policies. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { type AwsSettings, clientOptions, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"
import { required } from "./protocol/pages.ts"

export interface Sts {
  /** The ARN behind the credentials in use. */
  callerArn(): Promise<string>
}

export function openSts(settings: AwsSettings): Sts {
  const send = sender("STS", settings, new STSClient(clientOptions(settings)))
  const action = "look up whose credentials are in use"
  return {
    callerArn: async () => required(action, (await send(action, new GetCallerIdentityCommand({}))).Arn),
  }
}

/** False where AWS does not (yet) know the key; every other failure is thrown. */
export async function accessKeyWorks(settings: AwsSettings, id: string, secret: string): Promise<boolean> {
  try {
    await openSts({ ...settings, credentials: { accessKeyId: id, secretAccessKey: secret } }).callerArn()
    return true
  } catch (error) {
    if (hasCode(error, "InvalidClientTokenId", "SignatureDoesNotMatch", "AuthFailure", "InvalidAccessKeyId"))
      return false
    throw error
  }
}
