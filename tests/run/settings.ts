/** What all that `npm test` starts has in common: the repository, the time a test may take, the environment. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const root = join(import.meta.dir, "..", "..")
/** Logs of the last run, by part, and what takes long to fetch. */
export const cache = join(root, ".cache")

/**
 * Longer than any test takes on a busy machine. Bun's own 5 s are not enough, and a preload changes only the first file's limit,
 * so every `bun test` of this repository is started with this.
 */
export const bunTest = [process.execPath, "test", "--timeout", "240000"]

/** In the environment of every process of this run, so that what is left of it can be found. */
export const runMark = `ec2-wrappers-${process.pid}`

export interface RunSettings {
  /** Of every process that is started. */
  environment: Record<string, string>
  /** Where tests put their temporary directories; removed at the end. */
  scratch: string
  /** Where tests write a line for what they skip. */
  skips: string
}

/** Makes the run's own files. `compiled`: tests start the executables of `dist`, not the scripts. */
export function prepareRun({ compiled }: { compiled: boolean }): RunSettings {
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), "ec2-wrappers-run-"))
  const skips = join(scratch, "skips")
  writeFileSync(skips, "")
  const { TEST_TOOLS: _, ...inherited } = process.env as Record<string, string>
  return {
    scratch,
    skips,
    environment: {
      ...inherited,
      // mkfs and sshd are not on every user's PATH.
      PATH: [join(root, "node_modules/.bin"), process.env.PATH, "/usr/sbin", "/sbin"].join(":"),
      TEST_RUN_MARK: runMark,
      TEST_SKIPS: skips,
      TEST_SCRATCH: scratch,
      ...(compiled && { TEST_TOOLS: "compiled" }),
    },
  }
}

/** A heading on stderr. */
export function say(text: string): void {
  console.error(`== ${text}`)
}

/** What keeps the run from going on; main.ts prints it as one line. */
export class CannotRun extends Error {}
