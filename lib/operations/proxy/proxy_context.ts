/** The parts of a running proxy that every request shares. */
import type { IncomingMessage } from "node:http"
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import type { LinkMap } from "../../decisions/proxy/link_map.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import type { Backends } from "./backends.ts"
import type { Guard, OwnNames } from "./guard.ts"
import type { IdleWatch } from "./idle_watch.ts"
import type { ProxyLimits } from "./limits.ts"
import type { LogEntry } from "./log.ts"

export interface ProxyContext {
  names: OwnNames
  guard: Guard
  /** What opens the proxy, and must reach no backend. */
  secret: string
  /** The backends that are permitted now: a cluster's nodes come and go. */
  allowed(): Allowed
  /** A host was asked for that is not allowed. */
  missed(): void
  linksFor(target: Target): LinkMap
  backends: Backends
  limits: ProxyLimits
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
