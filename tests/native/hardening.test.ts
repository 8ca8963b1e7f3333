/** What the compiler and linker were told to do for the only setuid programs, seen in the programs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dir, "..", "..")
let outdir: string
let wrapper: string

beforeAll(() => {
  outdir = mkdtempSync(join(tmpdir(), "ec2-wrappers-hardening-"))
  wrapper = join(outdir, "bin/ec2-util")
  const built = Bun.spawnSync([process.execPath, "build.ts", "--outdir", outdir, "--only", "ec2-util"], {
    cwd: root,
  })
  if (!built.success) throw new Error(String(built.stderr))
})
afterAll(() => rmSync(outdir, { recursive: true }))

const readelf = (option: string) => String(Bun.spawnSync(["readelf", "-W", option, wrapper]).stdout)

describe.skipIf(!Bun.which("readelf"))("a wrapper", () => {
  test("is position independent", () => expect(readelf("-h")).toMatch(/Type:\s+DYN/))
  test("binds everything at the start and then makes it read-only", () => {
    expect(readelf("-d")).toMatch(/BIND_NOW/)
    expect(readelf("-l")).toMatch(/GNU_RELRO/)
  })
  test("has no executable stack", () => expect(readelf("-l")).toMatch(/GNU_STACK.* RW /))
  test("watches its stack and its buffers", () => {
    expect(readelf("-s")).toMatch(/__stack_chk_fail/)
    expect(readelf("-s")).toMatch(/__\w+_chk/)
  })
  test("needs the C library and nothing else", () => {
    expect([...readelf("-d").matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name)).toEqual(["libc.so.6"])
  })
})

test("setuid_wrap.c stays short enough to be read at once", () => {
  expect(readFileSync(join(root, "native/setuid_wrap.c"), "utf8").split("\n").length).toBeLessThan(300)
})

test("build.ts compiles nothing surprising into a setuid program", () => {
  for (const [option, value] of [
    ["--prefix", 'relative"; int x; //'],
    ["--prefix", "/opt/../tmp"],
    ["--account", "root; rm"],
    ["--login-prefix", "cs61c,"],
    ["--login-prefix", "-cs"],
    ["--account", "x".repeat(33)],
    ["--slots", "slots"],
    ["--config", "config.toml"],
  ] as const) {
    const built = Bun.spawnSync(
      [process.execPath, "build.ts", "--outdir", outdir, "--only", "ec2-util", `${option}=${value}`],
      { cwd: root },
    )
    expect(`${option} ${value}: ${built.exitCode}`).toBe(`${option} ${value}: 1`)
    expect(String(built.stderr)).toMatch(/^build.ts: options: .* wanted .*\n$/)
  }
})

test("a mistake in build.ts's options is one line, and an earlier build stays", () => {
  const built = Bun.spawnSync([process.execPath, "build.ts", "--outdir", outdir, "--acount", "cs61c"], {
    cwd: root,
  })
  expect(String(built.stderr)).toBe(
    'build.ts: options: unknown option "--acount", did you mean --account? (--help lists them)\n',
  )
  expect(built.exitCode).toBe(1)
  expect(existsSync(wrapper)).toBe(true)
})
