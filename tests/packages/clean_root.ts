/** A Debian of its own for each test file: debootstrap's smallest one, without Node, Bun or a compiler, in namespaces. Needs root. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "../support/build.ts"
import { type Finished, finished } from "../support/tools.ts"

const cache = join(root, ".cache", "debian")

export const suites = ["bookworm", "trixie"] as const
export type Suite = (typeof suites)[number]

/** Students of the tests' course, by uid. */
export const students = { "cs61c-aa": 5001, "cs61c-bb": 5002 } as const

export interface CleanRoot {
  /** Where its file system lies on the machine that tests. */
  path: string
  /** Runs a shell script as its root. */
  sh(script: string): Promise<Finished>
  /** Runs a shell script as a student, whose environment is a fresh login's. */
  as(login: keyof typeof students, script: string): Promise<Finished>
  /** The same, not waited for; stdin is a pipe. */
  start(login: keyof typeof students, script: string): Bun.Subprocess<"pipe", "pipe", "pipe">
  /** Runs a program of the testing machine in its mount namespace, where its path is `path`. */
  fromOutside(command: string[]): Promise<Finished>
  stop(): void
}

/** Why there can be no clean root here; null where there can. */
export function whyNoRoots(): string | null {
  if (process.getuid?.() !== 0) return "they need root"
  for (const program of ["debootstrap", "unshare", "nsenter", "tar", "zstd"])
    if (!Bun.which(program)) return `${program} is not installed`
  return null
}

/** Unpacks a clean root of that Debian, with two students in it, and enters namespaces of its own. */
export async function cleanRoot(suite: Suite): Promise<CleanRoot> {
  const archive = baseArchive(suite)
  const path = mkdtempSync(join(cache, `${suite}-`))
  must(["tar", "-C", path, "-xf", archive])
  must(["chmod", "755", path])
  const mounts = [
    "set -e",
    `mount --bind ${path} ${path}`,
    `mount -t proc proc ${path}/proc`,
    `mount --rbind /dev ${path}/dev`,
    "echo ready",
    "cat >/dev/null", // the end of stdin is its end
  ].join("\n")
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--ipc", "--kill-child"]
  const first = Bun.spawn(["unshare", ...namespaces, "sh", "-c", mounts], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const { value } = await first.stdout.getReader().read()
  if (!value) throw new Error("the clean root does not start")
  const inside = must(["cat", `/proc/${first.pid}/task/${first.pid}/children`]).trim()
  const outside = ["nsenter", "--target", inside, "--mount", "--pid", "--ipc", "--"]
  const enter = [...outside, "chroot", path]
  const plain = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    DEBIAN_FRONTEND: "noninteractive",
  }
  const run = (command: string[]) =>
    finished(Bun.spawn(command, { env: plain, stdin: "ignore", stdout: "pipe", stderr: "pipe" }))
  const asStudent = (login: keyof typeof students, script: string) => [
    ...[
      ...enter,
      "setpriv",
      "--reuid",
      String(students[login]),
      "--regid",
      String(students[login]),
      "--clear-groups",
    ],
    ...[
      "env",
      "-i",
      "PATH=/usr/local/bin:/usr/bin:/bin",
      `HOME=/home/${login}`,
      `USER=${login}`,
      "sh",
      "-c",
      script,
    ],
  ]
  const clean: CleanRoot = {
    path,
    sh: (script) => run([...enter, "sh", "-c", script]),
    as: (login, script) => run(asStudent(login, script)),
    start: (login, script) =>
      Bun.spawn(asStudent(login, script), { env: plain, stdin: "pipe", stdout: "pipe", stderr: "pipe" }),
    fromOutside: (command) => run([...outside, ...command]),
    stop() {
      first.stdin.end()
      first.kill("SIGKILL")
      rmSync(path, { recursive: true, force: true })
    },
  }
  for (const [login, uid] of Object.entries(students))
    await clean.sh(`useradd --uid ${uid} --user-group --create-home ${login} && chmod 0700 /home/${login}`)
  return clean
}

/** debootstrap's result, fetched once: it takes a minute. */
function baseArchive(suite: Suite): string {
  const archive = join(cache, `${suite}.tar.zst`)
  if (existsSync(archive)) return archive
  mkdirSync(cache, { recursive: true })
  const place = mkdtempSync(join(cache, `base-${suite}-`))
  // logrotate and sysusers on the older one: with and without them is tested, too.
  const more = suite === "bookworm" ? "passwd,mawk,cron,logrotate,systemd" : "passwd"
  must([
    "debootstrap",
    "--variant=minbase",
    `--include=${more}`,
    suite,
    place,
    "http://deb.debian.org/debian",
  ])
  rmSync(join(place, "var/cache/apt/archives"), { recursive: true, force: true })
  must(["tar", "-C", place, "--zstd", "-cf", `${archive}.new`, "."])
  renameSync(`${archive}.new`, archive)
  rmSync(place, { recursive: true })
  return archive
}

function must(command: string[]): string {
  const done = Bun.spawnSync(command, { stderr: "pipe" })
  if (!done.success) throw new Error(`${command.join(" ")}: ${done.stderr}`)
  return String(done.stdout)
}
