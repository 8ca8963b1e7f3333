/** The script that is put into pages: URLs that their scripts build are mapped as links are. */
import type { Allowed } from "../../decisions/proxy/allowed.ts"
import { crossingPath, shimPath } from "../../decisions/proxy/reserved_paths.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import elements from "./browser/elements.client.js" with { type: "text" }
import mapping from "./browser/mapping.client.js" with { type: "text" }
import navigation from "./browser/navigation.client.js" with { type: "text" }
import network from "./browser/network.client.js" with { type: "text" }
import start from "./browser/start.client.js" with { type: "text" }
import workers from "./browser/workers.client.js" with { type: "text" }
import { escaped } from "./pages.ts"

/** The tag that loads it; `nonce` where the page's policy wants one. */
export function shimTag(prefix: string, nonce: string | null): string {
  const attributes = [`src="${escaped(prefix)}${shimPath}"`]
  if (nonce !== null) attributes.push(`nonce="${escaped(nonce)}"`)
  return `<script ${attributes.join(" ")}></script>`
}

const functions = [mapping, network, workers, navigation, elements, start]
  .map((text) => text.replace(/^\/\*\*[\s\S]*?\*\/\n/gm, "").replace(/^export /gm, ""))
  .join("")

/**
 * The script for pages of one backend under one prefix. It may reach what `allowed` has, but for ranges of IPv6. Workers get
 * the text of it, so it is a function that is given itself.
 */
export function shimScript(
  { entries, legacyHosts }: Pick<Allowed, "entries" | "legacyHosts">,
  self: Target,
  prefix: string,
): string {
  const rules = entries.map(({ host, range, ports }) => ({
    host,
    range: range && range[0].kind() === "ipv4" ? [range[0].toString(), range[1]] : null,
    ports,
  }))
  const byName = prefix === ""
  const config = { rules, legacyHosts, self, prefix, byName, crossing: byName ? crossingPath : "" }
  return `(function shim() {
${functions}
const parts = { mappingOf, mapNetwork, mapWorkers, mapNavigation, mapElements }
start(globalThis, ${JSON.stringify(config)}, parts, "(" + shim + ")()")
})()
`
}
