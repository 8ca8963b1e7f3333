/**
 * The rules of the layout: values are imported downward only, types never round in a circle, each outside package from one room
 * only, subjects know only those subjects that the table allows, no two exports share a name, no room and no file grows without
 * bound. Each rule is shown to find a planted violation.
 */
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

/**
 * Which subject may import which other ones, in any layer: a file's address is lib/LAYER/SUBJECT/. Launches and the ledger of usage
 * are two halves of one account book, written in one transaction, so that some pairs know each other; files never do.
 */
const subjects: Record<string, string[]> = {
  audit: [],
  clusters: ["pricing", "proxy", "requests", "ssh"],
  doctor: ["audit", "identities", "installation", "launches", "ssh", "usage"],
  enforcement: [
    "audit",
    "identities",
    "launches",
    "messages",
    "pricing",
    "reports",
    "roster",
    "storage",
    "usage",
  ],
  identities: ["doctor"],
  installation: ["audit", "enforcement", "identities", "launches", "usage"],
  launches: [
    "enforcement",
    "identities",
    "installation",
    "pricing",
    "requests",
    "roster",
    "ssh",
    "storage",
    "usage",
  ],
  legacy: ["pricing", "reports", "usage"],
  messages: ["launches", "reports"],
  pricing: ["usage"],
  proxy: [],
  reports: ["enforcement", "launches", "pricing", "roster", "storage", "usage"],
  requests: ["launches"],
  roster: ["enforcement", "identities", "launches", "storage", "usage"],
  ssh: ["proxy"],
  storage: ["enforcement", "launches", "pricing", "usage"],
  sweep: ["enforcement", "pricing", "usage"],
  usage: ["launches", "legacy", "pricing"],
}

/** How many files may stand loose in a room, beside its subjects' folders. */
const mostLoose: Record<string, number> = { "lib/decisions": 4, "lib/db": 12, "lib/operations": 0 }
const mostLines = 260

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

/** A line for each of these that breaks its rule. */
const violationOf: Record<string, string> = {
  "the environment": "export const home = process.env.HOME\n",
  "argv and exit codes": "process.exit(1)\n",
  "the clock": "export const now = Date.now()\n",
  printing: 'console.log("x")\n',
  SQL: 'export const rows = "SELECT a FROM b"\n',
}

