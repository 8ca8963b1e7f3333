/** The manual pages and the documentation's copies, as the build writes them. */
import { beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { commands, manualPageOf, tools } from "../../lib/base/commands.ts"
import { configReference } from "../../lib/host/config/config_reference.ts"
import type { Declaration } from "../../lib/terminal/declaration.ts"
import { optionEntries } from "../../lib/terminal/declaration.ts"
import { writeShare } from "../../packaging/reading/share.ts"
import { scratchDirectory } from "../support/scratch.ts"
import { skipWithout } from "../support/skips.ts"

const scratch = scratchDirectory("manual-pages")
const share = join(scratch, "share")
beforeAll(() => writeShare(share, "/etc/ec2-wrappers/config.toml"))

const sectionOf = (tool: string) => (commands.some((command) => command.tool === tool) ? 1 : 8)
const pagePaths = () =>
  [1, 5, 8].flatMap((section) =>
    readdirSync(join(share, `man/man${section}`)).map((name) => join(share, `man/man${section}`, name)),
  )
/** As a reader sees it, without bold and line ends. */
const shown = (path: string) =>
  Bun.spawnSync(["man", "-l", path], {
    env: { ...process.env, MANWIDTH: "1000", MAN_KEEP_FORMATTING: "", LC_ALL: "C.UTF-8" },
  })
    .stdout.toString()
    .replaceAll(/\s+/g, " ")

describe("manual pages", () => {
  test("there is one for each tool and one for the config", () => {
    const wanted = tools.map((tool) => `man/man${sectionOf(tool)}/${manualPageOf(tool)}.${sectionOf(tool)}`)
    expect(
      pagePaths()
        .map((path) => path.slice(share.length + 1))
        .toSorted(),
    ).toEqual([...wanted, "man/man5/ec2-wrappers.toml.5"].toSorted())
  })

  test.skipIf(skipWithout("mandoc"))("mandoc finds nothing to say", () => {
    for (const path of pagePaths()) {
      const { stdout, stderr } = Bun.spawnSync(["mandoc", "-T", "lint", "-W", "style", path])
      expect(`${stdout}${stderr}`).toBe("")
    }
  })

  test.skipIf(skipWithout("man"))("man warns of nothing", () => {
    for (const path of pagePaths()) {
      const { stderr, exitCode } = Bun.spawnSync([
        "man",
        "--warnings",
        "-E",
        "UTF-8",
        "-l",
        "-Tutf8",
        "-Z",
        path,
      ])
      expect({ path, said: String(stderr), exitCode }).toEqual({ path, said: "", exitCode: 0 })
    }
  })

  test.skipIf(skipWithout("man"))("each shows every option of its tool with the description", async () => {
    for (const tool of tools) {
      const { tool: declaration } = (await import(`../../scripts/${tool}.ts`)) as { tool: Declaration }
      const text = shown(join(share, `man/man${sectionOf(tool)}/${manualPageOf(tool)}.${sectionOf(tool)}`))
      for (const { names, description } of optionEntries(declaration)) {
        expect(text).toContain(names.join(", "))
        expect(text).toContain(description.replaceAll(/\s+/g, " "))
      }
    }
  })

  test.skipIf(skipWithout("man"))("that of the config explains every key", () => {
    const text = shown(join(share, "man/man5/ec2-wrappers.toml.5"))
    for (const { keys } of configReference)
      for (const { key, meaning } of keys) {
        expect(text).toContain(` ${key} (`)
        expect(text).toContain(meaning.replaceAll("`", ""))
      }
  })

  test("two builds of one commit are alike", async () => {
    const again = join(scratch, "again")
    await writeShare(again, "/etc/ec2-wrappers/config.toml")
    for (const path of pagePaths()) {
      expect(readFileSync(path.replace(share, again), "utf8")).toBe(readFileSync(path, "utf8"))
    }
  })

  test("the date is SOURCE_DATE_EPOCH's", async () => {
    const before = process.env.SOURCE_DATE_EPOCH
    process.env.SOURCE_DATE_EPOCH = "86400"
    await writeShare(join(scratch, "dated"), "/etc/x.toml").finally(() => {
      if (before === undefined) delete process.env.SOURCE_DATE_EPOCH
      else process.env.SOURCE_DATE_EPOCH = before
    })
    expect(readFileSync(join(scratch, "dated/man/man1/ec2-run.1"), "utf8")).toContain(" 1 1970-01-02 ")
  })
})
