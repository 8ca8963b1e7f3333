/** Logins and the globs that stand for them in the config. */

/** What we accept as a login anywhere: as in shadow-utils, with dots and capitals left out. */
export const loginPattern = /^[a-z_][a-z0-9_-]{0,30}$/

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
