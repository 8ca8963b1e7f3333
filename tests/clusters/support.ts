/** A student with a launcher: hadoop_ec2 as a process of hers, ec2-run as one of the course's. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { compiledTool, root } from "../support/build.ts"
import { credentials, type Emulator, startEmulator } from "../support/emulator.ts"
import { addStudents } from "../support/students.ts"
import type { ToolOnTerminal } from "../support/terminal.ts"
import {
  type ConfigChanges,
  type Finished,
  finished,
  type RunningTool,
  type Workspace,
  workspace,
} from "../support/tools.ts"

export const login = "cs61c-ab"

export interface Classroom {
  emulator: Emulator
  course: Workspace
  home: string
  /** Runs hadoop_ec2 as the student. */
  hadoop(...args: string[]): Promise<Finished>
  start(args: string[], env?: Record<string, string>): RunningTool
  /** The same on a terminal, with the student at it. */
  onTerminal(...args: string[]): ToolOnTerminal
  /** Writes the student's clusters.cfg. */
  clustersCfg(text: string): void
  close(): Promise<void>
}

/** `initialised`: the identity and the files in the home are made by setup and `ec2_util --init`; else by the test, faster. */
export async function openClassroom(
  config: ConfigChanges = {},
  { initialised = false } = {},
): Promise<Classroom> {
  const emulator = await startEmulator()
  const course = workspace({
    endpoint: emulator.endpoint,
    config: { launch: { image: emulator.fixtures.image, instance_type: "t3.large" }, ...config },
  })
  const must = async (tool: string, args: string[] = [], as?: string) => {
    const { stderr, code } = await course.run(tool, args, as === undefined ? {} : { as })
    if (code !== 0) throw new Error(stderr)
  }
  await must("init_dbs")
  const home = course.home(login)
  if (initialised) {
    await must("setup")
    await must("ec2_util", ["--init"], login)
  } else {
    await addStudents(course, emulator, [login])
    mkdirSync(join(home, ".aws"), { recursive: true })
    writeFileSync(
      join(home, ".aws", "credentials"),
      `[default]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`,
    )
  }
  // What the setuid wrapper does on a real host: the launcher does not run with the student's rights.
  const launcher = (tool: string, name: string) => {
    const command =
      process.env.TEST_TOOLS === "compiled"
        ? `'${compiledTool(tool)}'`
        : `'${process.execPath}' '${join(root, "scripts", `${tool}.ts`)}'`
    writeFileSync(
      join(course.directory, name),
      `#!/bin/sh\nREAL_USERNAME=${login} EC2_WRAPPERS_CONFIG='${course.configPath}' exec ${command} "$@"\n`,
      { mode: 0o755 },
    )
  }
  launcher("ec2_runner", "ec2-run")
  launcher("ec2_active", "ec2-active")
  const asStudent = { as: login, env: { EC2_RUN: join(course.directory, "ec2-run") } }
  const start = (args: string[], env: Record<string, string> = {}) =>
    course.start("hadoop_ec2", args, { ...asStudent, env: { ...asStudent.env, ...env } })
  return {
    emulator,
    course,
    home,
    start,
    onTerminal: (...args) => course.onTerminal("hadoop_ec2", args, asStudent),
    async hadoop(...args) {
      const child = start(args)
      await child.stdin.end()
      return finished(child)
    },
    clustersCfg(text) {
      mkdirSync(join(home, ".hadoop-cloud"), { recursive: true })
      writeFileSync(join(home, ".hadoop-cloud", "clusters.cfg"), text)
    },
    async close() {
      course.remove()
      await emulator.stop()
    },
  }
}
