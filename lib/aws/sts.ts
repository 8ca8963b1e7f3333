/** Whose credentials these are, and sessions of a role. */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { msPerSecond, utcMsOf } from "../base/time.ts"
import { tagList } from "./ec2/tags.ts"
import type { Sts } from "./interfaces.ts"
import { type AwsSettings, clientOptions, outcomeOf, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"
import { required } from "./protocol/pages.ts"
import { StrictQueryProtocol } from "./protocol/query_protocol.ts"

export function openSts(settings: AwsSettings): Sts {
  const client = new STSClient({ ...clientOptions(settings), protocol: StrictQueryProtocol })
  const send = sender("STS", settings, client)
  const action = "look up whose credentials are in use"
  return {
    callerArn: async () => required(action, (await send(action, new GetCallerIdentityCommand({}))).Arn),

    async assumeRole({ roleArn, sessionName, tags, durationMs }) {
      const action = `assume role ${roleArn.split("/").at(-1)} as ${sessionName}`
      const reply = await send(
        action,
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: sessionName,
          SourceIdentity: sessionName,
          Tags: tagList(tags),
          ...(durationMs === null ? {} : { DurationSeconds: durationMs / msPerSecond }),
        }),
      )
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = required(action, reply.Credentials)
      return {
        ...outcomeOf(reply),
        accessKeyId: required(action, AccessKeyId),
        secretAccessKey: required(action, SecretAccessKey),
        sessionToken: required(action, SessionToken),
        expiresAtUtcMs: utcMsOf(required(action, Expiration).getTime()),
      }
    },
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
