/** Which version this is. */
import packageJson from "../../package.json" with { type: "json" }

/** Compiled in by build.ts; run from the sources there is none, and git knows. */
declare const BUILD_COMMIT: string | undefined

export const version: string = packageJson.version

/** `1.0.0 (2eefd5ffa197)`; `1.0.0` alone where the commit was not known to the build. */
export function versionAndCommit(): string {
  const commit = typeof BUILD_COMMIT === "undefined" ? "" : BUILD_COMMIT
  return commit === "" ? version : `${version} (${commit})`
}
