import { describe, expect, test } from "bun:test"
import type { Base } from "../../../lib/decisions/proxy/base.ts"
import { backendCookies, browserCookie } from "../../../lib/decisions/proxy/cookies.ts"

const ours = ["microproxy"]
const byPath = { prefix: "/h/80" } as Base
const byName = { prefix: "" } as Base

describe("a Cookie header on its way to a backend", () => {
  test.each<[value: string, sent: string | null]>([
    ["a=1; b=2", "a=1; b=2"],
    ["a=1; microproxy=secret; b=2", "a=1; b=2"],
    ["microproxy=secret", null],
    [" microproxy =secret", null],
    ["microproxy", null],
    ["microproxy2=x", "microproxy2=x"],
    ["~Host-a=1; ~Secure-b=2; ~Http-c=3", "__Host-a=1; __Secure-b=2; __Http-c=3"],
    [";;", null],
  ])("%p is sent as %p", (value, sent) => {
    expect(backendCookies(value, ours, true)).toBe(sent)
  })

  test("keeps its names for a backend with a name of its own", () => {
    expect(backendCookies("~Host-a=1", ours, false)).toBe("~Host-a=1")
  })
})

describe("a backend's cookie, shown by path", () => {
  test.each<[value: string, set: string | null]>([
    ["a=1", "a=1"],
    ["a=1; Path=/app", "a=1; Path=/h/80/app"],
    ["a=1; path=/h/80/app", "a=1; Path=/h/80/app"],
    ["a=1; Path=app", "a=1"],
    ["a=1; Domain=.example; Secure; Partitioned; HttpOnly", "a=1; HttpOnly"],
    ["a=1; SameSite=None; Secure", "a=1; SameSite=Lax"],
    ["a=1; SameSite=Strict", "a=1; SameSite=Strict"],
    ["__Host-a=1; Path=/; Secure", "~Host-a=1; Path=/h/80/"],
    ["__HOST-a=1", "~Host-a=1"],
    // Ours is not set by others, not even by a nameless one.
    ["microproxy=x", null],
    [" microproxy =x; Path=/", null],
    ["=microproxy=x", null],
    ["=plain", "=plain"],
  ])("%p is set as %p", (value, set) => {
    expect(browserCookie(value, ours, byPath)).toBe(set)
  })
})

describe("a backend's cookie, under a name of its own", () => {
  test.each<[value: string, inFrame: boolean, set: string | null]>([
    ["a=1; Domain=.example; Secure; Path=/app", false, "a=1; Secure; Path=/app"],
    ["a=1; SameSite=Strict", true, "a=1; SameSite=None; Secure; Partitioned"],
    ["__Host-a=1; Path=/; Secure", false, "__Host-a=1; Path=/; Secure"],
    ["microproxy=x", false, null],
    ["microproxy=x", true, null],
  ])("%p, in a frame %p, is set as %p", (value, inFrame, set) => {
    expect(browserCookie(value, ours, byName, inFrame)).toBe(set)
  })
})
