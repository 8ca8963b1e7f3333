/** Which column of a roster's file means what, by its header: Canvas, Gradescope, Moodle, and plain CSV. */

export interface RosterColumns {
  login: number
  /** -1 where the file has none. */
  person: number
  section: number
  email: number
  role: number
  /** One for the whole name, or two. */
  names: number[]
}

/** In lower case, blanks, dashes and underscores made one blank. What stands first wins where a file has several. */
const known = {
  // Canvas: SIS Login ID. Moodle: Username.
  login: [
    "sis login id",
    "login",
    "login id",
    "username",
    "user name",
    "account",
    "unix login",
    "unix account",
  ],
  // Canvas: SIS User ID, and ID, which is Canvas's own. Gradescope: SID. Moodle: ID number.
  person: [
    "sis user id",
    "sid",
    "id number",
    "idnumber",
    "student id",
    "student number",
    "person id",
    "person",
    "id",
  ],
  // Gradescope: Sections. Moodle: Groups.
  section: ["section", "sections", "section name", "group", "groups"],
  email: ["email", "e mail", "email address", "mail"],
  role: ["role", "roles"],
} as const

const nameColumns = [
  ["student"],
  ["name"],
  ["full name"],
  ["first name", "last name"],
  ["first name", "surname"],
]

export const plainHeader = (cell: string): string =>
  cell
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")

/**
 * The columns of a header; `loginColumn` names the one to take for the login. Answers with a reason where no column is clearly the
 * login: a file that says e-mail addresses only may still be meant, which `loginColumn` says.
 */
export function rosterColumnsOf(
  header: readonly string[],
  loginColumn: string | null,
): { columns: RosterColumns } | { unclear: string } {
  const plain = header.map(plainHeader)
  const twice = plain.find((cell, index) => cell !== "" && isKnown(cell) && plain.indexOf(cell) !== index)
  if (twice !== undefined) return { unclear: `has two columns named ${JSON.stringify(twice)}` }
  const first = (names: readonly string[]) =>
    names.map((name) => plain.indexOf(name)).find((at) => at >= 0) ?? -1
  const wanted = loginColumn === null ? known.login : [plainHeader(loginColumn)]
  const candidates = wanted.filter((name) => plain.includes(name))
  if (loginColumn !== null && candidates.length === 0)
    return { unclear: `has no column ${JSON.stringify(loginColumn)}` }
  if (candidates.length !== 1) {
    const found = candidates.length === 0 ? "no column" : `${candidates.length} columns`
    return {
      unclear: `has ${found} that may hold the login (${wanted.slice(0, 4).join(", ")}); name it with --login-column`,
    }
  }
  const names = nameColumns.find((group) => group.every((name) => plain.includes(name))) ?? []
  return {
    columns: {
      login: first(wanted),
      person: first(known.person),
      section: first(known.section),
      email: first(known.email),
      role: first(known.role),
      names: names.map((name) => plain.indexOf(name)),
    },
  }
}

function isKnown(cell: string): boolean {
  return Object.values(known).some((names) => (names as readonly string[]).includes(cell))
}

/** `LAB 101 and LEC 001` of Canvas, `101, 102` of the others. */
export function sectionsIn(cell: string): string[] {
  const names = cell
    .replace(/\s+/g, " ")
    .split(/ and |[,;|]/)
    .map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ""))]
}
