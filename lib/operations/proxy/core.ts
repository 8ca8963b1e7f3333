/** What the parts of a running proxy share. */
import type { IncomingMessage } from "node:http"
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import type { LinkMap } from "../../decisions/proxy/link_map.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import type { Backends } from "./backends.ts"
import type { Guard, OwnNames } from "./guard.ts"
import type { Limits } from "./limits.ts"
import type { LogEntry } from "./log.ts"

export interface Core {
  names: OwnNames
  guard: Guard
  /** What opens the proxy, and must reach no backend. */
  secret: string
  /** As it is now: a cluster's nodes come and go. */
  allowed(): Allowed
  /** A host was asked for that is not allowed. */
  missed(): void
  linksFor(target: Target): LinkMap
  backends: Backends
  limits: Limits
  /** Where unmatched paths go, with a path of its own for `/`. */
  defaultSite: { target: Target; rest: string } | null
  withShim: boolean
  /** Our name in Via, by which we know our own requests again. */
  pseudonym: string
  /** The address that a request came from. */
  clientOf(request: IncomingMessage): string
  now(): number
  log(entry: LogEntry): void
  idle: IdleWatch
}

/** Ends what nothing happened to for too long. One timer for all: at 5,000 requests a second, one each would show. */
export class IdleWatch {
  readonly #watched = new Set<Watched>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(
    readonly idleMs: number,
    readonly now: () => number,
  ) {
    this.#timer = setInterval(() => this.#sweep(), Math.min(1000, idleMs / 2))
  }

  watch(expire: () => void): Watched {
    const watched: Watched = {
      deadline: this.now() + this.idleMs,
      expire,
      touch: () => {
        if (watched.deadline !== Number.POSITIVE_INFINITY) watched.deadline = this.now() + this.idleMs
      },
      done: () => this.#watched.delete(watched),
    }
    this.#watched.add(watched)
    return watched
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = this.now()
    for (const watched of this.#watched) {
      if (watched.deadline > now) continue
      this.#watched.delete(watched)
      watched.expire()
    }
  }
}

export interface Watched {
  /** Infinity for streams that may be silent as long as they like. */
  deadline: number
  expire(): void
  touch(): void
  done(): void
}
