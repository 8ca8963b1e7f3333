/** What time AWS has: requests are signed with ours, and refused when the two differ too much. */

import { HttpRequest } from "@smithy/core/protocols"
import { Failed, messageOf } from "../../base/errors.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { type AwsSettings, clientOptions } from "./connection.ts"

/** UTC milliseconds by the Date header of EC2's endpoint, to the second; asks without credentials. */
export async function serverTime(settings: AwsSettings): Promise<UtcMs> {
  const url = new URL(settings.endpoint ?? `https://ec2.${settings.region}.amazonaws.com`)
  const { protocol, hostname, port } = url
  const request = new HttpRequest({
    protocol,
    hostname,
    path: "/",
    method: "HEAD",
    headers: { host: url.host },
  })
  if (port) request.port = Number(port)
  try {
    const { response } = await clientOptions(settings).requestHandler.handle(request as never)
    const date = Date.parse(response.headers.date ?? "")
    if (Number.isFinite(date)) return utcMsOf(date)
  } catch (error) {
    throw new Failed("ask AWS for the time", messageOf(error), { cause: error })
  }
  throw new Failed("ask AWS for the time", `${url.host} does not tell it`)
}
