/** `npm test`: checks, all tests in parts side by side, a second try for what was unsteady, and the sums on the last line. */
import { readFileSync } from "node:fs"
import type { FailedTest, TestCounts } from "./bun_output.ts"
import { endProcessesWith } from "./left_running.ts"
import { allParts, isMachineTest, type Part, runPart } from "./parts.ts"
import { type RunSettings, root, runMark, say } from "./settings.ts"

/** More failed files than these are no unsteadiness. */
const mostTriedAgain = 5

/** Returns the exit code. */
export async function testWholeSuite(settings: RunSettings): Promise<number> {
  const sums: TestCounts = { passed: 0, failed: 0, skipped: 0 }
  for (const [name, command] of Object.entries({
    "formatted and linted": ["node_modules/.bin/biome", "check", "."],
    types: ["node_modules/.bin/tsc", "-p", "."],
    builds: ["tests/support/build.ts"],
  })) {
    say(name)
    if ((await runBun(settings, command)) === 0) sums.passed += 1
    else sums.failed += 1
  }
  say("tests, in parts side by side; the output of the others comes after the first's")
  return runParts(settings, allParts(), sums, { retry: true })
}

/** `npm test -- FILE…`: these files and folders only. Words that start with - are bun's options. */
export function testFiles(settings: RunSettings, paths: string[]): Promise<number> {
  const part = { name: "files", paths, machines: paths.some(isMachineTest) }
  return runParts(settings, [part], { passed: 0, failed: 0, skipped: 0 }, { retry: false })
}

async function runParts(
  settings: RunSettings,
  parts: Part[],
  sums: TestCounts,
  { retry }: { retry: boolean },
): Promise<number> {
  const checksFailed = sums.failed
  const results = await Promise.all(parts.map((part, index) => runPart(part, settings, index === 0)))
  for (const { text } of results.slice(1)) process.stdout.write(text)
  for (const { passed, failed, skipped } of results) {
    sums.passed += passed
    sums.failed += failed
    sums.skipped += skipped
  }
  const failures = results.flatMap((result) => result.failures)
  // Alone, a test would run on SQLite.
  const repeatable = results.flatMap((result, index) => (parts[index]?.environment ? [] : result.failures))
  // Whoever reads a long output looks at its end first.
  sayFailures(failures)
  const skips = counted(readFileSync(settings.skips, "utf8"))
  if (retry && checksFailed === 0) await tryAgain(settings, repeatable, sums)
  for (const [line, count] of skips) console.log(`skipped, ${count}: ${line}`)
  for (const { command } of endProcessesWith(runMark)) say(`ending what was left running: ${command}`)
  console.log(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`)
  return sums.failed === 0 ? 0 : 1
}

/** What each failed test printed, then all their names. */
function sayFailures(failures: FailedTest[]): void {
  for (const { file, said, name } of failures) console.log(`${file}:\n${said}(fail) ${name}`)
  for (const { file, name } of failures) console.log(`failed: ${file}: ${name}`)
}

/**
 * A test that fails beside two busy neighbours may have failed because of them: its whole file runs once more, by itself. What
 * passes then was unsteady and is named; what fails again is wrong. A crash or a change that broke much is no unsteadiness.
 */
async function tryAgain(settings: RunSettings, failures: FailedTest[], sums: TestCounts): Promise<void> {
  const files = [...new Set(failures.map(({ file }) => file))].sort()
  if (files.length === 0 || files.length > mostTriedAgain || failures.length !== sums.failed) return
  say(`once more, alone: ${files.join(" ")}`)
  const paths = files.map((file) => `./${file}`)
  const again = await runPart({ name: "again", paths, machines: files.some(isMachineTest) }, settings, false)
  if (again.failed > 0) return sayFailures(again.failures)
  for (const { file, name } of failures) console.log(`unsteady, passed alone: ${file}: ${name}`)
  sums.passed += sums.failed
  sums.failed = 0
}

/** Each line once, with how often it is there, sorted. */
function counted(text: string): [line: string, count: number][] {
  const counts = new Map<string, number>()
  for (const line of text.split("\n").filter((one) => one !== ""))
    counts.set(line, (counts.get(line) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}

function runBun({ environment }: RunSettings, command: string[]): Promise<number> {
  return Bun.spawn([process.execPath, ...command], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "inherit", "inherit"],
  }).exited
}
