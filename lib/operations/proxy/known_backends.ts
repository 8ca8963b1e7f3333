/** What may be reached now: what was allowed at the start, and a cluster's nodes as they come and go. */
import { type AllowEntry, type Allowed, allowedBy, allowHosts } from "../../decisions/proxy/allowed.ts"
import { type LinkMap, linkMap } from "../../decisions/proxy/link_map.ts"
import { prefixOf, type Target } from "../../decisions/proxy/target.ts"
import type { Site } from "./guard.ts"
import type { BackendNames, OwnNames } from "./own_names.ts"

export interface KnownBackends {
  allowed(): Allowed
  /** A host was asked for that is not allowed. */
  missed(): void
  /** What links of a backend's pages become under one of our names. */
  linksFor(target: Target, site: Site, names: OwnNames): LinkMap
}

/** How long the nodes of a cluster are taken for known: soon after, an address may be somebody else's instance. */
const nodesFreshMs = 20_000
/** Whoever asks for a host that is not known may mean a node that came up just now. */
const nodesAskedAgainMs = 2_000

export async function knownBackends(
  { nodes, now }: { nodes?: () => Promise<string[]>; now(): number },
  options: { allow: readonly AllowEntry[]; legacyHosts: boolean },
): Promise<KnownBackends> {
  const { legacyHosts } = options
  let askedAt = now()
  let allowed = allowedBy([...options.allow, ...allowHosts(nodes ? await nodes() : [])], { legacyHosts })
  let links = new Map<string, LinkMap>()
  const refresh = (ask: () => Promise<string[]>) => {
    askedAt = now()
    ask().then(
      (hosts) => {
        allowed = allowedBy([...options.allow, ...allowHosts(hosts)], { legacyHosts })
        links = new Map()
      },
      // The nodes that were known stay known; the next question comes in its time.
      () => {},
    )
  }
  return {
    allowed() {
      if (nodes && now() - askedAt > nodesFreshMs) refresh(nodes)
      return allowed
    },
    missed() {
      if (nodes && now() - askedAt > nodesAskedAgainMs) refresh(nodes)
    },
    linksFor(target, site, { host, backends }) {
      const byName = site.target !== null
      const key = `${byName ? "name" : "path"} ${prefixOf(target)}`
      let map = links.get(key)
      if (!map) {
        if (links.size > 256) links.clear()
        map = linkMap(allowed, {
          target,
          authorities: [byName ? site.host : host],
          originOf: byName ? (other) => originUnder(backends, other) : null,
        })
        links.set(key, map)
      }
      return map
    },
  }
}

function originUnder(backends: BackendNames | null, target: Target): string | null {
  const host = backends?.hostOf(target) ?? null
  return host === null ? null : `http://${host}`
}
