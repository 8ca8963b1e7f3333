/**
 * Whether a request under a backend's name comes from a page of that name. Of others only navigations by GET may pass, as links
 * and frames make them; all else would let one backend read, post to, or open a WebSocket to another.
 */

/** What a browser says of where a request comes from; scripts can set none of it. */
export interface RequestOrigin {
  method: string
  /** `Upgrade` is asked for. */
  upgrade: boolean
  origin: string | undefined
  fetchSite: string | undefined
  fetchMode: string | undefined
  fetchDest: string | undefined
}

export type Crossing =
  /** From a page of the same name, from the user, or from a program that is no browser. */
  | "own"
  /** A link, a redirect or a frame leads here from elsewhere. */
  | "navigation"
  /** A page of another origin asks for something else. */
  | "refused"

/**
 * Destinations of navigations (https://fetch.spec.whatwg.org/#concept-request-destination) that may come from elsewhere. What the
 * name's own service worker passes on has none; no script can give a request the mode of a navigation.
 */
const pages = new Set(["document", "iframe", "frame", "empty"])

/** `own` is the origin of the name under which the request came. */
export function crossingOf(request: RequestOrigin, own: string): Crossing {
  const { method, upgrade, origin, fetchSite, fetchMode, fetchDest } = request
  // A page in a sandbox is "null", and so may be anybody's.
  if (origin !== undefined && origin !== own) return "refused"
  // WebSockets have an Origin and no Sec-Fetch-Site in Chromium; programs have neither.
  if (fetchSite === undefined || fetchSite === "none" || fetchSite === "same-origin") return "own"
  const isPage = fetchMode === "navigate" && pages.has(fetchDest ?? "")
  return method === "GET" && !upgrade && isPage ? "navigation" : "refused"
}

/** Whether a browser wants to show the answer as a page, in a window or a frame. */
export function isNavigation({ fetchMode }: Pick<RequestOrigin, "fetchMode">): boolean {
  return fetchMode === "navigate"
}
