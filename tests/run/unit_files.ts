/** The test files that need neither emulator, compiled tool, server, other process nor root. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { bunTest, root } from "./settings.ts"

/** What starts something. A file that imports one that does, at whatever distance, is no unit test. */
const starts = /\bBun\.(spawn|spawnSync|serve|listen|connect|\$)\b|\bcreateServer\b|"node:child_process"/

const transpiler = new Bun.Transpiler({ loader: "ts" })

/** The command that runs them on all processors. */
export function unitTests(): string[] {
  return [...bunTest, "--parallel", ...unitFiles().map((file) => `./${file}`)]
}

/** Relative to the repository, sorted. */
export function unitFiles(): string[] {
  return readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `tests/${name}`)
    .filter((file) => !startsSomething(file))
    .sort()
}

/** Starts a PostgreSQL server only with TEST_DATABASE=postgres: on SQLite its importers start nothing. */
const onDemand = { importer: "tests/support/databases.ts", imported: "tests/support/postgres.ts" }

const known = new Map<string, boolean>()

/** Looks at files of `tests` only: what lib and scripts start, their callers in tests have to provide. */
function startsSomething(file: string): boolean {
  const before = known.get(file)
  if (before !== undefined) return before
  known.set(file, false) // files that import each other
  const text = readFileSync(join(root, file), "utf8")
  const answer =
    starts.test(text) ||
    transpiler
      .scanImports(text)
      .filter(({ path }) => path.startsWith("."))
      .map(({ path }) => normalize(join(dirname(file), path)))
      .filter((path) => path.startsWith("tests/") && path.endsWith(".ts"))
      .filter((path) => file !== onDemand.importer || path !== onDemand.imported)
      .some(startsSomething)
  known.set(file, answer)
  return answer
}
