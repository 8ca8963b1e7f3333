/** Keeps connections to backends for the next request. */
import type { Duplex } from "node:stream"
import { authorityOf, prefixOf, type Target } from "../../decisions/proxy/target.ts"
import { type Answering, BackendConnection } from "./backend_connection.ts"
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
  /** Begins a request, whose events go to `answering`; a body is written once `ready` is told. */
  request(request: BackendRequest, answering: Answering): BackendCall
  close(): void
}

/** A request on its way. */
export interface BackendCall {
  /** Whether its connection carried another request before. */
  readonly reused: boolean
  /** The connection, once it stands. */
  readonly connection: BackendConnection | null
  /** Ends it; nothing is told after that. */
  destroy(): void
}

const keptAtMost = 32

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
  const pools = new Map<string, BackendPool>()
  const poolOf = (target: Target) => {
    const key = prefixOf(target)
    let pool = pools.get(key)
    if (!pool) {
      for (const [other, { isEmpty }] of pools) if (isEmpty) pools.delete(other)
      pool = new BackendPool(() => connect(target), limits)
      pools.set(key, pool)
    }
    return pool
  }
  return {
    request(request, answering) {
      const call = new Call(headOf(request), request.method, answering)
      poolOf(request.target).begin(call, request.fresh)
      return call
    },
    close() {
      for (const pool of pools.values()) pool.close()
    },
  }
}

class Call implements BackendCall {
  connection: BackendConnection | null = null
  reused = false
  over = false
  /** Takes it out of the queue of its pool. */
  leave: () => void = () => {}

  constructor(
    readonly head: string,
    readonly method: string,
    readonly answering: Answering,
  ) {}

  destroy(): void {
    if (this.over) return
    this.over = true
    this.leave()
    this.connection?.abandon(this.answering)
  }

  start(connection: BackendConnection): void {
    this.connection = connection
    this.reused = connection.used
    connection.begin(this.head, this.method, this.answering)
  }

  fail(error: unknown): void {
    if (this.over) return
    this.over = true
    this.answering.failed(error)
  }
}

/** The connections to one backend. */
class BackendPool {
  readonly #kept: BackendConnection[] = []
  readonly #all = new Set<BackendConnection>()
  readonly #waiting: Call[] = []
  #connecting = 0

  constructor(
    readonly connect: () => Promise<Duplex>,
    readonly limits: ProxyLimits,
  ) {}

  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#connecting === 0 && this.#waiting.length === 0
  }

  begin(call: Call, fresh: boolean): void {
    const kept = fresh ? undefined : this.#kept.pop()
    if (kept) call.start(kept)
    else if (this.#all.size + this.#connecting < this.limits.connectionsPerBackend || fresh)
      void this.#open(call, fresh)
    else {
      this.#waiting.push(call)
      call.leave = () => this.#waiting.splice(this.#waiting.indexOf(call), 1)
    }
  }

  close(): void {
    for (const connection of this.#all) connection.socket.destroy()
  }

  async #open(call: Call, fresh: boolean): Promise<void> {
    this.#connecting++
    try {
      const socket = await this.connect()
      if (call.over) socket.destroy()
      else {
        const connection = new BackendConnection(socket, this.limits.headerBytes, (one, reusable) =>
          this.#released(one, reusable && !fresh),
        )
        this.#all.add(connection)
        call.start(connection)
      }
    } catch (error) {
      call.fail(error)
    } finally {
      this.#connecting--
      this.#serveNext()
    }
  }

  #released(connection: BackendConnection, reusable: boolean): void {
    if (!reusable) {
      this.#all.delete(connection)
      const at = this.#kept.indexOf(connection)
      if (at >= 0) this.#kept.splice(at, 1)
      connection.socket.destroy()
    } else {
      const next = this.#waiting.shift()
      if (next) {
        next.leave = () => {}
        next.start(connection)
        return
      }
      if (this.#kept.length < keptAtMost) this.#kept.push(connection)
      else this.#released(connection, false)
      return
    }
    this.#serveNext()
  }

  #serveNext(): void {
    if (this.#all.size + this.#connecting >= this.limits.connectionsPerBackend) return
    const next = this.#waiting.shift()
    if (!next) return
    next.leave = () => {}
    void this.#open(next, false)
  }
}

/** The request's first line and headers as they go out. */
function headOf({ method, path, target, headers }: BackendRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${authorityOf(target)}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  // Nothing that could end a line is in them: they were parsed by llhttp before. This is for what is added to them some day.
  if (/[\r\n\0]/.test(head.replaceAll("\r\n", "")) || /[^\x21-\xff]/.test(path) || /\s/.test(method)) {
    throw new ProxyFailure(400, "the request holds control characters")
  }
  return `${head}\r\n`
}
