/** The user's data with the switch, read by cloud-init itself: besides our hook it finds what it finds in the user's data alone. */

import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { utcMsOf } from "../../../lib/base/time.ts"
import { mostUserDataBytes } from "../../../lib/decisions/launches/launch_order.ts"
import { shutdownHook, withShutdownTimer } from "../../../lib/decisions/launches/user_data.ts"
import { scratchDirectory } from "../../support/scratch.ts"
import { noteSkipped } from "../../support/skips.ts"

/** Debian's package goes with Debian's Python, which need not be the one on PATH. */
const python = ["/usr/bin/python3", "python3"].find(
  (each) => Bun.which(each) && Bun.spawnSync([each, "-c", "import cloudinit.user_data"]).exitCode === 0,
)
if (!python)
  noteSkipped("user data read by cloud-init: no cloud-init for Python (Debian: apt install cloud-init)")

const time = { leaseEndsAtUtcMs: utcMsOf(Date.UTC(2026, 10, 22, 21)), graceMs: 0 }
const bytes = (text: string) => new TextEncoder().encode(text)
type Part = [type: string, text: string]

function readByCloudInit(data: readonly Uint8Array[]): Part[][] {
  const program = join(import.meta.dir, "../../support/cloud_init.py")
  const stdin = bytes(JSON.stringify(data.map((each) => Buffer.from(each).toString("base64"))))
  const { stdout, stderr, exitCode } = Bun.spawnSync([python ?? "", program], { stdin })
  if (exitCode !== 0) throw new Error(stderr.toString())
  const read = JSON.parse(stdout.toString()) as Part[][]
  return read.map((parts) => parts.map(([type, text]) => [type, Buffer.from(text, "base64").toString()]))
}

const script = "#!/bin/bash\necho 'grüße' > /root/hello\n"
const included = join(scratchDirectory("include"), "part")
writeFileSync(included, "#!/bin/sh\necho included\n")
const archive = (head: string) =>
  `${head}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/x-shellscript; charset="utf-8"\n\n${script}--b\nContent-Type: text/cloud-config\nContent-Disposition: attachment; filename="c.yml"\n\n#cloud-config\npackages: [nginx]\n--b--\n`

const forms: [name: string, data: Uint8Array][] = [
  ["a script", bytes(script)],
  ["a script after an empty line", bytes(`\n${script}`)],
  ["a script with carriage returns", bytes(script.replaceAll("\n", "\r\n"))],
  ["a Python script", bytes("#!/usr/bin/env python3\nprint(1)\n")],
  ["#cloud-config", bytes("#cloud-config\nruncmd: [[touch, /x]]\n")],
  ["#Cloud-Config in capitals", bytes("#CLOUD-CONFIG\nruncmd: []\n")],
  [
    "#cloud-config-archive",
    bytes(`#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n    echo hi\n`),
  ],
  ["#cloud-boothook", bytes("#cloud-boothook\n#!/bin/sh\necho early\n")],
  ["#include", bytes(`#include\nfile://${included}\n`)],
  ["#include on one line", bytes(`#include file://${included}\n`)],
  ["#part-handler", bytes("#part-handler\ndef list_types(): return ['text/x']\ndef handle_part(*a): pass\n")],
  ["a jinja template", bytes("## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n")],
  ["a jinja script", bytes("## template: jinja\n#!/bin/sh\necho {{ v1.region }}\n")],
  ["a multi-part archive", bytes(archive(""))],
  ["an archive of a mail program", bytes(archive("From nobody Sun Nov 22 21:00:00 2026\n"))],
  ["an archive with other headers first", bytes(archive("Subject: my cluster\nX-Made-By: hand\n"))],
  ["a message of one part", bytes(`MIME-Version: 1.0\nContent-Type: text/x-shellscript\n\n${script}`)],
  [
    "a packed part in an archive",
    bytes(
      `Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n${Buffer.from(Bun.gzipSync(bytes(script))).toString("base64")}\n--b--\n`,
    ),
  ],
]

describe.skipIf(!python)("cloud-init reads", () => {
  const given = [
    ...forms,
    ...forms.map(
      ([name, data]) => [`${name}, gzipped`, Bun.gzipSync(data as Uint8Array<ArrayBuffer>)] as const,
    ),
  ]
  const merged = given.map(([, data]) => withShutdownTimer(data, time))
  const read = python
    ? readByCloudInit([...given.map(([, data]) => data), ...merged.map(({ bytes }) => bytes)])
    : []

  for (const [index, [name]] of given.entries()) {
    test(`${name} as it would alone, and our hook before it`, () => {
      const alone = read[index] ?? []
      const [hook, ...rest] = read[given.length + index] ?? []
      expect(alone.length).toBeGreaterThan(0)
      expect(alone.map(([type]) => type)).not.toContain("text/x-not-multipart")
      expect(hook).toEqual(["text/cloud-boothook", shutdownHook(time)])
      expect(rest).toEqual(alone)
      expect(merged[index]?.because).toBeNull()
    })
  }

  test("what was encoded once more as the newest cloud-inits do: decoded", () => {
    for (const data of [bytes(script), Bun.gzipSync(bytes(script) as Uint8Array<ArrayBuffer>)]) {
      const encoded = bytes(Buffer.from(data).toString("base64"))
      const [parts] = readByCloudInit([withShutdownTimer(encoded, time).bytes])
      expect(parts?.[1]).toEqual(["text/x-shellscript", script])
    }
  })

  test("scripts of any content and nearly any size with the hook, and only what does not pack without", () => {
    const sizes = fc.integer({ min: 0, max: mostUserDataBytes - 12 })
    const cases = fc.sample(fc.tuple(sizes, fc.constantFrom("words", "noise"), fc.nat()), {
      numRuns: 40,
      seed: 4,
    })
    const scripts = cases.map(([size, kind, seed]) =>
      `#!/bin/sh\n${kind === "words" ? `echo line ${seed}\n`.repeat(size) : noise(size, seed)}`.slice(
        0,
        mostUserDataBytes,
      ),
    )
    const all = scripts.map((text) => withShutdownTimer(bytes(text), time))
    const parts = readByCloudInit(all.map((each) => each.bytes))
    for (const [index, { bytes: sent, hasTimer, because }] of all.entries()) {
      const text = scripts[index] ?? ""
      expect(sent.length).toBeLessThanOrEqual(mostUserDataBytes)
      expect(parts[index]?.at(-1)).toEqual(["text/x-shellscript", text])
      expect(parts[index]?.length).toBe(hasTimer ? 2 : 1)
      // it takes noise of nearly all of the room
      if (!hasTimer) expect(text.length).toBeGreaterThan(mostUserDataBytes - 2000)
      expect(because === null).toBe(hasTimer)
    }
  })
})

/** Printable, and nothing that gzip makes much smaller. */
function noise(size: number, seed: number): string {
  let state = seed + 1
  let text = ""
  while (text.length < size) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    text += String.fromCharCode(33 + ((state >>> 16) % 94))
  }
  return text
}
