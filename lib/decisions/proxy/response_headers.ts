/** A backend's headers on their way out: places are named as the browser knows them, promises about our origin stop here. */
import type { Base } from "./base.ts"
import { browserCookie } from "./cookies.ts"
import type { Edit } from "./edit.ts"
import { applyEdits } from "./edits.ts"
import type { LinkMap } from "./link_map.ts"
import { policyWithScripts, rewrittenPolicy } from "./policy.ts"
import { connectionOptions, hopByHop, type RawHeaders } from "./raw_headers.ts"
import { editOfReference, rewrittenReference } from "./reference.ts"
import { referrerPolicy } from "./referrer.ts"
import { editsInRefresh, editsInSrcset } from "./values.ts"

/** Promises about the whole of our origin, which belongs to all backends together. */
const droppedFromResponses = new Set(
  "strict-transport-security alt-svc public-key-pins public-key-pins-report-only expect-ct clear-site-data nel report-to reporting-endpoints origin-agent-cluster".split(
    " ",
  ),
)

/** Of the bytes before they were rewritten. */
const droppedWhenRewritten = new Set(
  "content-length content-encoding content-md5 digest content-digest repr-digest accept-ranges".split(" "),
)

export interface ResponseFacts {
  base: Base
  links: LinkMap
  ownOrigin: string
  /** Whether the answer is for a frame on another backend's page. */
  inFrame: boolean
  /** The names of our cookies. */
  cookies: readonly string[]
  /** Whether the body will be rewritten, as its bytes, length and coding then change. */
  rewritten: boolean
  /** Whether a 304 answers a client that holds a body of which only the weak validator is known to it. */
  heldWeakly: boolean
  /** A source to let scripts run from, where --shim puts one in. */
  shimSource: string | null
  pseudonym: string
}

/** A backend's headers as the client gets them. */
export function responseHeaders(headers: RawHeaders, facts: ResponseFacts): string[] {
  const nominated = connectionOptions(headers)
  const out: string[] = []
  let via = ""
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const key = name.toLowerCase()
    if (key === "via") {
      via += `${headers[i + 1]}, `
      continue
    }
    if (hopByHop.has(key) || droppedFromResponses.has(key)) continue
    if (nominated.has(key) && key !== "content-length") continue
    if (facts.rewritten && droppedWhenRewritten.has(key)) continue
    if (key === "referrer-policy") continue
    const mapped = responseHeader(key, headers[i + 1] as string, facts)
    if (mapped !== null) out.push(name, mapped)
  }
  // Unmatched paths need the Referer, and nobody outside must learn our host's name from it.
  out.push("Referrer-Policy", referrerPolicy, "Via", `${via}1.1 ${facts.pseudonym}`)
  return out
}

function responseHeader(key: string, value: string, facts: ResponseFacts): string | null {
  const { base, links } = facts
  switch (key) {
    case "location":
    case "content-location":
    case "sourcemap":
    case "x-sourcemap":
    case "service-worker-allowed":
      return rewrittenReference(value, base, links)
    case "refresh": {
      const edits: Edit[] = []
      editsInRefresh(value, (url) => editOfReference(url, base, links), edits)
      return applyEdits(value, edits, 0, value.length)
    }
    case "link":
      return rewrittenLink(value, base, links)
    case "set-cookie":
      return browserCookie(value, facts.cookies, base, facts.inFrame)
    case "access-control-allow-origin": {
      const rewritten = rewrittenReference(value, base, links)
      return rewritten === value ? value : facts.ownOrigin
    }
    case "content-security-policy":
    case "content-security-policy-report-only": {
      const policy = rewrittenPolicy(value, base, links, facts.ownOrigin)
      return facts.shimSource === null ? policy : policyWithScripts(policy, facts.shimSource)
    }
    case "etag":
      return (facts.rewritten || facts.heldWeakly) && !value.startsWith("W/") ? `W/${value}` : value
    default:
      return value
  }
}

/**
 * The URLs of a Link header are in angle brackets, but not those of its quoted strings, except for `imagesrcset`. What is not
 * closed is matched up to the end, too, or a header of nothing but brackets would take n² steps.
 */
function rewrittenLink(value: string, base: Base, links: LinkMap): string {
  const parts = /((?:imagesrcset\s*=\s*)?")((?:[^"\\]|\\.)*)(?:"|\\?$)|<([^>]*)(?:>|$)/gi
  const quiet = value.replace(/(;\s*referrerpolicy\s*=\s*)(?:"[^"]*"|[\w-]+)/gi, `$1${referrerPolicy}`)
  return quiet.replace(parts, (whole, start?: string, quoted = "", url?: string) => {
    const isOpen = !/[">]$/.test(whole)
    if (isOpen || start === '"') return whole
    if (url !== undefined) return `<${rewrittenReference(url, base, links)}>`
    const edits: Edit[] = []
    editsInSrcset(quoted, (one) => editOfReference(one, base, links), edits)
    return `${start}${applyEdits(quoted, edits, 0, quoted.length)}"`
  })
}
