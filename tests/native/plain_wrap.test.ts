/** The wrapper without privileges: it finds its tool, and says under which command the tool runs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { compileC, root } from "../boundary/host.ts"
import { scratchDirectory } from "../support/scratch.ts"

let prefix: string
let command: string

beforeAll(() => {
  prefix = scratchDirectory("plain-wrap")
  for (const folder of ["bin", "libexec", "elsewhere", "elsewhere/bin"]) mkdirSync(join(prefix, folder))
  command = join(prefix, "bin", "hadoop-ec2")
  compileC(command, [join(root, "native", "plain_wrap.c")], ['-DCOMMAND="hadoop-ec2"', '-DTOOL="hadoop_ec2"'])
  const tool = '#!/bin/sh\nprintf "%s|%s|%s" "$EC2_WRAPPERS_COMMAND" "$OWN" "$*"\n'
  writeFileSync(join(prefix, "libexec", "hadoop_ec2"), tool, { mode: 0o755 })
})
afterAll(() => rmSync(prefix, { recursive: true, force: true }))

/** Runs the program with these arguments, of which the first is its argv[0]. */
const run = ([argv0 = "", ...args]: string[], env: Record<string, string> = {}, program = command) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([program, ...args], { argv0, env })
  return { stdout: String(stdout), stderr: String(stderr), exitCode }
}

describe("plain_wrap", () => {
  test("names its command, with the caller's environment and arguments", () => {
    expect(run(["hadoop-ec2", "list", "a b"], { OWN: "1" }).stdout).toBe("hadoop-ec2|1|list a b")
  })

  test("names it whatever the caller's argv[0] and environment say", () => {
    expect(run(["evil"], { EC2_WRAPPERS_COMMAND: "ec2-run", OWN: "" }).stdout).toBe("hadoop-ec2||")
  })

  test("finds its tool through a link", () => {
    const link = join(prefix, "elsewhere", "cluster")
    symlinkSync(command, link)
    expect(run(["cluster"], {}, link).stdout).toBe("hadoop-ec2||")
  })

  test("says so under its own name where there is no tool", () => {
    const alone = join(prefix, "elsewhere", "bin", "hadoop-ec2")
    copyFileSync(command, alone)
    const { stderr, exitCode } = run(["evil"], {}, alone)
    expect(stderr).toBe(`hadoop-ec2: ${prefix}/elsewhere/libexec/hadoop_ec2: No such file or directory\n`)
    expect(exitCode).toBe(126)
  })
})
