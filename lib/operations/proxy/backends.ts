/** Keeps connections to backends for the next request. */
import http, { type ClientRequest } from "node:http"
import type { Duplex } from "node:stream"
import { authorityOf, type Target } from "../../decisions/proxy/target.ts"
import { type AddressPolicy, type Dial, secured, type TlsOptions } from "./dial.ts"
import { ProxyFailure } from "./failures.ts"
import type { ProxyLimits } from "./limits.ts"

export interface BackendRequest {
  target: Target
  method: string
  /** Path and query, sent byte for byte. */
  path: string
  /** Name, value …; Host comes first and is added here. */
  headers: readonly string[]
  /** A connection of its own: for upgrades, and when a kept one turned out to be closed. */
  fresh: boolean
}

export interface Backends {
  /** Begins a request; the caller writes its body and ends it. */
  request(request: BackendRequest): ClientRequest
  close(): void
}

export function openBackends(
  dial: Dial,
  policy: AddressPolicy,
  tls: TlsOptions,
  limits: ProxyLimits,
): Backends {
  const connect = async (target: Target): Promise<Duplex> => {
    const timeout = AbortSignal.timeout(limits.connectMs)
    try {
      const raw = await dial(target.host, target.port, policy, timeout)
      return target.scheme === "https" ? await secured(raw, target, tls, timeout) : raw
    } catch (error) {
      if (!timeout.aborted) throw error
      throw new ProxyFailure(504, `no connection within ${limits.connectMs / 1000} s`)
    }
  }
  const agent = new BackendAgent(connect, limits)
  return {
    request: ({ target, method, path, headers, fresh }) =>
      http.request({
        agent: fresh ? new BackendAgent(connect, limits, false) : agent,
        // Only the key of the agent's pool: BackendAgent connects by `target`.
        host: target.host,
        port: target.port,
        target,
        method,
        path,
        headers: ["Host", authorityOf(target), ...headers],
        setHost: false,
      } as unknown as http.RequestOptions),
    close: () => agent.destroy(),
  }
}

class BackendAgent extends http.Agent {
  constructor(
    private readonly connect: (target: Target) => Promise<Duplex>,
    limits: ProxyLimits,
    keepAlive = true,
  ) {
    super({ keepAlive, maxSockets: limits.connectionsPerBackend, maxFreeSockets: 32, scheduling: "lifo" })
  }

  override getName(options?: http.ClientRequestArgs & { target?: Target }): string {
    const { target } = options ?? {}
    return target ? `${target.scheme}//${target.host}//${target.port}` : ""
  }

  override createConnection(
    options: http.ClientRequestArgs & { target?: Target },
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex {
    this.connect(options.target as Target).then(
      (stream) => done?.(null, stream),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    )
    return undefined as unknown as Duplex
  }
}