const sources = ["lib", "scripts"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`),
)

/** The tree as it is, or with planted files. */
type Tree = ReadonlyMap<string, string>
const tree: Tree = new Map(sources.map((file) => [file, readFileSync(join(root, file), "utf8")]))

const transpiler = new Bun.Transpiler({ loader: "ts" })
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "")
const levelOf = (file: string) => levels.find(([prefix]) => file.startsWith(prefix))?.[1]
const isAllowed = (file: string, allowed: string[]) => allowed.some((prefix) => file.startsWith(prefix))
const targetOf = (file: string, path: string) => normalize(join(dirname(file), path))

/** What a file imports as values. */
const valuesOf = (text: string) => transpiler.scanImports(text).map(({ path }) => path)

/** The files that a file names at all: values, types, and what it loads later. */
function filesNamedBy(file: string, text: string): string[] {
  const paths = [...withoutComments(text).matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g)]
  return [...new Set(paths.map(([, path]) => targetOf(file, path as string)))]
}

function subjectOf(file: string): string | null {
  const [lib, , subject, ...rest] = file.split("/")
  return lib === "lib" && rest.length > 0 && subject !== undefined && subject in subjects ? subject : null
}

const levelless = (files: Tree) => [...files.keys()].filter((file) => levelOf(file) === undefined)

const upward = (files: Tree) =>
  [...files].flatMap(([file, text]) =>
    valuesOf(text)
      .filter((path) => path.startsWith("."))
      .map((path) => targetOf(file, path))
      .filter((target) => (levelOf(target) ?? -1) > (levelOf(file) ?? 0))
      .map((target) => `${file} imports ${target}`),
  )

const outOfRoom = (files: Tree) =>
  [...files].flatMap(([file, text]) =>
    valuesOf(text)
      .filter((path) => rooms.some(([pattern, allowed]) => pattern.test(path) && !isAllowed(file, allowed)))
      .map((path) => `${file} imports ${path}`),
  )

const foreignSubjects = (files: Tree) =>
  [...files].flatMap(([file, text]) => {
    const own = subjectOf(file)
    if (own === null) return []
    return filesNamedBy(file, text)
      .filter((target) => {
        const other = subjectOf(target)
        return other !== null && other !== own && !subjects[own]?.includes(other)
      })
      .map((target) => `${file} imports ${target}`)
  })

/** A file from which imports lead back to it, with the way; every circle has one that is found. */
function circles(files: Tree): string[] {
  const state = new Map<string, "under way" | "done">()
  const found: string[] = []
  const visit = (file: string, way: string[]) => {
    state.set(file, "under way")
    for (const target of filesNamedBy(file, files.get(file) ?? "")) {
      if (state.get(target) === "under way")
        found.push([...way.slice(way.indexOf(target)), target].join(" → "))
      else if (state.get(target) === undefined && files.has(target)) visit(target, [...way, target])
    }
    state.set(file, "done")
  }
  for (const file of files.keys()) if (!state.has(file)) visit(file, [file])
  return found
}

const exported =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type|enum) +(\w+)/gm

/** `tool` is what each script declares; a constant and the type of its values are one thing in one file. */
function sharedNames(files: Tree): string[] {
  const byName = new Map<string, Set<string>>()
  for (const [file, text] of files) {
    for (const [, name = ""] of withoutComments(text).matchAll(exported)) {
      if (name !== "tool") byName.set(name, (byName.get(name) ?? new Set()).add(file))
    }
  }
  return [...byName]
    .filter(([, where]) => where.size > 1)
    .map(([name, where]) => `${name}: ${[...where].join(", ")}`)
}

const crowded = (files: Tree) =>
  Object.entries(mostLoose).flatMap(([room, most]) => {
    const loose = [...files.keys()].filter((file) => dirname(file) === room)
    return loose.length > most ? [`${room} has ${loose.length} loose files, at most ${most}`] : []
  })

const long = (files: Tree) =>
  [...files]
    .map(([file, text]) => ({ file, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > mostLines)
    .map(({ file, lines }) => `${file} has ${lines} lines, at most ${mostLines}`)

const touching = (files: Tree, pattern: RegExp, allowed: string[]) =>
  [...files]
    .filter(([file, text]) => !isAllowed(file, allowed) && pattern.test(withoutComments(text)))
    .map(([file]) => file)

/** Money and instants are branded where they are made; a cast elsewhere would make anything pass for them. */
const casts = /\bas (MicroUsd|UtcMs)\b/
const makers = ["lib/base/money.ts", "lib/base/time.ts"]

type Rule = [what: string, find: (files: Tree) => string[], planted: Record<string, string>]

const line = "export const x = 1\n"
const rules: Rule[] = [
  ["every file belongs to a level", levelless, { "lib/other/new.ts": line }],
  [
    "values are imported downward only",
    upward,
    {
      "lib/decisions/usage/new.ts": 'import { launch } from "../../operations/launches/launch.ts"\nlaunch\n',
    },
  ],
  [
    "outside packages are imported only in their rooms",
    outOfRoom,
    { "lib/operations/usage/new.ts": 'import { Database } from "bun:sqlite"\nnew Database()\n' },
  ],
  [
    "a subject imports only those that the table allows it",
    foreignSubjects,
    { "lib/decisions/proxy/new.ts": 'import type { Run } from "../usage/runs.ts"\nexport type X = Run\n' },
  ],
  [
    "no imports go round in a circle, not even of types or of what is loaded later",
    circles,
    {
      "lib/base/one.ts": 'export type One = import("./two.ts").Two\n',
      "lib/base/two.ts": 'import type { One } from "./one.ts"\nexport type Two = One\n',
    },
  ],
  [
    "no two exports share a name",
    sharedNames,
    { "lib/base/one.ts": "export interface Unusual {}\n", "lib/base/two.ts": "export type Unusual = 1\n" },
  ],
  [
    "a room has few loose files",
    crowded,
    Object.fromEntries([0, 1, 2, 3, 4].map((index) => [`lib/decisions/new${index}.ts`, line])),
  ],
  ["no file is long", long, { "lib/base/new.ts": line.repeat(mostLines + 1) }],
  [
    "only lib/base makes money and instants",
    (files) => touching(files, casts, makers),
    { "lib/operations/usage/new.ts": "export const now = 5 as UtcMs\n" },
  ],
  ...touches.map(
    ([what, pattern, allowed]): Rule => [
      `${what} is touched only in its rooms`,
      (files) => touching(files, pattern, allowed),
      { "lib/base/new.ts": violationOf[what] ?? "" },
    ],
  ),
]

describe("the layout", () => {
  for (const [what, find, planted] of rules) {
    test(what, () => {
      expect(find(tree)).toEqual([])
      expect(find(new Map([...tree, ...Object.entries(planted)]))).not.toEqual([])
    })
  }
})
