/** What a backend is told of a request: the client's headers with names, origins and the secret as the backend may know them. */
import type { IncomingMessage } from "node:http"
import { requestHeaders } from "../../decisions/proxy/request_headers.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import type { Core } from "./core.ts"
import { cookieName, originFor } from "./guard.ts"

export function headersForBackend(
  core: Core,
  request: IncomingMessage,
  { target, prefix }: { target: Target; prefix: string },
): string[] {
  return requestHeaders(request.rawHeaders, {
    target,
    prefix,
    ownOrigin: originFor(request),
    ownHost: core.names.host,
    cookie: cookieName,
    secret: core.secret,
    client: core.clientOf(request),
    pseudonym: core.pseudonym,
    httpVersion: request.httpVersion,
  })
}
