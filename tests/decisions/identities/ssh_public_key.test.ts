import { beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parsePublicKey } from "../../../lib/decisions/identities/ssh_public_key.ts"

const keys: Record<string, string> = {}
beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), "keys-"))
  for (const [name, type, bits] of [
    ["ed25519", "ed25519", "256"],
    ["rsa", "rsa", "2048"],
    ["weak", "rsa", "1024"],
    ["ecdsa", "ecdsa", "256"],
  ] as const) {
    const path = join(directory, name)
    const made = Bun.spawnSync([
      "ssh-keygen",
      "-q",
      "-t",
      type,
      "-b",
      bits,
      "-N",
      "",
      "-C",
      "me@laptop",
      "-f",
      path,
    ])
    if (!made.success) throw new Error(String(made.stderr))
    keys[name] = readFileSync(`${path}.pub`, "utf8")
    keys[`${name} private`] = readFileSync(path, "utf8")
  }
  rmSync(directory, { recursive: true })
})

describe("a public key on stdin", () => {
  test.each(["ed25519", "rsa"])("of type %s is taken, without its comment", (type) => {
    const [kind, encoded] = (keys[type] ?? "").split(" ")
    expect(parsePublicKey(keys[type] ?? "")).toBe(`${kind} ${encoded}`)
  })

  test("may have blank lines and comments around it, and nothing else", () => {
    const key = keys.ed25519 ?? ""
    expect(parsePublicKey(`\n# mine, of May\r\n\n  ${key}\n# end\n`)).toBe(parsePublicKey(key))
    expect(() => parsePublicKey(`${key}${keys.rsa}`)).toThrow("stdin has 2 keys, wanted one")
    expect(() => parsePublicKey("# nothing\n\n")).toThrow("wanted one line on stdin")
  })

  test("in the form of RFC 4716 is refused with the command that converts it", () => {
    const foreign = `---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\nAAAA\n---- END SSH2 PUBLIC KEY ----\n`
    expect(() => parsePublicKey(foreign)).toThrow("ssh-keygen -i -f FILE")
  })

  test.each([
    ["weak", "the RSA key has 1024 bits, wanted 2048"],
    ["ecdsa", 'the key\'s type is "ecdsa-sha2-nistp256", wanted ssh-ed25519 or ssh-rsa'],
    ["ed25519 private", "stdin has a private key, wanted the public one"],
    ["rsa private", "stdin has a private key, wanted the public one"],
  ])("that is %s is refused", (name, reason) => {
    expect(() => parsePublicKey(keys[name] ?? "")).toThrow(reason)
  })

  test.each([
    ["nothing", () => ""],
    ["two keys", () => `${keys.ed25519}${keys.rsa}`],
    ["half a key", () => (keys.rsa ?? "").slice(0, 200)],
    ["another type before it", () => (keys.rsa ?? "").replace("ssh-rsa", "ssh-ed25519")],
    ["no base64", () => "ssh-rsa not/base64!"],
    ["as long as no base64 is", () => "ssh-ed25519 AAAAA"],
    ["lengths that lie", () => `ssh-ed25519 ${new Uint8Array([255, 255, 255, 255, 1]).toBase64()}`],
    ["an authorized_keys option", () => `command="x" ${keys.rsa}`],
  ])("that is %s is refused", (_what, text) => {
    expect(() => parsePublicKey(text())).toThrow("import ssh key")
  })
})
