import { expect, test } from "bun:test"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { notifier } from "../../../lib/host/people/notifier.ts"
import { scratchDirectory } from "../../support/scratch.ts"

/** `write` that hangs for these logins, and notes the others. */
function writeHangingFor(pattern: string) {
  const directory = scratchDirectory("write")
  const path = join(directory, "write")
  const told = join(directory, "told")
  writeFileSync(told, "")
  writeFileSync(path, `#!/bin/sh\ncase $1 in ${pattern}) exec sleep 60 ;; esac\necho "$1" >>${told}\n`)
  chmodSync(path, 0o755)
  const notify = notifier({ sendmail: [], write: [path], patienceMs: 500 })
  return {
    tell: (login: string) => notify.tell(login, "subject", "text"),
    told: () => readFileSync(told, "utf8"),
  }
}

test("a recipient whose terminal hangs silences nobody else", async () => {
  const { tell, told } = writeHangingFor("cs61c-aa")
  expect(await tell("cs61c-aa")).toEqual([])
  expect(await tell("cs61c-bb")).toEqual(["write"])
  expect(await tell("cs61c-aa")).toEqual([])
  expect(await tell("cs61c-cc")).toEqual(["write"])
  expect(told()).toBe("cs61c-bb\ncs61c-cc\n")
})

test("a way that hangs for everybody is given up after three", async () => {
  const { tell } = writeHangingFor("*")
  const begun = performance.now()
  for (let i = 0; i < 40; i++) expect(await tell(`cs61c-a${i}`)).toEqual([])
  expect(performance.now() - begun).toBeLessThan(15_000)
})
