/** In what state the wrapper starts a tool, whatever its caller did before. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { compileWrapper, dataDir, type Host, makeDist, makeHost, prefix, whyNoNamespaces } from "./host.ts"

const skipped = whyNoNamespaces() !== null
const probe = `${prefix}/bin/ec2-probe`
let host: Host

beforeAll(async () => {
  if (skipped) return
  host = await makeHost(makeDist([]))
  compileWrapper(join(host.shared, "ec2-probe"), "probe")
  const { shared } = host
  host.sh(`
    cp ${shared}/probe ${prefix}/libexec/probe && chmod 0111 ${prefix}/libexec/probe
    cp ${shared}/ec2-probe ${probe} && chown cs61c:cs61c ${probe} && chmod 4755 ${probe}`)
})
afterAll(() => host?.stop())

/** What the probe says, by name; `environment` and `argument` as lists. */
async function stateAfter(steps: string[], args: string[] = [], argc0 = false) {
  const { stdout, stderr, code } = await host.as("cs61c-aa", steps, [probe, ...args], { argc0 })
  const lines = stdout
    .split("\n")
    .map((line) => [line.split(/:\s*/)[0], line.replace(/^[^:]*:\s*/, "")] as const)
  const listOf = (name: string) => lines.filter(([key]) => key === name).map(([, value]) => value)
  return {
    stderr,
    code,
    environment: listOf("environment"),
    arguments: listOf("argument"),
    of: (name: string) => listOf(name)[0],
  }
}

const environment = [
  "PATH=/usr/bin:/bin",
  "LANG=C.UTF-8",
  "HOME=/nonexistent",
  "DO_NOT_TRACK=1",
  "AWS_EC2_METADATA_DISABLED=true",
  "AWS_CONFIG_FILE=/dev/null",
  "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
  "EC2_WRAPPERS_COMMAND=ec2-test",
  "REAL_USERNAME=cs61c-aa",
  "REAL_UID=5001",
  "REAL_GID=5001",
  "REAL_HOME=/home/cs61c-aa",
  "EC2_WRAPPERS_TOOL=probe",
]

const allProcessors =
  /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? ""

/** The state that is wanted in every case. */
async function expectClean(steps: string[], args?: string[]) {
  const state = await stateAfter(steps, args)
  expect(state.stderr).toBe("")
  expect(state.code).toBe(0)
  expect(state.environment.filter((entry) => !entry.startsWith("EC2_WRAPPERS_HOME_FD="))).toEqual(environment)
  const told = Object.fromEntries(
    ["uid", "gid", "directory", "umask", "dumpable", "no_new_privs", "personality", "pdeathsig", "policy"]
      .concat(["slack", "timers", "core", "disk", "Cpus_allowed_list", "SigBlk", "SigPnd", "ShdPnd"])
      .map((name) => [name, state.of(name)]),
  )
  expect(told).toEqual({
    uid: "5000 5000 5000",
    gid: "5001 5001 5001",
    directory: "/",
    umask: "077",
    dumpable: "0",
    no_new_privs: "1",
    personality: "0",
    pdeathsig: "0",
    policy: "0",
    slack: "50000",
    timers: "0 0 0",
    core: "0 0",
    disk: "0",
    Cpus_allowed_list: allProcessors,
    SigBlk: "0000000000000000",
    SigPnd: "0000000000000000",
    ShdPnd: "0000000000000000",
  })
  return state
}

