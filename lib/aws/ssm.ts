import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm"
import type { Ssm } from "./interfaces.ts"
import { type AwsSettings, clientOptions, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"
import { required } from "./protocol/pages.ts"

export function openSsm(settings: AwsSettings): Ssm {
  const send = sender("SSM", settings, new SSMClient(clientOptions(settings)))
  return {
    async parameter(name) {
      const action = `look up parameter ${name}`
      try {
        const reply = await send(action, new GetParameterCommand({ Name: name }))
        return required(action, reply.Parameter?.Value)
      } catch (error) {
        if (hasCode(error, "ParameterNotFound", "ParameterVersionNotFound")) return null
        throw error
      }
    },
  }
}
