/** The one executable of `--compact`: it is the tool that the kernel found, or none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs"
import { join } from "node:path"
import { nameOfExecutable } from "../../lib/host/processes/executed_tool.ts"
import packageJson from "../../package.json" with { type: "json" }
import { allTools } from "../../packaging/all_tools.ts"
import { whyNoNamespaces } from "../boundary/host.ts"
import { compactDist, root } from "../support/build.ts"

/** With the commit where the build knew it. */
const version = (tool: string) => ({
  stdout: expect.stringMatching(new RegExp(`^${tool} ${packageJson.version}( \\([0-9a-f]{12}\\))?\n$`)),
  stderr: "",
  code: 0,
})
const names = Object.keys(allTools)
let libexec: string
let place: string

beforeAll(() => {
  libexec = join(compactDist(), "libexec")
  // Beside it, since hard links stay on one file system.
  place = mkdtempSync(join(libexec, "..", "place-"))
}, 240_000)
afterAll(() => rmSync(place, { recursive: true, force: true }))

function run(command: string[], options: { argv0?: string; env?: Record<string, string> } = {}) {
  const done = Bun.spawnSync(command, { env: {}, ...options, stderr: "pipe", stdin: "ignore" })
  return { stdout: String(done.stdout), stderr: String(done.stderr), code: done.exitCode }
}

function expectNoTool(done: ReturnType<typeof run>, reason: RegExp) {
  expect(done.stderr).toMatch(reason)
  expect(done.stderr.trimEnd().split("\n").length).toBe(1)
  expect(done.stdout).toBe("")
  expect(done.code).toBe(126)
}

test("the table of tools has each script under its own name", async () => {
  const scripts = readdirSync(join(root, "scripts")).map((file) => file.replace(/\.ts$/, ""))
  expect(names.toSorted()).toEqual(scripts.toSorted())
  for (const [name, load] of Object.entries(allTools)) expect((await load()).name).toBe(name)
})

test("the name of an executable is the last part of its path, also where the name is another file's by now", () => {
  for (const [link, name] of [
    ["/opt/ec2-wrappers/libexec/ec2_util", "ec2_util"],
    ["/opt/ec2-wrappers/libexec/ec2_util (deleted)", "ec2_util"],
    ["(unreachable)/ec2_util", "ec2_util"],
    ["/x/setup/ec2_util", "ec2_util"],
    ["/x/ec2_util (deleted) (deleted)", "ec2_util (deleted)"],
    ["/x/setup (deleted)/ec2_util.dpkg-new", "ec2_util.dpkg-new"],
    ["/x/", ""],
    ["", ""],
  ] as const) {
    expect(nameOfExecutable(link)).toBe(name)
  }
})

