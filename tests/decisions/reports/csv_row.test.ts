/** A spreadsheet takes names and reasons for text, never for formulas. */
import { expect, test } from "bun:test"
import { parse } from "csv-parse/sync"
import { csvRow } from "../../../lib/decisions/reports/csv_row.ts"

test.each([
  "=1+1",
  "+1",
  "-1",
  "@SUM(A1)",
  "\t=1",
  "\r=1",
  "\n=1",
  '=HYPERLINK("http://x","y")',
  "=cmd|'/c calc'!A1",
])("%j begins with a quotation mark, and is otherwise whole", (text) => {
  expect(parse(csvRow([text, "b"]))).toEqual([[`'${text}`, "b"]])
})

test("numbers stay numbers, also negative ones; other text stays as it is", () => {
  expect(csvRow([-1.5, 0, "cs61c-aa", "a=b", 'a "b", c', ""])).toBe('-1.5,0,cs61c-aa,a=b,"a ""b"", c",')
})
