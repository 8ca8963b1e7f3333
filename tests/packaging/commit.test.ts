import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { builtCommit } from "../../packaging/commit.ts"
import { root } from "../support/build.ts"
import { scratchDirectory } from "../support/scratch.ts"

const place = scratchDirectory("commit")
const git = (directory: string, ...args: string[]) => {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
  return Bun.spawnSync(["git", "-C", directory, ...identity, ...args])
    .stdout.toString()
    .trim()
}
/** A folder with the two files that name the commit. */
const treeAt = (name: string) => {
  const tree = join(place, name)
  mkdirSync(join(tree, "packaging"), { recursive: true })
  for (const file of [".gitattributes", "packaging/commit.txt"]) cpSync(join(root, file), join(tree, file))
  return tree
}
let tree: string

beforeAll(() => {
  tree = treeAt("repository")
  git(tree, "init", "--quiet")
  git(tree, "add", ".")
  git(tree, "commit", "--quiet", "--message", "all of it")
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

describe.skipIf(!Bun.which("git"))("the commit that a build names", () => {
  test("is git's", () => {
    const commit = builtCommit(tree)
    expect(commit).toMatch(/^[0-9a-f]{12}$/)
    expect(git(tree, "rev-parse", "HEAD")).toStartWith(commit)
  })

  test("says that files were changed", () => {
    writeFileSync(join(tree, ".gitattributes"), "# changed\n", { flag: "a" })
    expect(builtCommit(tree)).toMatch(/^[0-9a-f]{12}-dirty$/)
    git(tree, "checkout", "--quiet", ".")
  })

  test("is that of the archive in a tree without .git", () => {
    const archive = join(place, "archive")
    mkdirSync(archive)
    Bun.spawnSync(["sh", "-c", 'git -C "$0" archive HEAD | tar -x -C "$1"', tree, archive])
    expect(builtCommit(archive)).toBe(builtCommit(tree))
  })

  test("is none in a copy of the files, also inside another repository", () => {
    expect(builtCommit(treeAt("copy"))).toBe("")
    expect(builtCommit(treeAt("repository/copy"))).toBe("")
  })
})
