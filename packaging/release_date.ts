/** The one date of everything that is built, so that the same sources give the same bytes. */
import { statSync } from "node:fs"
import { join } from "node:path"

/** Seconds since 1970: SOURCE_DATE_EPOCH, else of the commit, else, in an archive without git, of package.json. */
export function releaseSeconds(root: string): number {
  const given = process.env.SOURCE_DATE_EPOCH
  const commit = given
    ? ""
    : Bun.spawnSync(["git", "-C", root, "log", "-1", "--format=%ct"], { stderr: "ignore" }).stdout
  return (
    Number(given || String(commit).trim()) || Math.floor(statSync(join(root, "package.json")).mtimeMs / 1000)
  )
}
