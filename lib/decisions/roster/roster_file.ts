/** A roster's file as people: every row is somebody, or the file is refused. */
import { CsvError, parse } from "csv-parse/sync"
import { loginPattern, matchesGlob, sameButForCase } from "../../base/login.ts"
import { plural, quoted } from "../../base/text.ts"
import { type RosterColumns, rosterColumnsOf, sectionsIn } from "./roster_columns.ts"
import type { RosterEntry } from "./roster_entry.ts"
import { textOfFile } from "./roster_text.ts"

export interface RosterFile {
  people: RosterEntry[]
  hasSections: boolean
  /** Rows of staff, and rows that a learning system writes for itself. */
  left: string[]
  /** Its last line has no end, as where a copy broke off. */
  isCutOff: boolean
}

interface ReadOptions {
  /** Null: the one that the header makes clear. */
  loginColumn: string | null
  section: string | null
  /** The config's globs: one with an @ says that logins have it. */
  accounts: readonly string[]
}

/** Reads the file, or says why not, and what to do. `section` is where the file is of one section only and does not say so. */
export function readRosterFile(
  bytes: Uint8Array,
  { loginColumn, section, accounts }: ReadOptions,
): RosterFile | { refused: string } {
  const read = textOfFile(bytes)
  if ("unreadable" in read) return { refused: read.unreadable }
  const rows = rowsOf(read.text.replace(/^\ufeff/, ""))
  if ("refused" in rows) return rows
  const [header, ...body] = rows.rows
  if (!header) return { refused: "is empty, wanted a header and a line for each person" }
  const found = rosterColumnsOf(header, loginColumn)
  if ("unclear" in found) return { refused: found.unclear }
  const { columns } = found
  if (section !== null && columns.section >= 0)
    return { refused: "has a column for sections; leave --section out" }
  const people: RosterEntry[] = []
  const left: string[] = []
  const lineOf = new Map<string, number>()
  for (const [index, row] of body.entries()) {
    const line = index + 2
    const other = whyNobody(row, columns)
    if (other !== null) {
      left.push(`row ${line}: ${other}`)
      continue
    }
    const person = personOf(row, columns, section)
    person.login = loginOf(person.login, accounts)
    const before = lineOf.get(person.login)
    if (!loginPattern.test(person.login))
      return { refused: `row ${line}: ${quoted(person.login)} is not a login` }
    if (before !== undefined)
      return { refused: `rows ${before} and ${line} both have the login ${person.login}` }
    const alike = sameButForCase(person.login, lineOf.keys())
    if (alike !== null)
      return {
        refused: `row ${line}: ${person.login} and ${alike} differ in case only, which IAM takes for one`,
      }
    lineOf.set(person.login, line)
    people.push(person)
  }
  return {
    people: people.toSorted((a, b) => (a.login < b.login ? -1 : 1)),
    hasSections: columns.section >= 0 || section !== null,
    left,
    isCutOff: !/[\r\n]$/.test(read.text),
  }
}

function rowsOf(text: string): { rows: string[][] } | { refused: string } {
  const header = text.split(/\r\n|\r|\n/, 1)[0] ?? ""
  const delimiter =
    [",", ";", "\t"].toSorted((a, b) => header.split(b).length - header.split(a).length)[0] ?? ","
  try {
    return { rows: parse(text, { delimiter, skip_empty_lines: true, trim: true, relax_column_count: false }) }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const where = (error as { lines?: number }).lines
    const what = error.code.startsWith("CSV_RECORD_INCONSISTENT")
      ? "has more or fewer cells than the header"
      : "has a quotation mark that is not closed, or stands in the middle of a cell"
    return { refused: `line ${where ?? "?"} ${what}: is the file whole?` }
  }
}

/** Canvas writes a row of points and a test student; Gradescope lists staff. */
function whyNobody(row: readonly string[], columns: RosterColumns): string | null {
  const login = row[columns.login] ?? ""
  const name = columns.names.map((at) => row[at] ?? "").join(" ")
  if (login === "" && /^(points possible|student, test|test student)?$/i.test(name) && isBare(row, columns))
    return name === "" ? "names nobody" : `${quoted(name)} is nobody`
  if (/^student, test$/i.test(name)) return "the test student is nobody"
  const role = columns.role < 0 ? "" : (row[columns.role] ?? "")
  if (role !== "" && !/student|learner/i.test(role)) return `${quoted(role)} is not a student`
  return null
}

/** A row that says nothing of a person. */
function isBare(row: readonly string[], { person, email }: RosterColumns): boolean {
  return [person, email].every((at) => at < 0 || (row[at] ?? "") === "")
}

function personOf(row: readonly string[], columns: RosterColumns, section: string | null): RosterEntry {
  const cell = (at: number) => (at < 0 ? "" : (row[at] ?? ""))
  const names = columns.names.map(cell)
  return {
    login: cell(columns.login),
    person: cell(columns.person),
    sections: section === null ? sectionsIn(cell(columns.section)) : [section],
    email: cell(columns.email),
    fullName: names.join(" ").trim(),
  }
}

/** Of an e-mail address the part before the @. */
function loginOf(cell: string, accounts: readonly string[]): string {
  const withAt = accounts.filter((glob) => glob.includes("@"))
  return matchesGlob(withAt, cell) ? cell : cell.replace(/@[^@]*$/, "")
}

/** `3 people, 2 rows left out`. */
export function rosterFileLine({ people, left }: RosterFile): string {
  const others = left.length === 0 ? "" : `, ${plural(left.length, "row")} left out`
  return `${people.length === 1 ? "1 person" : `${people.length} people`}${others}`
}
