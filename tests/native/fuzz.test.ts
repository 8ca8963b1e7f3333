import { describe, expect, test } from "bun:test"
import { appendFileSync } from "node:fs"
import { fuzz, hasLibFuzzer, replay, targets } from "./fuzzing.ts"

const runs = 200_000
const canFuzz = hasLibFuzzer()
if (!canFuzz && process.env.TEST_SKIPS) {
  appendFileSync(process.env.TEST_SKIPS, "fuzzing the wrapper and the writer: no clang with libFuzzer\n")
}

for (const target of targets) {
  describe(`what the ${target} reads`, () => {
    test("is handled as it should be for each file of the corpus", () => {
      expect(replay(target)).toBeGreaterThan(10)
    })

    test.skipIf(!canFuzz)(
      `has no finding in ${runs.toLocaleString("en")} executions`,
      () => {
        expect(fuzz(target, runs)).toStartWith(`Done ${runs} runs`)
      },
      60_000,
    )
  })
}
