/** What a backend is told of a request: the client's headers with names, origins and the secret as the backend may know them. */
import type { IncomingMessage } from "node:http"
import { requestHeaders } from "../../decisions/proxy/request_headers.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import { ourCookies, type Site } from "./guard.ts"
import type { ProxyContext } from "./proxy_context.ts"

export function headersForBackend(
  proxy: ProxyContext,
  request: IncomingMessage,
  site: Site,
  { target, prefix }: { target: Target; prefix: string },
): string[] {
  return requestHeaders(request.rawHeaders, {
    target,
    prefix,
    ownOrigin: site.origin,
    ownHost: site.target ? site.host : proxy.names.host,
    cookies: ourCookies,
    secrets: [proxy.secret, ...(site.target ? proxy.handOver.secretsOf(site.host) : [])],
    client: proxy.clientOf(request),
    pseudonym: proxy.pseudonym,
    httpVersion: request.httpVersion,
  })
}
