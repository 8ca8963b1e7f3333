import { describe, expect, test } from "bun:test"
import type { Base } from "../../../lib/decisions/proxy/base.ts"
import { editOfRelative, editOfRooted } from "../../../lib/decisions/proxy/paths.ts"

const prefix = "/10.0.0.5/8088"

/** The text after the edit; the text itself where there is none. */
const after = (text: string, edit: ReturnType<typeof editOfRooted>) =>
  edit === null ? text : text.slice(0, edit.from) + edit.text + text.slice(edit.to)

describe("a path from the root", () => {
  test.each([
    ["/cluster", "/10.0.0.5/8088/cluster"],
    ["/", "/10.0.0.5/8088/"],
    ["/a?b=/c", "/10.0.0.5/8088/a?b=/c"],
    // Once is enough, and another backend's is none.
    ["/10.0.0.5/8088/cluster", "/10.0.0.5/8088/cluster"],
    ["/10.0.0.5/8088", "/10.0.0.5/8088"],
    ["/10.0.0.5/8088?x", "/10.0.0.5/8088?x"],
    ["/10.0.0.5/80881", "/10.0.0.5/8088/10.0.0.5/80881"],
    // Nothing climbs out of the prefix.
    ["/../../other", "/10.0.0.5/8088/other"],
    ["/a/../../other", "/10.0.0.5/8088/other"],
    ["/%2e%2E/%2e./other", "/10.0.0.5/8088/other"],
    ["/..\\other", "/10.0.0.5/8088/other"],
    ["/a/../b", "/10.0.0.5/8088/a/../b"],
    ["/a?../../..", "/10.0.0.5/8088/a?../../.."],
    ["/..", "/10.0.0.5/8088/"],
  ])("%p becomes %p", (url, wanted) => {
    expect(after(url, editOfRooted(url, 0, 0, url.length, prefix))).toBe(wanted)
  })
})

describe("a relative path on the page /a/b/c", () => {
  const base = { prefix, path: "/a/b/c" } as Base

  test.each([
    ["d", "d"],
    ["../d", "../d"],
    ["../../d", "../../d"],
    // There browsers stop on the backend's own root.
    ["../../../d", "/10.0.0.5/8088/d"],
    ["../../../../d?e=../..", "/10.0.0.5/8088/d?e=../.."],
    ["x/../../../../d", "/10.0.0.5/8088/d"],
    ["%2e%2e/..%2f", "%2e%2e/..%2f"],
    ["../../..", "/10.0.0.5/8088/"],
    ["?..", "?.."],
  ])("%p becomes %p", (url, wanted) => {
    expect(after(url, editOfRelative(url, 0, url.length, base))).toBe(wanted)
  })

  test("stays where the backend has a name of its own", () => {
    expect(editOfRelative("../../../../d", 0, 13, { ...base, prefix: "" })).toBeNull()
  })
})
