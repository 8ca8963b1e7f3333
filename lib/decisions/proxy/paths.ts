/** Paths of a backend as they must read behind our prefix: put there once, and never climbing out of it. */
import type { Base } from "./base.ts"
import type { Edit } from "./edit.ts"

/** `/path`, prefixed once; the bytes from `start` up to the path go. */
export function editOfRooted(
  url: string,
  start: number,
  path: number,
  end: number,
  prefix: string,
  maybePrefixed = start === path,
): Edit | null {
  if (maybePrefixed && isPrefixed(url, path, end, prefix)) return null
  const climbed = withoutClimbing(url.slice(path, end), 0)
  if (climbed !== null) return { from: start, to: end, text: prefix + climbed }
  return { from: start, to: path, text: prefix }
}

/** Backends that heed X-Forwarded-Context or -Prefix have put the prefix there themselves. */
export function isPrefixed(url: string, path: number, end: number, prefix: string): boolean {
  if (!url.startsWith(prefix, path)) return false
  const next = path + prefix.length
  return next >= end || "/?#".includes(url[next] as string)
}

/** A relative reference stays, unless its `..` climb past the backend's root: there browsers stop, here they would not. */
export function editOfRelative(url: string, start: number, end: number, base: Base): Edit | null {
  // Under its own name nothing lies above the root.
  if (base.prefix === null || base.prefix === "") return null
  const text = url.slice(start, end)
  if (!mayClimb(text)) return null
  const directories = base.path.split("/").length - 2
  const climbed = withoutClimbing(`/${text}`, directories)
  return climbed === null ? null : { from: start, to: end, text: base.prefix + climbed }
}

function mayClimb(text: string): boolean {
  return text.includes("..") || (text.includes("%2") && /%2e/i.test(text))
}

/**
 * A path without those `..` that would climb above the root, `depth` directories up; null where none does. With them gone
 * nothing of the base is left either, so the result is a path from the root.
 */
function withoutClimbing(path: string, depth: number): string | null {
  if (!mayClimb(path)) return null
  const pathEnd = path.search(/[?#]/)
  const [own, rest] = pathEnd < 0 ? [path, ""] : [path.slice(0, pathEnd), path.slice(pathEnd)]
  const kept: string[] = []
  let above = depth
  let climbs = false
  const segments = own.split(/[/\\]/).slice(1)
  for (const [index, segment] of segments.entries()) {
    if (!/^(?:\.|%2e){2}$/i.test(segment)) {
      if (!/^(?:\.|%2e)$/i.test(segment)) kept.push(segment)
      else if (index === segments.length - 1) kept.push("")
      continue
    }
    if (kept.length > 0) kept.pop()
    else if (above > 0) above--
    else climbs = true
    if (index === segments.length - 1) kept.push("")
  }
  return climbs ? `/${kept.join("/")}${rest}` : null
}
