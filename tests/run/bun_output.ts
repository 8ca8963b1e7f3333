/** What `bun test` printed, read: how many tests passed, and what each failed one said. */

export interface FailedTest {
  /** As bun prints it: relative to the repository. */
  file: string
  /** The test's names and its time. */
  name: string
  /** What was printed since the test before it. */
  said: string
}

export interface TestCounts {
  passed: number
  /** Tests and whatever else failed, such as errors between tests. */
  failed: number
  skipped: number
}

export interface TestOutput extends TestCounts {
  failures: FailedTest[]
  /** Bun printed its sums: the part has run to its end. */
  ended: boolean
}

export function readTestOutput(output: string): TestOutput {
  const read: TestOutput = { passed: 0, failed: 0, skipped: 0, failures: [], ended: false }
  let file: string | null = null
  let said = ""
  for (const line of plain(output).split("\n")) {
    const sum = /^ +(\d+) (pass|skip|todo|fail|errors?)$/.exec(line)
    if (sum) addSum(read, sum[2] ?? "", Number(sum[1]))
    else if (/^tests\/.*\.test\.ts:$/.test(line)) [file, said] = [line.slice(0, -1), ""]
    // Bun lists failures again at its end.
    else if (/^bun test |^\d+ tests? (failed|skipped):$/.test(line)) [file, said] = [null, ""]
    else if (/^\((pass|skip|todo)\) /.test(line)) said = ""
    else if (line.startsWith("(fail) ")) {
      if (file !== null) read.failures.push({ file, name: line.slice("(fail) ".length), said })
      said = ""
    } else said += `${line}\n`
  }
  return read
}

/** The last sums count: a test may have printed some of its own, of which `pass` is the first line. */
function addSum(read: TestOutput, what: string, count: number): void {
  if (what === "pass") Object.assign(read, { passed: count, failed: 0, skipped: 0, ended: true })
  else if (what === "skip" || what === "todo") read.skipped += count
  else read.failed += count
}

/** Without colours and without bytes that are no text. */
function plain(text: string): string {
  return Bun.stripANSI(text).replace(/[^\t\n -~]/g, "")
}
