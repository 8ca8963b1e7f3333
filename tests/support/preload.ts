/** Before every test file. Whoever runs `bun test FILE` by hand gets the time limit and the scratch directory of tests/run. */
import { afterAll, setDefaultTimeout } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

// Bun applies this to the first file only; tests/run passes --timeout.
setDefaultTimeout(240_000)

// tests/run makes one for a whole run, and removes it.
if (process.env.TEST_SCRATCH === undefined) {
  const scratch = mkdtempSync(join(tmpdir(), "ec2-wrappers-tests-"))
  process.env.TEST_SCRATCH = scratch
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))
}
