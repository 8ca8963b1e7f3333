/** Runs commands for an audience: each is printed as a person would type it, then its real output, and held against what should come. */
import type { Finished, RunOptions, Workspace } from "../support/tools.ts"

export interface Expected {
  /** The exit code; 0 where nothing else is said. */
  code?: number
  /** What the output has to show. */
  shows?: RegExp[]
}

export class Stage {
  constructor(readonly course: Workspace) {}

  chapter(text: string): void {
    console.log(`\n── ${text}\n`)
  }

  tell(text: string): void {
    console.log(`   ${text}`)
  }

  /** Runs a compiled tool as a login; throws at any surprise. */
  async run(
    login: string,
    tool: string,
    args: string[],
    expected: Expected = {},
    options: RunOptions = {},
  ): Promise<Finished> {
    const input = options.stdin === undefined ? "" : ` <<< '${options.stdin.trim()}'`
    console.log(`[${login}]$ ${[tool, ...args].map(shown).join(" ")}${input}`)
    const finished = await this.course.run(tool, args, {
      ...options,
      as: login,
      compiled: true,
      merged: true,
    })
    const output = finished.stdout
    for (const line of abridged(output.trimEnd().split("\n")))
      if (output.trim() !== "") console.log(`    ${line}`)
    const code = expected.code ?? 0
    if (finished.code !== code) throw new Surprise(`${tool} ended with ${finished.code}, expected ${code}`)
    for (const pattern of expected.shows ?? []) {
      if (!pattern.test(output)) throw new Surprise(`${tool} does not show ${pattern}`)
    }
    if (code !== 0) this.tell(`(exit code ${code})`)
    console.log()
    return finished
  }

  /** Compares something that is looked up on the other side. */
  check(what: string, actual: unknown, expected: unknown): void {
    if (!Bun.deepEquals(actual, expected)) {
      throw new Surprise(`${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
    }
    this.tell(`✓ ${what}`)
  }
}

export class Surprise extends Error {}

function shown(argument: string): string {
  return /^[\w./:=,@-]+$/.test(argument) ? argument : `'${argument}'`
}

/** A long policy says enough with its beginning and end. */
function abridged(lines: string[]): string[] {
  if (lines.length <= 30) return lines
  return [...lines.slice(0, 12), `… ${lines.length - 16} more lines …`, ...lines.slice(-4)]
}
