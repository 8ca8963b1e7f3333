/** The rules of lib/db/db.ts, held against every statement that a store has in its source. */
import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { greatest, least } from "../../lib/db/db.ts"

const lib = join(import.meta.dir, "../../lib/db")
/** The drivers speak to one engine; schema steps say what differs. */
const stores = readdirSync(lib, { recursive: true, encoding: "utf8" })
  .filter(
    (name) =>
      name.endsWith(".ts") && !/^(sqlite|postgres)\/|^(catalog|copy)\.ts$|_(steps|schema)\.ts$/.test(name),
  )
  .map((name) => ({ name, text: withoutComments(readFileSync(join(lib, name), "utf8")) }))

const forbidden: [rule: string, pattern: RegExp, allowed?: RegExp][] = [
  [
    "1: ? and ?1 in one statement",
    /`[^`]*\?(?!\d|\.|\?|:)[^`]*\?\d[^`]*`|`[^`]*\?\d[^`]*[\s(,=]\?(?=[\s,)`])[^`]*`/,
  ],
  ["1: a parameter without a type", /[(\s`"]\?\d* IS (NOT )?NULL/],
  ["2: an unquoted alias with a capital letter", /\bAS [a-z]+[A-Z]/],
  ["3: an INSERT without columns", /INSERT INTO [\w.${}]+ (VALUES|SELECT)/],
  ["4: OR REPLACE, OR IGNORE", /\bOR (REPLACE|IGNORE|ROLLBACK|ABORT|FAIL)\b|\bREPLACE INTO\b/i],
  ["5: iif, and min or max of two", /\biif\s*\(|\b(min|max)\((?=[^()]*,)[a-z_.?$]/i, /Math\.(min|max)/],
  ["6: IS with a value", /\bIS (NOT )?(?!NULL|NOT|DISTINCT|TRUE|FALSE)[?$\w]/],
  ["7: a SELECT in FROM without a name", /FROM \(SELECT[^`"]*\)\s*(WHERE[^`"]*)?[`"]\s*[,)]/],
  [
    "9: what only SQLite has",
    /\b(PRAGMA|INDEXED BY|typeof|strftime|datetime|unixepoch|LIKE|GLOB|ifnull|json_\w+|last_insert_rowid|changes|randomblob|WITHOUT ROWID|STRICT|sqlite_master)\b\s*(?=[(\s`"])/,
    /legacy\/|\.changes/,
  ],
  ["9: rowid", /\browid\b/, /identities\/access_keys\.ts/],
  ["9: julianday outside the old tables", /\bjulianday\(/, /^legacy\//],
  ["PostgreSQL's own casts and parameters", /\w::\w|[\s(,=]\$\d/],
]

for (const [rule, pattern, allowed] of forbidden) {
  test(`no store has ${rule}`, () => {
    expect(stores.length).toBeGreaterThan(20)
    const wrong = stores.flatMap(({ name, text }) =>
      statementsOf(text)
        .filter((sql) => pattern.test(sql) && !allowed?.test(name) && !allowed?.test(sql))
        .map((sql) => `${name}: ${sql.slice(0, 200)}`),
    )
    expect(wrong).toEqual([])
  })
}

test("bun:sqlite is opened in lib/db/sqlite alone", () => {
  expect(stores.filter(({ text }) => /bun:sqlite/.test(text)).map(({ name }) => name)).toEqual([])
})

test("the rules find what they forbid", () => {
  const examples = [
    "`SELECT a FROM t WHERE b = ?1 AND c = ?`",
    "`SELECT a FROM t WHERE ?1 IS NULL`",
    "`SELECT a AS someName FROM t`",
    "`INSERT INTO t VALUES (?)`",
    "`INSERT OR REPLACE INTO t(a) VALUES (?)`",
    "`UPDATE t SET a = max(a, ?1)`",
    "`SELECT a FROM t WHERE a IS ?`",
    "`SELECT a FROM (SELECT b FROM t)`)",
    "`SELECT a FROM t INDEXED BY i`",
    "`SELECT a FROM t ORDER BY rowid`",
    "`SELECT julianday(a) FROM t`",
    "`SELECT a::text FROM t`",
  ]
  forbidden.forEach(([rule, pattern], index) => {
    expect([rule, pattern.test(examples[index] ?? "")]).toEqual([rule, true])
  })
})

test("least and greatest keep the first one's NULL", () => {
  expect(least("a", "b")).toBe("(CASE WHEN a > b THEN b ELSE a END)")
  expect(greatest("a", "b")).toBe("(CASE WHEN a < b THEN b ELSE a END)")
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "")
}

/** String literals that hold SQL, with their quotes and one character after them. */
function statementsOf(text: string): string[] {
  const plain = text.replace(/\$\{[^{}`]*\}/g, "0")
  const literals = plain.match(/`(?:[^`\\]|\\.)*`[\s\S]?|"(?:[^"\\\n]|\\.)*"[\s\S]?/g) ?? []
  return literals.filter((literal) =>
    /\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|SET|AS|IS|AND|CASE|julianday|PRAGMA|CREATE)\b/.test(literal),
  )
}
