import { expect, test } from "bun:test"
import {
  connectionOptions,
  headerValue,
  headerValues,
  hopByHop,
} from "../../../lib/decisions/proxy/raw_headers.ts"

const headers = [
  "Host",
  "h",
  "Set-Cookie",
  "a=1",
  "CONNECTION",
  "close, X-Own",
  "set-cookie",
  "b=2",
  "Connection",
  "TE",
]

test.each([
  ["host", "h"],
  ["set-cookie", "a=1"],
  ["connection", "close, X-Own"],
  // A value that reads like a name is none.
  ["h", null],
  ["missing", null],
])("the first %s is %p", (name, value) => {
  expect(headerValue(headers, name)).toBe(value)
})

test("repeated headers are all there, in their order", () => {
  expect(headerValues(headers, "set-cookie")).toEqual(["a=1", "b=2"])
  expect(headerValues(headers, "missing")).toEqual([])
})

test("whatever a Connection header names is for the next hop", () => {
  expect([...connectionOptions(headers)]).toEqual(["close", "x-own", "te"])
  expect([...connectionOptions([])]).toEqual([])
})

test.each(["connection", "transfer-encoding", "upgrade", "te", "trailer", "proxy-authorization"])(
  "%s is for the next hop always",
  (name) => {
    expect(hopByHop.has(name)).toBe(true)
  },
)
