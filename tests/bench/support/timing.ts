/** Times whole processes from start to exit, as hyperfine does, the candidates by turns, so that a busy machine hurts all alike. */

export interface Command {
  command: string[]
  env?: Record<string, string>
  cwd?: string
  stdin?: string
  /** Run before each round, not timed. */
  prepare?: () => void | Promise<void>
}

/** Median wall-clock milliseconds of each command; throws where one fails. */
export async function medians<Name extends string>(
  commands: Record<Name, Command>,
  { rounds = 15, warmups = 2 }: { rounds?: number; warmups?: number } = {},
): Promise<Record<Name, number>> {
  const names = Object.keys(commands) as Name[]
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = -warmups; round < rounds; round += 1) {
    for (const name of names) {
      await commands[name].prepare?.()
      const { ms } = run(name, commands[name])
      if (round >= 0) times.get(name)?.push(ms)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<
    Name,
    number
  >
}

/** One run: its time, and the most memory that it had resident. */
export function run(
  name: string,
  { command, env = {}, cwd = "/", stdin }: Command,
): { ms: number; peakMiB: number } {
  const started = performance.now()
  const child = Bun.spawnSync(command, {
    cwd,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  })
  const ms = performance.now() - started
  if (!child.success) throw new Error(`${name} fails (${child.exitCode}): ${child.stdout}${child.stderr}`)
  return { ms, peakMiB: child.resourceUsage.maxRSS / 2 ** 20 }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
