import { describe, expect, test } from "bun:test"
import { decodeReferences, encodeForAttribute } from "../../../lib/decisions/proxy/character_references.ts"

describe("references in an attribute", () => {
  test.each([
    ["a&amp;b", "a&b"],
    ["a&ampb", "a&ampb"],
    ["a&amp=b", "a&amp=b"],
    ["a&amp", "a&"],
    ["a&amp-b", "a&-b"],
    ["http&colon;&sol;&sol;h", "http://h"],
    ["http&colon//h", "http&colon//h"],
    ["&#104;&#x74;&#X74;p", "http"],
    ["&#104ttp", "http"],
    ["&#x3a", ":"],
    ["&Tab;&NewLine;", "\t\n"],
    ["&nosuch;&", "&nosuch;&"],
    ["&#;&#x;", "&#;&#x;"],
  ])("%p reads %p", (source, text) => {
    expect(decodeReferences(source)?.text).toBe(text)
  })

  test("know where each character came from", () => {
    expect(decodeReferences("a&amp;b&#99;")).toEqual({ text: "a&bc", positions: [0, 1, 6, 7, 12] })
  })

  test("are looked for only where there may be one", () => {
    expect(decodeReferences("http://h/a?b=c#d")).toBeNull()
  })

  test("keep their place where what they stand for is no byte", () => {
    const decoded = decodeReferences("a&#x263a;b")
    expect(decoded?.text).toHaveLength(3)
    expect(decoded?.positions).toEqual([0, 1, 9, 10])
  })
})

test("a replacement neither ends the attribute nor begins a reference", () => {
  for (const text of [`/a?b="'<>&amp;`, "/plain/path?q=1", ""]) {
    const encoded = encodeForAttribute(text)
    expect(encoded).not.toMatch(/["'<>]/)
    expect(decodeReferences(encoded)?.text ?? encoded).toBe(text)
  }
})
