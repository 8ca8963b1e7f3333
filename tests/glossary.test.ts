/** The glossary of docs/architecture.md, held against the code: what it names is there, and what it replaced is gone. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dir, "..")

const code = ["lib", "scripts"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  )
  .join("\n")

/** Without comments and texts: audit lines keep their old words. */
const identifiers = new Set(
  code
    .replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .match(/[A-Za-z_$][\w$]*/g),
)

interface Entry {
  term: string
  names: string[]
  instead: string[]
}

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)

/** The items under `## Glossary`: `* **term** (names): meaning. Not names that it replaced.` */
function entriesOf(page: string): Entry[] {
  const section = page.split(/^## /m).find((part) => part.startsWith("Glossary")) ?? ""
  return section
    .replace(/\n {2}/g, " ")
    .split("\n")
    .filter((line) => line.startsWith("* "))
    .map((line) => {
      const [, term = "", names = "", rest = ""] = /^\* \*\*(.+?)\*\* \((.+?)\): (.*)$/.exec(line) ?? []
      return { term, names: quoted(names), instead: quoted(rest.split(" Not ")[1] ?? "") }
    })
}

const missing = (entries: Entry[]) =>
  entries.flatMap(({ names }) => names).filter((name) => !identifiers.has(name))
const left = (entries: Entry[]) =>
  entries.flatMap(({ instead }) => instead).filter((name) => identifiers.has(name))

describe("the glossary", () => {
  const entries = entriesOf(readFileSync(join(root, "docs/architecture.md"), "utf8"))

  test("names what is in the code", () => {
    expect(entries.length).toBeGreaterThan(15)
    expect(entries.filter(({ names }) => names.length === 0)).toEqual([])
    expect(missing(entries)).toEqual([])
    expect(missing([{ term: "planted", names: ["noSuchName"], instead: [] }])).toEqual(["noSuchName"])
  })

  test("replaces names that are gone", () => {
    expect(left(entries)).toEqual([])
    expect(left([{ term: "planted", names: [], instead: ["launch"] }])).toEqual(["launch"])
  })
})
