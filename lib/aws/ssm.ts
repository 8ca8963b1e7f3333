import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm"
import { type AwsSettings, asking, clientOptions } from "./connection.ts"
import { hasCode } from "./errors.ts"
import type { Ssm } from "./interfaces.ts"
import { present } from "./pages.ts"

export function openSsm(settings: AwsSettings): Ssm {
  const ask = asking("SSM", settings, new SSMClient(clientOptions(settings)))
  return {
    async parameter(name) {
      const action = `look up parameter ${name}`
      try {
        const reply = await ask(action, new GetParameterCommand({ Name: name }))
        return present(action, reply.Parameter?.Value)
      } catch (error) {
        if (hasCode(error, "ParameterNotFound", "ParameterVersionNotFound")) return null
        throw error
      }
    },
  }
}
