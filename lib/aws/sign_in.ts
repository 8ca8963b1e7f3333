/**
 * Sign-in tokens for the AWS console.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
 */
import { HttpRequest, type HttpResponse } from "@smithy/core/protocols"
import { Failed } from "../base/errors.ts"
import type { SignIn } from "./interfaces.ts"
import { type AwsSettings, clientOptions } from "./protocol/connection.ts"

const action = "ask AWS for a sign-in link"

export function openSignIn(settings: AwsSettings): SignIn {
  const { requestHandler } = clientOptions(settings)
  return {
    async token(endpoint, { accessKeyId, secretAccessKey, sessionToken }, durationS) {
      const url = new URL(endpoint)
      const request = new HttpRequest({
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        method: "GET",
        headers: { host: url.host },
        query: {
          Action: "getSigninToken",
          ...(durationS === null ? {} : { SessionDuration: String(durationS) }),
          Session: JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken }),
        },
      })
      if (url.port) request.port = Number(url.port)
      // The request holds the session's secret: nothing of it, nor of what failed, may stand in an error.
      const response = await requestHandler.handle(request as never).then(
        (reply) => reply.response,
        () => {
          throw new Failed(action, `${url.host} cannot be reached: try again later`)
        },
      )
      return tokenOf(url.host, response)
    },
  }
}

async function tokenOf(host: string, { statusCode, body }: HttpResponse): Promise<string> {
  const text = await new Response(body).text().catch(() => "")
  if (statusCode === 400)
    throw new Failed(action, `${host} does not take the session (HTTP 400): staff must look at [identity]`)
  if (statusCode !== 200) throw new Failed(action, `${host} answers HTTP ${statusCode}: try again later`)
  try {
    const { SigninToken } = JSON.parse(text)
    if (typeof SigninToken === "string" && SigninToken !== "") return SigninToken
  } catch {
    // said below
  }
  throw new Failed(action, `${host} answers without a token: try again later`)
}
