import { afterEach, beforeEach, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readRootAccessKey } from "../../../lib/host/config/root_access_key.ts"

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "key-"))
  path = join(directory, "root-access-key")
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = (content: string) => writeFileSync(path, content, { mode: 0o600 })

test("the old tools' file is read, with whatever else it holds", () => {
  write('{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalr/x+y", "note": "2010"}')
  expect(readRootAccessKey(path)).toEqual({
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalr/x+y",
  })
})

test.each([
  "AKIAIOSFODNN7EXAMPLE:SECRETSECRET",
  '{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": SECRETSECRET}',
  '{"aws_access_key_id": "SECRETSECRET"}',
  '["SECRETSECRET"]',
  '{"aws_access_key_id": "AKIA\\nSECRETSECRET00000", "aws_secret_access_key": ["SECRETSECRET"]}',
  "",
])("a mistake in it is one line without the secret: %p", (content) => {
  write(content)
  expect(() => readRootAccessKey(path)).toThrow(/^root access key \S+: is not (?!.*SECRET)/)
})

test("a key that others may read is not used", () => {
  write("{}")
  chmodSync(path, 0o640)
  expect(() => readRootAccessKey(path)).toThrow("has mode 0640, wanted none for group and others")
})

test("a key that is not there is named in one plain sentence", () => {
  expect(() => readRootAccessKey("/nowhere/root-access-key")).toThrow(
    "root access key /nowhere/root-access-key: does not exist",
  )
})
