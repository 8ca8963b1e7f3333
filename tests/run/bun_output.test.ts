import { describe, expect, test } from "bun:test"
import { readTestOutput } from "./bun_output.ts"

const output = `bun test v1.4.5 (a7733435c)

tests/base/money.test.ts:
(pass) micro-dollars > 0 reads $0.00 [0.13ms]
12 | expect(1).toBe(2)
\u001b[31merror\u001b[0m: expect(received).toBe(expected)
\u0007(fail) micro-dollars > adds [2.01ms]
(skip) micro-dollars > on a host that is not here

tests/base/time.test.ts:
a line of the tool's
(fail) time > passes [1.00ms]

2 tests failed:
(fail) micro-dollars > adds [2.01ms]
(fail) time > passes [1.00ms]

 1 pass
 1 skip
 2 fail
 9 expect() calls
Ran 4 tests across 2 files. [9.00ms]
`

describe("bun's output", () => {
  test("is read as counts and failures with what each printed", () => {
    expect(readTestOutput(output)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 1,
      ended: true,
      failures: [
        {
          file: "tests/base/money.test.ts",
          name: "micro-dollars > adds [2.01ms]",
          said: "12 | expect(1).toBe(2)\nerror: expect(received).toBe(expected)\n",
        },
        { file: "tests/base/time.test.ts", name: "time > passes [1.00ms]", said: "a line of the tool's\n" },
      ],
    })
  })

  test.each([
    ["a run that was killed has not ended", "tests/a.test.ts:\n(pass) one\n", { passed: 0, ended: false }],
    ["errors between tests are failures", " 3 pass\n 1 fail\n 2 errors\n", { passed: 3, failed: 3 }],
    ["what is left to do was skipped", " 3 pass\n 1 skip\n 2 todo\n 0 fail\n", { skipped: 3, failed: 0 }],
    ["only the last sums count", " 9 pass\n 9 fail\n 1 pass\n 0 fail\n", { passed: 1, failed: 0 }],
    ["a line that looks like a sum is none", "1 pass\n 2 passed\n", { passed: 0, ended: false }],
  ])("%s", (_, text, wanted) => {
    expect(readTestOutput(text)).toMatchObject(wanted)
  })
})
