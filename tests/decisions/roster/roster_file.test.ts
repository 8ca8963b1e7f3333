/** What the learning systems write, and what people make of it. */
import { describe, expect, test } from "bun:test"
import { readRosterFile } from "../../../lib/decisions/roster/roster_file.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const read = (
  text: string | Uint8Array,
  options: { loginColumn?: string; section?: string; accounts?: string[] } = {},
) =>
  readRosterFile(typeof text === "string" ? utf8(text) : text, {
    loginColumn: options.loginColumn ?? null,
    section: options.section ?? null,
    accounts: options.accounts ?? ["cs61c-??"],
  })
const people = (text: string | Uint8Array, options = {}) => {
  const file = read(text, options)
  return "people" in file ? file.people : file
}
const refusal = (text: string | Uint8Array, options = {}) => {
  const file = read(text, options)
  return "refused" in file ? file.refused : "read"
}

const aa = { login: "cs61c-aa", person: "3031", sections: ["LAB 101"], email: "", fullName: "Lovelace, Ada" }

describe("a roster's file", () => {
  test("of Canvas's gradebook has people, a row of points, and a test student", () => {
    const canvas = `\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Homework 1 (123)
    Points Possible,,,,,10
"Lovelace, Ada",77,3031,cs61c-aa,LAB 101,9
"Noether, Emmy",78,3032,cs61c-ab,LAB 102 and LEC 001,10
"Student, Test",79,,9f0c2a,LAB 101,
`
    expect(people(canvas)).toEqual([
      aa,
      {
        ...aa,
        login: "cs61c-ab",
        person: "3032",
        sections: ["LAB 102", "LEC 001"],
        fullName: "Noether, Emmy",
      },
    ])
  })

  test("of Gradescope names students by e-mail address, and staff", () => {
    const gradescope = `First Name,Last Name,SID,Email,Role,Sections
Ada,Lovelace,3031,cs61c-aa@example.edu,Student,"101, 201"
Terry,Assistant,9,ta@example.edu,TA,
`
    expect(refusal(gradescope)).toContain("has no column that may hold the login")
    expect(people(gradescope, { loginColumn: "Email" })).toEqual([
      {
        ...{ login: "cs61c-aa", person: "3031", sections: ["101", "201"] },
        ...{ email: "cs61c-aa@example.edu", fullName: "Ada Lovelace" },
      },
    ])
  })

  test("of Moodle has user names, ID numbers and groups, also between semicolons", () => {
    const moodle =
      "Username;First name;Last name;ID number;Email address;Groups\ncs61c-aa;Ada;Lovelace;3031;a@x;Lab 1\n"
    expect(people(moodle)).toEqual([
      { login: "cs61c-aa", person: "3031", sections: ["Lab 1"], email: "a@x", fullName: "Ada Lovelace" },
    ])
  })

  test("may be a plain list of logins, or one of a single section", () => {
    expect(people("login\ncs61c-ab\ncs61c-aa\n")).toMatchObject([
      { login: "cs61c-aa" },
      { login: "cs61c-ab" },
    ])
    expect(people("login\ncs61c-aa\n", { section: "101" })).toMatchObject([{ sections: ["101"] }])
    expect(refusal("login,section\ncs61c-aa,1\n", { section: "101" })).toContain("leave --section out")
  })

  test("has logins with an @ where the config's accounts say so", () => {
    const text = "username\nada@example.edu\n"
    expect(people(text)).toMatchObject([{ login: "ada" }])
    expect(people(text, { accounts: ["*@example.edu"] })).toMatchObject([{ login: "ada@example.edu" }])
  })

  test("is read in UTF-16 with its mark, and refused in what cannot be told apart", () => {
    const text = "login,name\ncs61c-aa,Zoë\n"
    const utf16 = new Uint8Array([
      0xff,
      0xfe,
      ...new Uint8Array(new Uint16Array([...text].map((c) => c.charCodeAt(0))).buffer),
    ])
    expect(people(utf16)).toMatchObject([{ fullName: "Zoë" }])
    expect(refusal(Uint8Array.from(Buffer.from(text, "latin1")))).toContain("is not text in UTF-8")
    expect(refusal(utf16.slice(2))).toContain("is not text in UTF-8")
    expect(refusal("login\0\n")).toContain("zero bytes")
  })

  test.each([
    ["", "is empty"],
    ["name,section\nAda,101\n", "has no column that may hold the login"],
    ["login,username\na,b\n", "has 2 columns that may hold the login"],
    ["login,login\na,b\n", 'has two columns named "login"'],
    ["login,sid\ncs61c-aa,1\ncs61c-ab,2\ncs61c-aa,3\n", "rows 2 and 4 both have the login cs61c-aa"],
    ["login\ncs61c-aa\ncs61c-AA\n", "differ in case only"],
    ["login,sid\ncs61c-aa,1\ncs61c-a", "has more or fewer cells than the header"],
    ['login,name\ncs61c-aa,"Ada\n', "quotation mark"],
    ["login,sid\n,1\n", 'row 2: "" is not a login'],
    ["login\nCS61C AA\n", 'row 2: "CS61C AA" is not a login'],
    ["login\n=cmd()\n", "is not a login"],
  ])("%j is refused", (text, why) => expect(refusal(text)).toContain(why))

  test("that breaks off at the end of a row says so", () => {
    expect(read("login,sid\ncs61c-aa,1\ncs61c-ab,2")).toMatchObject({ isCutOff: true })
    expect(read("login,sid\r\ncs61c-aa,1\r\n")).toMatchObject({ isCutOff: false })
  })
})
