/** What a backend is told of a request: the client's headers with names, origins and the secret as the backend may know them. */
import type { IncomingMessage } from "node:http"
import { requestHeaders } from "../../decisions/proxy/request_headers.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import { cookieName, originFor } from "./guard.ts"
import type { ProxyContext } from "./proxy_context.ts"

export function headersForBackend(
  proxy: ProxyContext,
  request: IncomingMessage,
  { target, prefix }: { target: Target; prefix: string },
): string[] {
  return requestHeaders(request.rawHeaders, {
    target,
    prefix,
    ownOrigin: originFor(request),
    ownHost: proxy.names.host,
    cookie: cookieName,
    secret: proxy.secret,
    client: proxy.clientOf(request),
    pseudonym: proxy.pseudonym,
    httpVersion: request.httpVersion,
  })
}
