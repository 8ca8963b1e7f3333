/** Before every test file: tests that start processes and an emulator need more than bun's five seconds, and all need a place of their own. */
import { afterAll, setDefaultTimeout } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

setDefaultTimeout(60_000)

// `npm test` has one for all of its parts, and removes it.
if (process.env.TEST_SCRATCH === undefined) {
  const scratch = mkdtempSync(join(tmpdir(), "ec2-wrappers-tests-"))
  process.env.TEST_SCRATCH = scratch
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))
}
