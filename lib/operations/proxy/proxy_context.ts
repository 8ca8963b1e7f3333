/** The parts of a running proxy that every request shares. */

import type { IncomingMessage } from "node:http"
import type { UtcMs } from "../../base/time.ts"
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import type { LinkMap } from "../../decisions/proxy/link_map.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import type { Backends } from "./backends.ts"
import type { Guard, Site } from "./guard.ts"
import type { HandOver } from "./hand_over.ts"
import type { IdleWatch } from "./idle_watch.ts"
import type { ProxyLimits } from "./limits.ts"
import type { LogEntry } from "./log.ts"
import type { OwnNames } from "./own_names.ts"

export interface ProxyContext {
  names: OwnNames
  guard: Guard
  handOver: HandOver
  /** By origin, the backend whose page was shown last by path: WebSockets of its scripts name no other. */
  lastShown: Map<string, Target>
  /** What opens the proxy, and must reach no backend. */
  secret: string
  /** The backends that are permitted now: a cluster's nodes come and go. */
  allowed(): Allowed
  /** A host was asked for that is not allowed. */
  missed(): void
  /** What links of a backend's pages become under this name. */
  linksFor(target: Target, site: Site): LinkMap
  backends: Backends
  limits: ProxyLimits
  /** Where unmatched paths go, with a path of its own for `/`. */
  defaultSite: { target: Target; rest: string } | null
  withShim: boolean
  /** Our name in Via, by which we know our own requests again. */
  pseudonym: string
  /** The address that a request came from. */
  clientOf(request: IncomingMessage): string
  now(): UtcMs
  log(entry: LogEntry): void
  idle: IdleWatch
}
