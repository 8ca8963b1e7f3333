/**
 * A login host of its own for the boundary's tests: a mount and process namespace with generated users, homes and an
 * installed tree. Nothing on the real host changes. Needs root and the right to make namespaces.
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compileExecutable } from "../../packaging/executable.ts"
import { wrapperSources } from "../../packaging/wrappers.ts"
import { finished } from "../support/tools.ts"

export const root = join(import.meta.dir, "..", "..")
export const prefix = "/opt/ec2-wrappers"
export const dataDir = "/var/lib/ec2-wrappers"

/** The uid of each login; the group has the same number. */
export const uids = {
  cs61c: 5000,
  "cs61c-aa": 5001,
  "cs61c-bb": 5002,
  "cs61c-ta": 5003,
  "other-zz": 5010,
  "CS61C-up": 5011,
  "cs61c-a,b": 5012,
  [`cs61c-${"x".repeat(40)}`]: 5013,
  // ten hostile students and five honest ones, for the soak
  "cs61c-h0": 5020,
  "cs61c-h1": 5021,
  "cs61c-h2": 5022,
  "cs61c-h3": 5023,
  "cs61c-h4": 5024,
  "cs61c-h5": 5025,
  "cs61c-h6": 5026,
  "cs61c-h7": 5027,
  "cs61c-h8": 5028,
  "cs61c-h9": 5029,
  "cs61c-k0": 5030,
  "cs61c-k1": 5031,
  "cs61c-k2": 5032,
  "cs61c-k3": 5033,
  "cs61c-k4": 5034,
} as const

/** Why the tests of this folder cannot run here; null where they can. Each reason is told once at the end of `npm test`. */
export function whyNoNamespaces(): string | null {
  const reason = reasonAgainstNamespaces()
  const skips = process.env.TEST_SKIPS
  if (reason && skips) appendFileSync(skips, `attacks on the boundary: ${reason}\n`)
  return reason
}

function reasonAgainstNamespaces(): string | null {
  if (process.getuid?.() !== 0) return "they need root"
  if (!Bun.which("unshare") || !Bun.which("nsenter")) return "unshare and nsenter are missing (util-linux)"
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--ipc"]
  const tried = Bun.spawnSync(["unshare", ...namespaces, "mount", "-t", "tmpfs", "host", "/opt"])
  return tried.success ? null : "this root may not make namespaces and mounts"
}

export interface Finished {
  stdout: string
  stderr: string
  code: number
}

export interface Host {
  /** A directory that host and tests share, readable to all. */
  shared: string
  /** The process id of the namespaces' first process. */
  pid: number
  /** Runs a shell script as the host's root. */
  sh(script: string): Finished
  /** The same without blocking this process, in which the emulator may run. */
  run(script: string): Promise<Finished>
  /** Runs a program as a login, after the steps that tests/boundary/act.c knows. */
  as(login: keyof typeof uids, steps: string[], command: string[], options?: StartOptions): Promise<Finished>
  start(login: keyof typeof uids, steps: string[], command: string[], options?: StartOptions): Running
  /** Ends the host and removes what it was made from. */
  stop(): void
}

export interface StartOptions {
  env?: Record<string, string>
  stdin?: "ignore" | "pipe" | number
  stdout?: "pipe" | number
  argc0?: boolean
}
export type Running = Bun.Subprocess<"ignore" | "pipe", "pipe", "pipe">

/** Makes the host and installs `dist` on it. */
export async function makeHost(dist: string): Promise<Host> {
  const shared = mkdtempSync(join(tmpdir(), "ec2-wrappers-host-"))
  Bun.spawnSync(["chmod", "755", shared])
  for (const program of ["act", "probe"]) {
    compileC(join(shared, program), [join(root, "tests/boundary", `${program}.c`)])
  }
  mkdirSync(join(shared, "etc"))
  cpSync("/etc", join(shared, "etc"), { recursive: true, verbatimSymlinks: true })
  writeUsers(join(shared, "etc"))
  writeFileSync(join(shared, "setup.sh"), setupScript(shared))
  const first = Bun.spawn(
    [
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--fork",
      "--mount-proc",
      "--ipc",
      "--kill-child",
    ].concat(["sh", join(shared, "setup.sh")]),
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  )
  const reader = first.stdout.getReader()
  const { value } = await reader.read()
  if (!value || !new TextDecoder().decode(value).startsWith("ready"))
    throw new Error("the host does not start")
  const children = readFileSync(`/proc/${first.pid}/task/${first.pid}/children`, "utf8").trim()
  const enter = ["nsenter", "--target", children, "--mount", "--pid", "--ipc", "--"]
  const host: Host = {
    shared,
    pid: Number(children),
    sh(script) {
      const done = Bun.spawnSync([...enter, "sh", "-c", script], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      })
      return { stdout: String(done.stdout), stderr: String(done.stderr), code: done.exitCode }
    },
    async run(script) {
      const child = Bun.spawn([...enter, "sh", "-c", script], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        stdout: "pipe",
        stderr: "pipe",
      })
      return finished(child)
    },
    start(login, steps, command, { env = {}, stdin = "ignore", stdout = "pipe", argc0 = false } = {}) {
      const identity = [`gid=${uids[login]}`, `uid=${uids[login]}`]
      const actor = [...enter, join(shared, "act"), ...identity, ...steps, argc0 ? "--argc0" : "--"]
      return Bun.spawn([...actor, ...command], {
        env: { PATH: "/usr/bin:/bin", ...env },
        stdin,
        stdout,
        stderr: "pipe",
      }) as Running
    },
    async as(login, steps, command, options) {
      const child = host.start(login, steps, command, options)
      const [stdout, stderr] = await Promise.all([
        typeof child.stdout === "object" ? new Response(child.stdout).text() : "",
        new Response(child.stderr).text(),
      ])
      return { stdout, stderr, code: await child.exited }
    },
    stop() {
      first.stdin.end()
      first.kill("SIGKILL")
      for (const made of [shared, dist]) rmSync(made, { recursive: true, force: true })
    },
  }
  const installed = host.sh(`${dist}/install`)
  if (installed.code !== 0) throw new Error(`install: ${installed.stderr}`)
  return host
}

