/** Which bodies are read for links: those that browsers show as pages, whatever their backend calls them. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { documentKind } from "../../lib/decisions/proxy/content_type.ts"
import { rewriter } from "../decisions/proxy/oracle.ts"
import { rawBackend, type TestProxy, testProxy } from "./client.ts"

let backend: Awaited<ReturnType<typeof rawBackend>>
let proxy: TestProxy
let reply: string

beforeAll(async () => {
  backend = await rawBackend((_request, socket) => {
    socket.end(Buffer.from(`HTTP/1.1 200 OK\r\nETag: "v"\r\n${reply}`, "latin1"))
    return null
  })
  proxy = await testProxy({ allow: [`127.0.0.1:${backend.port}`] })
})
afterAll(async () => {
  await proxy.close()
  backend.close()
})

const page = "\r\n <!DOCTYPE html><a href=/x>"

test("a page without a type is rewritten, since browsers show it as one", async () => {
  for (const type of ["", "Content-Type: */*\r\n", "Content-Type: \r\n"]) {
    reply = `${type}\r\n${page}`
    const answer = await proxy.get(`${backend.prefix}/`)
    expect(answer.text).toBe(page.replace("/x", `${backend.prefix}/x`))
    expect(answer.headers.etag).toEqual(['W/"v"'])
  }
})

test("anything else without a type keeps its bytes", async () => {
  for (const body of [
    "",
    " ",
    "<",
    "<!DOC",
    "x<a href=/x>",
    "<?xml?><a href='/x'/>",
    " ".repeat(600) + page,
  ]) {
    reply = `\r\n${body}`
    expect((await proxy.get(`${backend.prefix}/`)).text).toBe(body)
  }
})

test("what browsers are told not to guess is not guessed", async () => {
  reply = `X-Content-Type-Options: nosniff\r\n\r\n${page}`
  expect((await proxy.get(`${backend.prefix}/`)).text).toBe(page)
})

test("a page without a type is one in however many pieces it comes", () => {
  const stream = rewriter("unknown")
  const bytes = Buffer.from(page)
  const out = Array.from(bytes, (_, at) => stream.write(bytes.subarray(at, at + 1)))
  expect(Buffer.concat([...out, stream.end()]).toString()).toBe(page.replace("/x", "/10.0.0.1/8088/x"))
})

test.each([
  ["the last of several headers", ["text/plain", "text/html; charset=utf-8"], "html"],
  ["the last of a list", ["text/plain, text/html"], "html"],
  ["the last that is one", ["text/html", "*/*", "nonsense"], "html"],
  ["a later one that is no page", ["text/html", "text/plain"], null],
  ["one in a coding that browsers do not show", ["text/html; charset=UTF-32"], null],
])("%s counts", (_what, types, kind) => {
  expect(documentKind(types.flatMap((type) => ["Content-Type", type]))).toBe(kind as never)
})
