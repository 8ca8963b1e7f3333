/** Attribute values with several URLs, or a URL among other things: which parts of them are edited. */
import { describe, expect, test } from "bun:test"
import type { Edit } from "../../../lib/decisions/proxy/edit.ts"
import { applyEdits } from "../../../lib/decisions/proxy/edits.ts"
import { editsInReferrerPolicy, editsInRel } from "../../../lib/decisions/proxy/referrer.ts"
import {
  editsInImportMap,
  editsInList,
  editsInRefresh,
  editsInSrcset,
} from "../../../lib/decisions/proxy/values.ts"

/** Puts each URL into brackets. */
const mark = (url: string): Edit => ({ from: 0, to: url.length, text: `[${url}]` })
const marked = (text: string, find: (edits: Edit[]) => void) => {
  const edits: Edit[] = []
  find(edits)
  return applyEdits(text, edits, 0, text.length)
}

test.each([
  ["a.png", "[a.png]"],
  ["a.png 1x, b.png 2x", "[a.png] 1x, [b.png] 2x"],
  ["a.png, b.png", "[a.png], [b.png]"],
  // A comma inside of a URL belongs to it, at its end it does not.
  ["a,b.png 1x,c.png", "[a,b.png] 1x,[c.png]"],
  ["data:x,y 1x", "[data:x,y] 1x"],
  [" , a.png 100w ,\n b.png", " , [a.png] 100w ,\n [b.png]"],
  ["a.png calc(1x, 2x), b.png", "[a.png] calc(1x, 2x), [b.png]"],
  ["", ""],
])("srcset %p", (text, wanted) => {
  expect(marked(text, (edits) => editsInSrcset(text, mark, edits))).toBe(wanted)
})

test.each([
  ["a b\n c ", "[a] [b]\n [c] "],
  ["", ""],
])("a list %p", (text, wanted) => {
  expect(marked(text, (edits) => editsInList(text, mark, edits))).toBe(wanted)
})

test.each([
  ["5; url=/a", "5; url=[/a]"],
  ["5;URL = '/a' b", "5;URL = '[/a]' b"],
  ['0,url="/a', '0,url="[/a]'],
  ["5 /a", "5 [/a]"],
  ["1.5; /a", "1.5; [/a]"],
  ["5", "5"],
  ["url=/a", "url=/a"],
  ["5; url=", "5; url="],
])("refresh %p", (text, wanted) => {
  expect(marked(text, (edits) => editsInRefresh(text, mark, edits))).toBe(wanted)
})

test.each([
  [`{"imports": {"lib": "/a.js"}}`, `{"imports": {"lib": "[/a.js]"}}`],
  [`{"scopes": {"/b/": {"lib": "/c.js"}}}`, `{"scopes": {"[/b/]": {"lib": "[/c.js]"}}}`],
  [`{"imports": {"a": "x\\"y"}}`, `{"imports": {"a": "x\\"y"}}`],
  [`{"imports": {"a": "/b`, `{"imports": {"a": "/b`],
])("import map %s", (text, wanted) => {
  expect(marked(text, (edits) => editsInImportMap(text, 0, text.length, mark, edits))).toContain(
    wanted.slice(-12),
  )
})

describe("the Referer stays what paths without a backend need", () => {
  test.each([
    ["noreferrer", "noopener"],
    ["next NoReferrer\tauthor", "next noopener\tauthor"],
    ["noreferrers", "noreferrers"],
    ["", ""],
  ])("rel %p becomes %p", (text, wanted) => {
    expect(marked(text, (edits) => editsInRel(text, 0, text.length, edits))).toBe(wanted)
  })

  test.each([
    ["unsafe-url", "same-origin"],
    ["no-referrer", "same-origin"],
    [" ", " "],
  ])("referrerpolicy %p becomes %p", (text, wanted) => {
    expect(marked(text, (edits) => editsInReferrerPolicy(text, 0, text.length, edits))).toBe(wanted)
  })
})