/**
 * A dist directory with the wrappers, the real installer, these tools, and empty programs for all others; with TEST_FORM=compact the one
 * executable that is all of them.
 */
export function makeDist(only: string[]): string {
  const dist = mkdtempSync(join(tmpdir(), "ec2-wrappers-dist-"))
  Bun.spawnSync(["chmod", "755", dist])
  const built = Bun.spawnSync(
    [
      process.execPath,
      "build.ts",
      "--outdir",
      dist,
      ...(process.env.TEST_FORM === "compact" ? ["--compact"] : []),
      ...["ec2-util", ...only].flatMap((tool) => ["--only", tool]),
    ],
    { cwd: root },
  )
  if (!built.success) throw new Error(`build.ts: ${built.stderr}`)
  const installer = readFileSync(join(dist, "install"), "utf8")
  const listed = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(installer)?.[1]?.split(" ") ?? []
  const files = [
    ...[...listed("tools"), "postgres.node"].map((name) => join(dist, "libexec", name)),
    ...[...listed("setuid_commands"), ...listed("plain_commands")].map((name) => join(dist, "bin", name)),
  ]
  for (const path of files) if (!existsSync(path)) cpSync("/bin/true", path)
  return dist
}

/** A wrapper as build.ts makes them, in front of any program of the host's libexec directory. */
export function compileWrapper(outfile: string, program: string, changes: Record<string, string> = {}): void {
  const definitions = {
    COMMAND: "ec2-test",
    REAL_EXECUTABLE: program.startsWith("/") ? program : `${prefix}/libexec/${program}`,
    ACCOUNT: "cs61c",
    LOGIN_PREFIX: "cs61c",
    SLOT_DIRECTORY: `${dataDir}/slots`,
    SPARE_SLOT_DIRECTORY: "/var/tmp/ec2-wrappers-cs61c",
    ...changes,
  }
  compileC(
    outfile,
    wrapperSources.map((source) => join(root, "native", source)),
    Object.entries(definitions).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`),
  )
}

/** A tool of the tests, compiled as build.ts compiles ours. */
export function compileTool(script: string, outfile: string): Promise<void> {
  return compileExecutable(script, outfile, {
    BUILD_CONFIG_PATH: '"/etc/ec2-wrappers/config.toml"',
    BUILD_PREFIX: JSON.stringify(prefix),
    BUILD_SLOT_DIRECTORIES: JSON.stringify([`${dataDir}/slots`, "/var/tmp/ec2-wrappers-cs61c"]),
  })
}

export function compileC(outfile: string, sources: string[], flags: string[] = []): void {
  const built = Bun.spawnSync([
    "cc",
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    ...flags,
    "-o",
    outfile,
    ...sources,
  ])
  if (!built.success) throw new Error(String(built.stderr))
}

function writeUsers(etc: string): void {
  const entries = Object.entries(uids)
  const extra = [`cs61c-rel:x:5014:5014::home:/bin/sh`, "cs61c-ctl:x:5015:5015::/home/a\tb:/bin/sh"]
  const passwd = entries.map(([login, uid]) => `${login}:x:${uid}:${uid}::/home/${login}:/bin/sh`)
  appendFileSync(join(etc, "passwd"), `${[...passwd, ...extra].join("\n")}\n`)
  appendFileSync(join(etc, "group"), `${entries.map(([login, uid]) => `${login}:x:${uid}:`).join("\n")}\n`)
  writeFileSync(join(etc, "nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n")
}

function setupScript(shared: string): string {
  const homes = Object.entries(uids).map(
    ([login, uid]) => `mkdir -m 755 /home/${login}; chown ${uid}:${uid} /home/${login}`,
  )
  return [
    "set -e",
    `mount --bind ${shared}/etc /etc`,
    ...["/opt", "/home", "/var/lib", "/var/tmp", "/usr/local"].map(
      (place) => `mount -t tmpfs -o mode=755 host ${place}`,
    ),
    "chmod 1777 /var/tmp",
    ...homes,
    "echo ready",
    "cat >/dev/null", // the end of stdin is the end of the host
  ].join("\n")
}
