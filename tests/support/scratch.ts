/** Temporary directories that last as long as the run: `npm test` removes them all at its end, also after a test that failed. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A new private directory, `PREFIX-…`. */
export function scratchDirectory(prefix: string): string {
  return mkdtempSync(join(process.env.TEST_SCRATCH ?? tmpdir(), `${prefix}-`))
}
