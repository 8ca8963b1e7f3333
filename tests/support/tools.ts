/** A course of its own for a test: data directory, config, key, homes; and its tools run as real processes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stringify, type TomlTable } from "smol-toml"
import type { PostgresSettings } from "../../lib/base/database.ts"
import { compiledTool, root } from "./build.ts"
import { databaseTable, forgetAgreedConfig, useDatabase } from "./databases.ts"
import { credentials } from "./emulator.ts"
import { runOnTerminal, type ToolOnTerminal } from "./terminal.ts"

export interface Workspace {
  directory: string
  dataDir: string
  configPath: string
  /** The home of a login, made at first use. */
  home(login: string): string
  /** Writes the config afresh: the defaults below with these tables merged in. */
  configure(changes: ConfigChanges): void
  run(tool: string, args?: string[], options?: RunOptions): Promise<Finished>
  /** The same, as a process that the test can signal and read from; `run` waits for it. */
  start(tool: string, args?: string[], options?: RunOptions): RunningTool
  /** The same, with a person at a real terminal. */
  onTerminal(tool: string, args?: string[], options?: RunOptions): ToolOnTerminal
  remove(): void
}

export type ConfigChanges = Record<string, TomlTable>
export type RunningTool = Bun.Subprocess<"pipe", "pipe", "pipe">

export interface RunOptions {
  /** The login that calls; staff by default. */
  as?: string
  stdin?: string
  /** Besides PATH, HOME, REAL_USERNAME and EC2_WRAPPERS_CONFIG, which are all there is. */
  env?: Record<string, string>
  cwd?: string
  /** The executable of `dist/libexec`, not the script under `bun`. `npm test` runs every test that way. */
  compiled?: boolean
  /** Standard error goes into standard output, in the order in which both were written. */
  merged?: boolean
  /** Standard output goes to a device that is always full. */
  full?: boolean
}

export interface Finished {
  stdout: string
  stderr: string
  code: number
}

/** A course named cs61c on an emulator, in a temporary directory readable to nobody else. */
export function workspace(
  options: { endpoint?: string; config?: ConfigChanges; server?: PostgresSettings } = {},
): Workspace {
  const directory = mkdtempSync(join(tmpdir(), "ec2-wrappers-"))
  const dataDir = join(directory, "data")
  if (options.server) useDatabase(dataDir, options.server)
  const configPath = join(directory, "config.toml")
  mkdirSync(dataDir, { mode: 0o700 })
  writeFileSync(
    join(dataDir, "root-access-key"),
    JSON.stringify({
      aws_access_key_id: credentials.accessKeyId,
      aws_secret_access_key: credentials.secretAccessKey,
    }),
    { mode: 0o600 },
  )
  // All tests' courses are one installation, unless a test takes this away.
  writeFileSync(join(dataDir, "installation-id"), "of-the-tests\n", { mode: 0o600 })
  const home = (login: string) => {
    const path = join(directory, "home", login)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }
  const callOf = (tool: string, args: string[], { as = "cs61c", env = {}, cwd, compiled }: RunOptions) => {
    const useCompiled = compiled ?? process.env.TEST_TOOLS === "compiled"
    const program = useCompiled
      ? [compiledTool(tool)]
      : [process.execPath, join(root, "scripts", `${tool}.ts`)]
    return {
      command: [...program, ...args],
      cwd: cwd ?? home(as),
      env: {
        PATH: "/usr/bin:/bin",
        HOME: home(as),
        REAL_USERNAME: as,
        EC2_WRAPPERS_CONFIG: configPath,
        ...(process.env.TEST_RUN_MARK === undefined ? {} : { TEST_RUN_MARK: process.env.TEST_RUN_MARK }),
        ...env,
      },
    }
  }
  const course: Workspace = {
    directory,
    dataDir,
    configPath,
    home,
    configure(changes) {
      const tables = merged(merged(defaults(dataDir, options.endpoint), options.config ?? {}), changes)
      writeFileSync(configPath, stringify(tables), { mode: 0o600 })
      if (!options.server) forgetAgreedConfig(dataDir)
    },
    start(tool, args = [], runOptions = {}) {
      const { command, cwd, env } = callOf(tool, args, runOptions)
      const { merged, full } = runOptions
      const redirection = merged ? "2>&1" : full ? ">/dev/full" : null
      const shell = redirection === null ? [] : ["/bin/sh", "-c", `exec "$0" "$@" ${redirection}`]
      return Bun.spawn([...shell, ...command], { cwd, env, stdin: "pipe", stdout: "pipe", stderr: "pipe" })
    },
    onTerminal(tool, args = [], runOptions = {}) {
      const { command, cwd, env } = callOf(tool, args, runOptions)
      return runOnTerminal(command, { cwd, env })
    },
    async run(tool, args, runOptions) {
      const child = course.start(tool, args, runOptions)
      if (runOptions?.stdin !== undefined) child.stdin.write(runOptions.stdin)
      await child.stdin.end()
      return finished(child)
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
  course.configure({})
  return course
}

/** What a started tool printed, and how it ended: 128 + the signal's number where one killed it. */
export async function finished(child: Bun.ReadableSubprocess): Promise<Finished> {
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { stdout, stderr, code: await child.exited }
}

function defaults(dataDir: string, endpoint: string | undefined): ConfigChanges {
  return {
    course: { name: "cs61c", accounts: ["cs61c-??"], staff: ["cs61c", "cs61c-ta"], iam_group: "students" },
    paths: { data_dir: dataDir },
    ...databaseTable(dataDir),
    aws: { region: "us-east-1", ...(endpoint === undefined ? {} : { endpoint }) },
    limits: { max_hourly_cost: 5.1, max_instances: 20, budget: 100 },
  }
}

function merged(into: ConfigChanges, changes: ConfigChanges): ConfigChanges {
  const tables = { ...into }
  for (const [name, table] of Object.entries(changes)) tables[name] = { ...tables[name], ...table }
  return tables
}
