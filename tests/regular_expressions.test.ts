/**
 * No regular expression takes time beyond the length of its text, times a constant: callers, AWS and files in homes choose the texts.
 * scslre finds what can backtrack (https://github.com/RunDevelopment/scslre).
 */
import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Node, parse } from "acorn"
import { analyse } from "scslre"

const root = join(import.meta.dir, "..")
const transpiler = new Bun.Transpiler({ loader: "ts" })

/** These run with the caller's own rights, on headers of at most some kilobytes: their square is bearable, more is not. */
const ofOwnRights = /^lib\/(decisions|operations)\/(proxy|clusters)\//

interface Literal {
  file: string
  pattern: string
  flags: string
}

function literalsIn(file: string): Literal[] {
  const found: Literal[] = []
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return
    const { type, regex } = node as { type?: string; regex?: { pattern: string; flags: string } }
    if (type === "Literal" && regex) found.push({ file, ...regex })
    Object.values(node).forEach(visit)
  }
  const script = transpiler.transformSync(readFileSync(join(root, file), "utf8"))
  visit(parse(script, { ecmaVersion: "latest", sourceType: "module" }) satisfies Node)
  return found
}

const files = ["lib", "scripts"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`),
)

function faultsOf({ file, pattern, flags }: Literal): string[] {
  const faults = analyse({ source: pattern, flags }).reports.filter(
    (report) => !ofOwnRights.test(file) || report.exponential,
  )
  return faults.map(
    ({ type, exponential }) => `${file}: /${pattern}/${flags} (${type}${exponential ? ", exponential" : ""})`,
  )
}

test("every regular expression takes linear time", () => {
  const literals = files.flatMap(literalsIn)
  expect(literals.length).toBeGreaterThan(200)
  expect(literals.flatMap(faultsOf)).toEqual([])
})

test("the checker finds those that do not", () => {
  const bad = { file: "lib/x.ts", pattern: "^\\s*\\[\\s*([^\\]]*?)\\s*\\]", flags: "" }
  expect(faultsOf(bad).length).toBeGreaterThan(0)
  expect(
    faultsOf({ file: "lib/decisions/proxy/x.ts", pattern: "^(a+)+$", flags: "" }).length,
  ).toBeGreaterThan(0)
})
