import { expect, test } from "bun:test"
import {
  endOfBadUrl,
  endOfBareUrl,
  nameAt,
  nameStart,
  stringEnd,
  withoutEscapes,
} from "../../../lib/decisions/proxy/css_text.ts"

test.each([
  ["url(x", "url"],
  ["@import 'x'", "@import"],
  ["#a b", "#a"],
  ["u\\72 l(x", "u\\72 l"],
  ["-moz-x:", "-moz-x"],
  ["caf\xe9{", "caf\xe9"],
  ["(x", ""],
])("the name at the beginning of %p is %p", (text, name) => {
  expect(nameAt(text, 0)).toBe(name)
})

test.each([
  ["a #url", 2],
  ["a url", 2],
  ["a(url", 2],
  ["", 0],
])("the name that ends %p begins at %d", (text, start) => {
  expect(nameStart(text, 0, text.length)).toBe(start)
})

test.each([
  ["/a/b)", 4],
  ["/a b", 2],
  ["/a\\)b)", 5],
  ["/a(b", 2],
  [")", 0],
])("the bare URL of %p ends at %d", (text, end) => {
  expect(endOfBareUrl(text, 0)).toBe(end)
})

test.each([
  ["a b) c", 4],
  ["a \\) b) c", 7],
  ["a b", null],
])("the bad URL of %p ends at %p", (text, end) => {
  expect(endOfBadUrl(text, 0)).toBe(end)
})

test.each([
  [`a" b`, `"`, 1],
  [`a\\" b" c`, `"`, 5],
  ["a\nb'", "'", 1],
  ["a\\\nb'", "'", 4],
  ["a", "'", null],
])("the string %p with %p ends at %p", (text, quote, end) => {
  expect(stringEnd(text, 0, text.length, quote)).toBe(end)
})

test.each([
  ["h\\74 tp", "http", [0, 1, 5, 6, 7]],
  ["\\68\\74\\74p", "http", [0, 3, 6, 9, 10]],
  ["a\\\nb", "ab", [0, 3, 4]],
  ["a\\)b", "a)b", [0, 1, 3, 4]],
  // What is no ASCII cannot be part of what is edited, but keeps its place.
  ["\\263a x", "\u00ffx", [0, 6, 7]],
])("%p stands for %p", (source, url, positions) => {
  expect(withoutEscapes(source)).toEqual({ url, positions })
})