describe("the one executable of all tools", () => {
  test("has as many names as there are tools, and takes the room of one", () => {
    const inodes = names.map((name) => statSync(join(libexec, name)).ino)
    expect(new Set(inodes).size).toBe(1)
    expect(statSync(join(libexec, names[0] ?? "")).nlink).toBe(names.length)
  })

  for (const name of names) {
    test(`is ${name} under that name, whatever argv[0] says`, () => {
      expect(run([join(libexec, name), "--version"])).toEqual(version(name))
      for (const argv0 of ["setup", "ec2_runner", "/opt/ec2-wrappers/libexec/doctor", "", "bun"]) {
        expect(run([join(libexec, name), "--version"], { argv0 })).toEqual(version(name))
      }
    })
  }

  test("is what a link leads to, not what the link is called", () => {
    symlinkSync(join(libexec, "ec2_runner"), join(place, "kill_all_accounts"))
    expect(run([join(place, "kill_all_accounts"), "--version"])).toEqual(version("ec2_runner"))
  })

  test("is the tool that a hard link or copy elsewhere is called", () => {
    mkdirSync(join(place, "links"))
    linkSync(join(libexec, "ec2_runner"), join(place, "links", "ec2_active"))
    copyFileSync(join(libexec, "ec2_runner"), join(place, "links", "ec2_util"))
    expect(run([join(place, "links", "ec2_active"), "--version"])).toEqual(version("ec2_active"))
    expect(run([join(place, "links", "ec2_util"), "--version"])).toEqual(version("ec2_util"))
  })

  for (const name of [
    ...[
      "ec2_runner.dpkg-new",
      "ec2_runner.dpkg-tmp",
      "ec2_runner.new",
      "EC2_RUNNER",
      "ec2_runner ",
      "ec2-run",
    ],
    ...["constructor", "__proto__", "toString", "ec2_wrappers", "bun", "a\nb", "x".repeat(255)],
  ]) {
    test(`is no tool as ${JSON.stringify(name.slice(0, 30))}: there is no default`, () => {
      linkSync(join(libexec, "ec2_runner"), join(place, name))
      for (const argv0 of ["ec2_runner", name])
        expectNoTool(run([join(place, name), "--version"], { argv0 }), /^ec2-wrappers: holds no tool named /)
      rmSync(join(place, name))
    })
  }

  test("is still that tool when it is executed by descriptor, and after its name is gone", () => {
    const path = join(place, "usage_cron")
    linkSync(join(libexec, "ec2_runner"), path)
    const byDescriptor = `exec 3<${path}; exec /proc/self/fd/3 --version`
    expect(run(["/bin/sh", "-c", byDescriptor])).toEqual(version("usage_cron"))
    const deleted = `exec 3<${path}; rm ${path}; exec /proc/self/fd/3 --version`
    expect(run(["/bin/sh", "-c", deleted])).toEqual(version("usage_cron"))
  })

  test("is no tool after a name that was none is gone", () => {
    const path = join(place, "other (deleted)")
    linkSync(join(libexec, "ec2_runner"), path)
    expectNoTool(run([path, "--version"]), /holds no tool named "other"/)
    rmSync(path)
  })

  // Bun itself gives up there before it runs any script; behind the wrapper the wrapper does (tests/boundary/tools.test.ts).
  test.skipIf(whyNoNamespaces() !== null)("is no tool where there is no /proc", () => {
    const script = `mount -t tmpfs nothing /proc; ${join(libexec, "ec2_runner")} --version; exit $?`
    const done = run(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script])
    expect(done.stdout).toBe("")
    expect([126, 134]).toContain(done.code)
  })

  describe("behind a wrapper", () => {
    const behind = (tool: string) => ({ EC2_WRAPPERS_HOME_FD: "3", EC2_WRAPPERS_TOOL: tool })

    for (const name of names) {
      test(`is not ${name} when the wrapper was compiled for another tool, or for none`, () => {
        for (const tool of ["", "ec2_other", `${name} `, names.find((other) => other !== name) ?? ""]) {
          const done = run([join(libexec, name), "--version"], { env: behind(tool) })
          expectNoTool(
            done,
            new RegExp(`^${name}: its wrapper starts ${JSON.stringify(tool)}, not this tool`),
          )
        }
        expectNoTool(
          run([join(libexec, name), "--version"], { env: { EC2_WRAPPERS_HOME_FD: "" } }),
          /its wrapper starts ""/,
        )
      })
    }

    for (const [name, may] of Object.entries({
      ...{ ec2_util: true, ec2_runner: true, ec2_active: true, usage_report: true },
      ...{
        hadoop_ec2: false,
        microproxy: false,
        emr_proxy_into: false,
        backup_dbs: false,
        course_freeze: false,
        course_sweep: false,
      },
      ...{
        doctor: false,
        init_dbs: false,
        kill_all_accounts: false,
        requests: false,
        roster: false,
        setup: false,
        usage_cron: false,
      },
    })) {
      test(`${may ? "is" : "refuses to be"} ${name}`, () => {
        const done = run([join(libexec, name), "--version"], { env: behind(name) })
        if (may) expect(done).toEqual(version(name))
        else expectNoTool(done, /runs with its caller's own rights, never behind a setuid wrapper/)
      })
    }
  })
})
