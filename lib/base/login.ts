/** Logins and the globs that stand for them in the config. */

/**
 * What we accept as a login anywhere: what name services, IAM (user names, tags) and STS (session names) all take. Not `..`, which
 * names a directory, and not ALL, which is everybody in reports. As login_is_plain in native/checks.h, which knows no reports.
 */
export const loginPattern = /^(?!-|\.\.$|ALL$)[\w+=.@-]{2,32}$/

/** The rule in words, for messages. */
export const loginRule = "2 to 32 letters, digits and _ + = . @ -, not beginning with -"

/** Another login that differs from this one in case only: IAM takes the two for one user. Null where there is none. */
export function sameButForCase(login: string, logins: Iterable<string>): string | null {
  const folded = login.toLowerCase()
  for (const other of logins) if (other !== login && other.toLowerCase() === folded) return other
  return null
}

/**
 * The owner of what somebody left who had a login before its present person, as owner tags and the ledger have it: `cs61c-aa:1`. The
 * colon makes it no login, so that no student's rights reach it.
 */
export const formerOwnerPattern = /^[\w+=.@-]{2,32}:\d{1,4}$/

/** Whether a login matches one of the config's globs: `*` any run, `?` one character, all else literal. */
export function matchesGlob(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => globExpression(glob).test(name))
}

function globExpression(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".")
  return new RegExp(`^${source}$`, "s")
}