const hostileVariables = [
  ...[
    "BUN_BE_BUN=1",
    "BUN_OPTIONS=--preload=/home/cs61c-aa/evil.js",
    "BUN_INSPECT=127.0.0.1:6499",
    "BUN_INSPECT_PRELOAD=/x",
  ],
  ...[
    "BUN_INSPECT_NOTIFY=unix:///tmp/x",
    "BUN_ENABLE_CRASH_REPORTING=1",
    "BUN_CRASH_REPORT_URL=http://127.0.0.1/",
  ],
  ...[
    "BUN_JSC_dumpOptions=2",
    "BUN_CONFIG_VERBOSE_FETCH=curl",
    "BUN_RUNTIME_TRANSPILER_CACHE_PATH=/home/cs61c-aa",
  ],
  ...[
    "NODE_OPTIONS=--require=/home/cs61c-aa/evil.js",
    "NODE_PATH=/home/cs61c-aa",
    "NODE_EXTRA_CA_CERTS=/home/cs61c-aa/ca",
  ],
  ...["NODE_TLS_REJECT_UNAUTHORIZED=0", "SSL_CERT_FILE=/home/cs61c-aa/ca", "SSL_CERT_DIR=/home/cs61c-aa"],
  ...[
    "AWS_ENDPOINT_URL=http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_EC2=http://127.0.0.1:1",
    "AWS_CONFIG_FILE=/home/cs61c-aa/c",
  ],
  ...[
    "AWS_SHARED_CREDENTIALS_FILE=/home/cs61c-aa/c",
    "AWS_PROFILE=evil",
    "AWS_ACCESS_KEY_ID=AKIAEVIL",
    "AWS_REGION=evil",
  ],
  ...["HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "LD_PRELOAD=/home/cs61c-aa/evil.so"],
  ...[
    "LD_LIBRARY_PATH=/home/cs61c-aa",
    "LD_AUDIT=/home/cs61c-aa/evil.so",
    "LD_DEBUG=all",
    "GCONV_PATH=/home/cs61c-aa",
  ],
  ...[
    "GLIBC_TUNABLES=glibc.malloc.check=3",
    "MALLOC_TRACE=/home/cs61c-aa/x",
    "LOCALDOMAIN=evil",
    "HOSTALIASES=/x",
  ],
  ...["TMPDIR=/home/cs61c-aa", "PATH=/home/cs61c-aa", "IFS=x", "TZ=/home/cs61c-aa/tz", "HOME=/home/cs61c-aa"],
  ...[
    "REAL_USERNAME=root",
    "REAL_UID=0",
    "REAL_HOME=/root",
    "EC2_WRAPPERS_HOME_FD=0",
    "EC2_WRAPPERS_DEBUG=1",
    "EC2_WRAPPERS_COMMAND=ec2-run",
  ],
  ...["EC2_WRAPPERS_CONFIG=/home/cs61c-aa/config.toml", "DOTENV=1", "XDG_CONFIG_HOME=/home/cs61c-aa"],
]

describe.skipIf(skipped)("behind the wrapper a tool starts", () => {
  test("as the account in all three uids, in the caller's group, with the constant environment", () =>
    expectClean([]))

  test(`with that environment, whatever of ${hostileVariables.length} hostile variables is set`, () =>
    expectClean(hostileVariables.map((variable) => `env=${variable}`)))

  for (let set = 1; set < 8; set++) {
    const closed = [0, 1, 2].filter((fd) => set & (1 << fd))
    test(`with descriptors 0 to 2 although its caller closed ${closed.join(", ")}`, async () => {
      const steps = closed.map((fd) => `close=${fd}`)
      if (!closed.includes(1)) expect((await stateAfter(steps)).of("descriptors")).toMatch(/^0 1 2 \d+ \d+$/)
      else expect((await stateAfter(steps)).code).toBe(0)
    })
  }

  test("with two more descriptors, the writer's and its slot, although 200 were open", async () => {
    const state = await expectClean(["open=200"])
    const home = state.environment.find((entry) => entry.startsWith("EC2_WRAPPERS_HOME_FD="))?.split("=")[1]
    const descriptors = state.of("descriptors")?.split(" ") ?? []
    expect(descriptors.length).toBe(5)
    expect(descriptors).toContain(home ?? "none")
  })

  for (const [what, steps] of Object.entries({
    "signals blocked": ["block=all"],
    "signals ignored": ["ignore=all"],
    "signals pending": ["pend=all"],
    "timers running": ["ignore=14", "ignore=26", "ignore=27", "timer=3"],
    "timers about to strike, blocked": ["block=all", "timer=1"],
    "a signal at its parent's death": ["pdeathsig=9"],
    "umask 0": ["umask=0"],
    "umask 0777": ["umask=777"],
    "the personality of an old kernel": ["personality=0020000"],
    "a fixed memory layout": ["personality=0040000"],
    "timer slack of 5 s": ["slack=5000000000"],
    "a directory of its own": ["chdir=/home/cs61c-aa"],
    "one processor": ["pin=0"],
    "the idle class of disks": ["idledisk"],
    "niceness 5": ["nice=5"],
  })) {
    test(`in the same state with ${what}`, () => expectClean(steps))
  }

  test("with the terminal's and killing signals ignored, faults and children not", async () => {
    const ignored = BigInt(`0x${(await stateAfter([])).of("SigIgn")}`)
    const isIgnored = (number: number) => (ignored >> BigInt(number - 1)) & 1n
    for (const number of [1, 2, 3, 13, 14, 15, 10, 12, 20, 21, 22, 24, 25]) expect(isIgnored(number)).toBe(1n)
    for (const number of [4, 7, 8, 11, 17]) expect(isIgnored(number)).toBe(0n)
  })

  test("with the caller's arguments as they are, but for the first", async () => {
    const hostile = ["--inspect", "-e", "process.exit(7)", "--preload=/x", "", "a b", "\u00ff\u0001", "-"]
    const state = await stateAfter([], hostile)
    expect(state.arguments).toEqual(["ec2-test", ...hostile])
  })

  test("not at all with too many arguments, too long ones, or none, not even a name", async () => {
    for (const args of [Array(100).fill("x"), ["x".repeat(100_000)], Array(63).fill("x".repeat(2000))]) {
      const state = await stateAfter([], args)
      expect(state.stderr).toBe("ec2-test: takes 1 to 64 arguments of 64 KiB together\n")
      expect(state.code).toBe(126)
    }
    // Linux since 5.18 puts an empty argv[0] there: harmless, and replaced.
    const nameless = await stateAfter([], [], true)
    expect([0, 126]).toContain(nameless.code)
    expect(nameless.arguments.slice(1)).toEqual([])
  })
})

const mib = 1024 * 1024
const limits: [steps: string[], outcome: "works" | "refused"][] = [
  [["limit=nofile:8:256"], "works"],
  [["limit=nofile:8:255"], "refused"],
  [[`limit=as:${8192 * mib}:${8192 * mib}`], "works"],
  [[`limit=as:${4096 * mib}:${4096 * mib}`], "refused"],
  [[`limit=data:${64 * mib}:inf`], "works"],
  [[`limit=data:${64 * mib}:${64 * mib}`], "refused"],
  [["limit=stack:262144:inf"], "works"],
  [["limit=stack:262144:262144"], "refused"],
  [["limit=fsize:0:inf"], "works"],
  [["limit=fsize:0:0"], "refused"],
  [["limit=cpu:1:inf"], "works"],
  [["limit=cpu:1:1"], "refused"],
  [["burn=2", "limit=cpu:62:62"], "works"],
  [["burn=2", "limit=cpu:61:61"], "refused"],
  [["limit=nproc:64:4096"], "works"],
  [["limit=nproc:64:64"], "refused"],
  [["limit=core:inf:inf"], "works"],
  [
    ["limit=memlock:0:0", "limit=sigpending:0:0", "limit=msgqueue:0:0", "limit=locks:0:0", "limit=rss:0:0"],
    "works",
  ],
  [["limit=nice:0:0", "limit=rtprio:0:0", "limit=rttime:0:0"], "works"],
]

describe.skipIf(skipped)("limits", () => {
  for (const [steps, outcome] of limits) {
    test(`${steps.join(" ")} ${outcome === "works" ? "is made harmless" : "is refused before anything happens"}`, async () => {
      if (outcome === "works") await expectClean(steps)
      else {
        const state = await stateAfter(steps)
        expect(state.stderr).toMatch(
          /^ec2-test: hard limit on [a-z ]+ is \d+, at least \d+ wanted: log in anew; if it stays, staff raise it in \/etc\/security\/limits.conf\n$/,
        )
        expect(state.code).toBe(126)
      }
    })
  }
})

describe.skipIf(skipped)("the wrapper refuses", () => {
  const refusals: [what: string, steps: string[], reason: RegExp][] = [
    ["no_new_privs", ["nnp"], /does not run as cs61c/],
    ["a user namespace", ["userns"], /does not run as cs61c|uids|account/],
    ["a tracer", ["traced"], /does not run as cs61c/],
    ["a working directory shared with another process", ["sharefs"], /does not run as cs61c/],
    ["the idle scheduling class", ["idle"], /scheduling class/],
    ["a memory restriction", ["mdwe"], /memory restriction/],
    ["niceness 6", ["nice=6"], /runs at niceness 6, at most 5 wanted: call it without nice/],
    ["niceness 19 on one processor", ["nice=19", "pin=0"], /runs at niceness 19/],
  ]
  for (const [what, steps, reason] of refusals) {
    test(`${what}`, async () => {
      const state = await stateAfter(steps)
      expect(state.stderr).toMatch(reason)
      expect(state.code).toBe(126)
    })
  }

  test("to be made idle from outside while it waits for a slot", async () => {
    const slots = [0, 1, 2, 3].map((number) => `${dataDir}/slots/5001.${number}`)
    // chrt without a pid means itself
    const attack = `${probe} & until pid=$(pgrep -U 5001 -u 5000 ec2-probe) && chrt --idle --pid 0 $pid 2>/dev/null; do :; done`
    const { stdout, stderr } = await host.run(`
      touch ${slots.join(" ")}; chown 5000 ${slots.join(" ")}
      ${slots.map((path) => `flock --close ${path}`).join(" ")} ${host.shared}/act gid=5001 uid=5001 -- /bin/sh -c '${attack}'`)
    expect(stdout).toBe("")
    expect(stderr).toMatch(/^ec2-test: scheduling class cannot be reset/)
  })

  test("a processor without a clock: it dies before it does anything", async () => {
    const state = await stateAfter(["tsc"])
    expect(state.environment).toEqual([])
    expect(state.code).not.toBe(0)
  })

  for (const login of ["other-zz", "CS61C-up", "cs61c-a,b", `cs61c-${"x".repeat(40)}`] as const) {
    test(`the login ${login.slice(0, 20)}`, async () => {
      const { stderr, code } = await host.as(login, [], [probe])
      expect(stderr).toMatch(/its login is none of this course's/)
      expect(code).toBe(126)
    })
  }

  test("homes that are no plain absolute path, and uids without a login", async () => {
    for (const [uid, reason] of [
      [5014, /its home is no absolute path/],
      [5015, /its home is no absolute path/],
      [5999, /uid 5999: has no login/],
    ] as const) {
      const { stderr, code } = await host.as("cs61c-aa", [], ["/bin/true"]).then(() => {
        const done = host.sh(`${host.shared}/act gid=${uid} uid=${uid} -- ${probe}`)
        return done
      })
      expect(stderr).toMatch(reason)
      expect(code).toBe(126)
    }
  })

  test("root", () => {
    const { stderr, code } = host.sh(probe)
    expect(stderr).toMatch(/is not for root/)
    expect(code).toBe(126)
  })

  test("to cross anything for the account itself, which gets its own environment and no writer", async () => {
    const steps = ["env=EC2_WRAPPERS_DEBUG=1", "env=EC2_WRAPPERS_COMMAND=ec2-run", "chdir=/home"]
    const { stdout } = await host.as("cs61c", steps, [probe])
    expect(stdout).toContain("environment: EC2_WRAPPERS_DEBUG=1\n")
    expect(stdout).toContain("environment: EC2_WRAPPERS_COMMAND=ec2-test\n")
    expect(stdout).not.toContain("environment: EC2_WRAPPERS_COMMAND=ec2-run\n")
    expect(stdout).toContain("directory: /home\n")
    expect(stdout).not.toContain("EC2_WRAPPERS_HOME_FD")
  })

  test("a nosuid mount", async () => {
    host.sh("mount -o remount,nosuid /opt")
    const state = await stateAfter([])
    host.sh("mount -o remount,suid /opt")
    expect(state.stderr).toMatch(/does not run as cs61c: wants its setuid bit, a mount without nosuid/)
    expect(state.code).toBe(126)
  })

  test("a copy of itself, and a link to it somewhere else", async () => {
    host.sh(
      `cp ${probe} /home/cs61c-aa/copy; chown 5001:5001 /home/cs61c-aa/copy; chmod 4755 /home/cs61c-aa/copy`,
    )
    const copy = await host.as("cs61c-aa", [], ["/home/cs61c-aa/copy"])
    expect(copy.stderr).toMatch(/does not run as cs61c/)
    expect(copy.code).toBe(126)
    host.sh(
      `mkdir -m 1777 /opt/tmp; ln ${probe} /opt/tmp/link; mkdir /opt/mine; chown 5001 /opt/mine; ln ${probe} /opt/mine/link`,
    )
    for (const path of ["/opt/tmp/link", "/opt/mine/link"]) {
      const link = await host.as("cs61c-aa", [], [path])
      expect(link.stderr).toMatch(/can be changed by others than root/)
      expect(link.code).toBe(126)
    }
    host.sh("rm -r /opt/tmp /opt/mine")
  })

  const swaps: [what: string, make: string, undo: string][] = [
    [
      "a program that others may write",
      `chmod 0733 ${prefix}/libexec/probe`,
      `chmod 0111 ${prefix}/libexec/probe`,
    ],
    ["a program of somebody else's", `chown 5001 ${prefix}/libexec/probe`, `chown 0 ${prefix}/libexec/probe`],
    [
      "a directory above it that others may write",
      `chmod 0777 ${prefix}/libexec`,
      `chmod 0755 ${prefix}/libexec`,
    ],
    ["a directory of somebody else's", `chown 5001 ${prefix}`, `chown 0 ${prefix}`],
    [
      "a link in place of the program",
      `cd ${prefix}/libexec; mv probe real; ln -s real probe`,
      `cd ${prefix}/libexec; mv real probe`,
    ],
    [
      "a link above the program",
      `cd /opt; mv ec2-wrappers x; ln -s x ec2-wrappers`,
      "cd /opt; rm ec2-wrappers; mv x ec2-wrappers",
    ],
    [
      "a program that is not there",
      `cd ${prefix}/libexec; mv probe real`,
      `cd ${prefix}/libexec; mv real probe`,
    ],
  ]
  for (const [what, make, undo] of swaps) {
    test(what, async () => {
      host.sh(make)
      const state = await stateAfter([])
      host.sh(undo)
      expect(state.stderr).toMatch(/^ec2-test: \/opt[^\n]*\n$/)
      expect(state.code).toBe(126)
      await expectClean([])
    })
  }

  test("a program straight in a directory like /tmp, but not one further down", async () => {
    host.sh("mkdir -m 1777 /opt/sticky; mkdir /opt/sticky/own")
    for (const [place, code] of [
      ["/opt/sticky/own", 0],
      ["/opt/sticky", 126],
    ] as const) {
      compileWrapper(join(host.shared, "ec2-sticky"), `${place}/probe`)
      host.sh(`install -m 111 ${prefix}/libexec/probe ${place}/probe
        install -o cs61c -m 4755 ${host.shared}/ec2-sticky ${prefix}/bin/ec2-sticky`)
      const done = await host.as("cs61c-aa", [], [`${prefix}/bin/ec2-sticky`])
      expect(`${place}: ${done.code}`).toBe(`${place}: ${code}`)
    }
    host.sh(`rm -r /opt/sticky ${prefix}/bin/ec2-sticky`)
  })

  test("slots in a directory that is open to others, unless a private one can be made elsewhere", async () => {
    host.sh(`chmod 0777 ${dataDir}/slots`)
    await expectClean([])
    host.sh("chmod 0777 /var/tmp/ec2-wrappers-cs61c")
    const state = await stateAfter([])
    host.sh(`chmod 0700 ${dataDir}/slots`)
    expect(state.stderr).toMatch(/is no directory of mode 0700/)
    expect(state.code).toBe(126)
  })
})
