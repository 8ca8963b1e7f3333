/** Which commit is built. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** As many digits as name a commit for people; always as many, since a release from an archive has the bytes of one from a clone. */
const digits = 12

/**
 * git's name of the commit in `root`, with `-dirty` where files differ from it; in an archive made by `git archive`, the commit that
 * it was made from; empty where neither is known, as in a copy of the files.
 */
export function builtCommit(root: string): string {
  // Not git's own search, which goes up: a copy inside some other repository is not of that repository's commit.
  if (existsSync(join(root, ".git")) && Bun.which("git")) {
    const described = Bun.spawnSync(
      ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
      { cwd: root, stderr: "ignore" },
    )
    const [, commit = "", dirty = ""] =
      /^([0-9a-f]{40})(-dirty)?$/.exec(described.stdout.toString().trim()) ?? []
    if (described.success) return commit.slice(0, digits) + dirty
  }
  const archived = readFileSync(join(root, "packaging", "commit.txt"), "utf8").trim()
  return /^[0-9a-f]{40}$/.test(archived) ? archived.slice(0, digits) : ""
}
