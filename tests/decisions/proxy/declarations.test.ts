import { expect, test } from "bun:test"
import { type DeclarationFacts, declarationAt } from "../../../lib/decisions/proxy/declarations.ts"

const html: DeclarationFacts = { xml: false, cdata: false, heldAtMost: 100, last: true }
const xml: DeclarationFacts = { ...html, xml: true, cdata: true }
const until = (end: string) => ({ kind: "until", end })

test.each<[text: string, facts: DeclarationFacts, at: number, mode: unknown]>([
  ["<!-- a -->", html, 4, { kind: "comment" }],
  ["<!-->", html, 5, { kind: "data" }],
  ["<!--->", html, 6, { kind: "data" }],
  ["<!doctype html>", html, 2, until(">")],
  ["<![CDATA[a]]>", xml, 9, until("]]>")],
  // In HTML there is no CDATA, and no instruction: both end at the next bracket.
  ["<![CDATA[a]]>", html, 2, until(">")],
  ["<?php a ?>", html, 2, until(">")],
  ["<?php a ?>", xml, 2, until("?>")],
])("%p", (text, facts, at, mode) => {
  expect(declarationAt(text, 0, facts)).toEqual({ at, mode } as never)
})

test.each<[text: string, facts: DeclarationFacts]>([
  ["<!", html],
  ["<!-", html],
  ["<!--", html],
  ["<!--", xml],
  ["<![CDA", xml],
  ["<?xml-stylesheet href='a", xml],
])("%p may go on, and is waited for", (text, facts) => {
  expect(declarationAt(text, 0, { ...facts, last: false })).toBeNull()
  expect(declarationAt(text, 0, { ...facts, last: true })).not.toBeNull()
})

test("an instruction that is too long is not waited for", () => {
  const text = `<?xml-stylesheet ${"x".repeat(200)}`
  expect(declarationAt(text, 0, { ...xml, last: false })).not.toBeNull()
})

test.each([
  [`<?xml-stylesheet type="text/css" href="/a.css"?>`, "/a.css"],
  ["<?xml-stylesheet href='/a.css'?>", "/a.css"],
  ["<?xml-stylesheet href=/a.css?>", null],
  ["<?xml href='/a.css'?>", null],
  [`<?xml-stylesheet href="/a.css ?>"`, null],
])("the style sheet of %p is %p", (text, url) => {
  const sheet = declarationAt(text, 0, xml)?.sheet
  expect(sheet ? text.slice(sheet.from, sheet.to) : null).toBe(url)
})
