/** The shutdown timer in the user data: read by Python's MIME parser, as cloud-init does, and run by a real shell. */

import { describe, expect, test } from "bun:test"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { utcMsOf } from "../../../lib/base/time.ts"
import { mostUserDataBytes } from "../../../lib/decisions/launches/launch_order.ts"
import { shutdownHook, withShutdownTimer } from "../../../lib/decisions/launches/user_data.ts"
import { scratchDirectory } from "../../support/scratch.ts"

const time = { leaseEndsAtUtcMs: utcMsOf(Date.UTC(2026, 10, 22, 21)), graceMs: 0 }
const bytes = (text: string) => new TextEncoder().encode(text)

/** Type and content of each part, as `email.message_from_bytes` and cloud-init's decompression see them. */
function partsOf(userData: Uint8Array): [type: string, text: string][] {
  const program = `
import sys, email, gzip, json
data = sys.stdin.buffer.read()
if data[:2] == b"\\x1f\\x8b": data = gzip.decompress(data)
parts = [p for p in email.message_from_bytes(data).walk() if not p.is_multipart()]
print(json.dumps([[p.get_content_type(), p.get_payload(decode=True).decode()] for p in parts]))`
  const { stdout, stderr } = Bun.spawnSync(["python3", "-c", program], { stdin: userData })
  expect(stderr.toString()).toBe("")
  return JSON.parse(stdout.toString())
}

describe("user data with the switch", () => {
  test("is the boot hook alone where the user gives none", () => {
    const { bytes: merged, hasTimer } = withShutdownTimer(null, time)
    expect(new TextDecoder().decode(merged)).toBe(shutdownHook(time))
    expect(hasTimer).toBe(true)
  })

  const kinds: [beginning: string, type: string][] = [
    ["#!/bin/bash\n", "text/x-shellscript"],
    ["#cloud-config\n", "text/cloud-config"],
    ["#cloud-boothook\n", "text/cloud-boothook"],
    ["#include\n", "text/x-include-url"],
    ["## template: jinja\n", "text/jinja2"],
  ]
  for (const [beginning, type] of kinds) {
    test(`leaves a ${type} part byte for byte as it was`, () => {
      fc.assert(
        fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (rest) => {
          const text = `${beginning}${rest}`.toWellFormed()
          const merged = withShutdownTimer(bytes(text), time)
          const [hook, own] = partsOf(merged.bytes)
          expect(hook?.[0]).toBe("text/cloud-boothook")
          expect(own).toEqual([type, text])
        }),
        { numRuns: 3 },
      )
    })
  }

  test("keeps a user's own archive and its parts", () => {
    const own = `Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho hi\n--b--\n`
    const types = partsOf(withShutdownTimer(bytes(own), time).bytes).map(([type]) => type)
    expect(types).toEqual(["text/cloud-boothook", "text/x-shellscript"])
  })

  test("unpacks and packs what was gzipped", () => {
    const script = `#!/bin/bash\n${"echo something long\n".repeat(3000)}`
    const merged = withShutdownTimer(Bun.gzipSync(bytes(script)), time)
    expect(merged.bytes.length).toBeLessThanOrEqual(mostUserDataBytes)
    expect(partsOf(merged.bytes)[1]).toEqual(["text/x-shellscript", script])
  })

  test("goes without the switch where the user needs all 16 KiB, or the data is nothing that runs", () => {
    // printable text of which gzip saves little, packed to just below the limit by its owner
    const dense = crypto.getRandomValues(new Uint8Array(16_000)).toBase64()
    const packed = (length: number) =>
      Bun.gzipSync(bytes(`#!/bin/sh\n: ${dense.slice(0, length)}`), { level: 9 })
    let length = dense.length
    while (packed(length).length > mostUserDataBytes) length -= 50
    for (const data of [packed(length), bytes("just data"), new Uint8Array([0xff, 0xfe, 0])]) {
      const merged = withShutdownTimer(data, time)
      expect(Buffer.compare(merged.bytes, data)).toBe(0)
      expect(merged.hasTimer).toBe(false)
      expect(merged.because).not.toBeNull()
    }
  })
})

describe("the boot hook", () => {
  /** Runs the loop's script with a clock and metadata service of the test's; returns what it called. */
  function run(tag: string, hook: string): string {
    const directory = scratchDirectory("hook")
    const log = join(directory, "log")
    const program = (name: string, body: string) => {
      writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`)
      chmodSync(join(directory, name), 0o755)
    }
    program("curl", `case "$*" in *PUT*) echo token;; *) echo '${tag}';; esac`)
    program("shutdown", `echo shutdown "$@" >>${log}; kill $PPID`)
    program("sleep", `echo sleep "$@" >>${log}; kill $PPID`)
    program("wall", `echo wall >>${log}`)
    const script = hook.split("<<'END'\n")[1]?.split("\nEND\n")[0] ?? ""
    writeFileSync(join(directory, "lease"), script)
    Bun.spawnSync(["/bin/sh", join(directory, "lease")], { env: { PATH: `${directory}:/usr/bin:/bin` } })
    return readFileSync(log, "utf8")
  }
  const at = (ms: number) => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}Z`
  const hookUntil = (ms: number, graceMs = 0) =>
    shutdownHook({ leaseEndsAtUtcMs: utcMsOf(Date.now() + ms), graceMs })

  test("is a shell script without errors", () => {
    const { exitCode, stderr } = Bun.spawnSync(["/bin/sh", "-n"], { stdin: bytes(shutdownHook(time)) })
    expect([exitCode, stderr.toString()]).toEqual([0, ""])
  })

  test("shuts down at the end that was embedded when there is no tag to read", () => {
    expect(run("", hookUntil(-1000))).toContain("shutdown -h now\n")
  })

  test("follows the tag: an extension reaches it, and so does an earlier end", () => {
    expect(run(at(7_200_000), hookUntil(-1000))).toBe("sleep 60\n")
    expect(run(at(-1000), hookUntil(7_200_000))).toContain("shutdown -h now\n")
  })

  test("takes no answer of an error page for an end", () => {
    expect(run("<html>404</html>", hookUntil(7_200_000))).toBe("sleep 60\n")
  })

  test("warns in the last quarter of an hour, and waits for enforcement where it stops instances", () => {
    expect(run(at(300_000), hookUntil(300_000))).toStartWith("wall\n")
    expect(run(at(-60_000), hookUntil(-60_000, 600_000))).toBe("wall\nsleep 60\n")
  })
})
