/** The import rule of the design: values are imported downward only, and each outside package from one room only. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const root = join(import.meta.dir, "..")

/** First match wins. A file may import values from its own level or below. */
const levels: [prefix: string, level: number][] = [
  ["lib/base/", 0],
  ["lib/decisions/", 1],
  ["lib/host/", 2],
  ["lib/db/", 2],
  ["lib/aws/", 2],
  ["lib/operations/", 3],
  ["lib/terminal/", 4],
  ["lib/context.ts", 4],
  ["lib/cli.ts", 4],
  ["scripts/", 5],
]

/** Which rooms may name what lies outside. A room is a prefix. */
const rooms: [pattern: RegExp, allowed: string[]][] = [
  [/^bun:sqlite$/, ["lib/db/"]],
  [/^@(aws-sdk|smithy)\//, ["lib/aws/"]],
  [/^citty$/, ["lib/cli.ts", "lib/terminal/", "scripts/"]],
  [
    /^(node:|bun$)/,
    [
      "lib/host/",
      "lib/db/",
      "lib/aws/",
      "lib/operations/",
      "lib/terminal/",
      "lib/context.ts",
      "lib/cli.ts",
      "scripts/",
    ],
  ],
]

/** What only some rooms may touch at all, found in the text. */
const touches: [what: string, pattern: RegExp, allowed: string[]][] = [
  [
    "the environment",
    /\bprocess\.env\b|\bBun\.env\b/,
    ["lib/cli.ts", "lib/context.ts", "lib/host/config", "lib/host/caller"],
  ],
  ["argv and exit codes", /\bprocess\.(argv|exit|exitCode)\b|\bBun\.argv\b/, ["lib/cli.ts"]],
  [
    "the clock",
    /\bDate\.now\(|new Date\(\)|\bsetTimeout\(|\bBun\.sleep\(/,
    ["lib/host/clock.ts", "lib/operations/proxy/"],
  ],
  ["printing", /\bconsole\.\w+\(|\bprocess\.(stdout|stderr)\b/, ["lib/cli.ts", "lib/terminal/"]],
  ["SQL", /\b(SELECT .* FROM|INSERT INTO|CREATE TABLE|DELETE FROM)\b/, ["lib/db/"]],
]

const sources = ["lib", "scripts"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`),
)

const transpiler = new Bun.Transpiler({ loader: "ts" })
const textOf = (file: string) => readFileSync(join(root, file), "utf8")
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "")
const importsOf = (file: string) => transpiler.scanImports(textOf(file)).map(({ path }) => path)
const levelOf = (file: string) => levels.find(([prefix]) => file.startsWith(prefix))?.[1]
const isAllowed = (file: string, allowed: string[]) => allowed.some((prefix) => file.startsWith(prefix))

describe("the import rule", () => {
  test("every file belongs to a level", () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(sources.filter((file) => levelOf(file) === undefined)).toEqual([])
  })

  test("values are imported downward only", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((path) => path.startsWith("."))
        .map((path) => normalize(join(dirname(file), path)))
        .filter((target) => (levelOf(target) ?? -1) > (levelOf(file) ?? 0))
        .map((target) => `${file} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test("outside packages are imported only in their rooms", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((path) => rooms.some(([pattern, allowed]) => pattern.test(path) && !isAllowed(file, allowed)))
        .map((path) => `${file} imports ${path}`),
    )
    expect(wrong).toEqual([])
  })

  for (const [what, pattern, allowed] of touches) {
    test(`${what} is touched only in its rooms`, () => {
      const wrong = sources.filter(
        (file) => !isAllowed(file, allowed) && pattern.test(withoutComments(textOf(file))),
      )
      expect(wrong).toEqual([])
    })
  }
})
