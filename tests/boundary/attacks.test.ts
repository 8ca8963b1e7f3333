import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { dataDir, type Host, type Running, root, type StartOptions, uids, whyNoNamespaces } from "./host.ts"
import { holdOn, launcher, makeTransactionHost, recordedBy, tool } from "./transaction_host.ts"

const skipped = whyNoNamespaces() !== null
let host: Host

beforeAll(async () => {
  if (!skipped) host = await makeTransactionHost()
})
afterAll(() => host?.stop())

const asStudent = (script: string) =>
  host.sh(`exec ${host.shared}/act gid=${uids["cs61c-aa"]} uid=${uids["cs61c-aa"]} -- /bin/sh -c '${script}'`)
const childOf = (pid: string) => host.sh(`cat /proc/${pid}/task/${pid}/children`).stdout.trim()
const recorded = (pid: string) => recordedBy(host, pid)
const hold = (args: string[] = [], word = "holding", options: StartOptions = {}) =>
  holdOn(host, args, { word, ...options })

const outputOf = (child: Running) => new Response(child.stdout).text()

describe.skipIf(skipped)("a tool in mid-transaction", () => {
  test("cannot be signalled, traced, read, limited or slowed down by its caller, and commits", async () => {
    const { child, pid } = await hold(["--hold", "5000"])
    for (const signal of [1, 2, 3, 6, 9, 10, 12, 13, 14, 15, 18, 19, 20, 24, 30]) {
      const sent = asStudent(`kill -${signal} ${pid}`)
      if (signal !== 18) expect(`${signal}: ${sent.stderr}`).toMatch(/not permitted|No such process/)
    }
    for (const attack of [
      ...["mem", "environ", "maps", "stack", "fd/0", "cwd", "exe", "root"].map(
        (name) => `cat /proc/${pid}/${name}`,
      ),
      `ls /proc/${pid}/fd/`,
      `prlimit --pid ${pid} --cpu=1`,
      `renice -n 19 -p ${pid}`,
      `ionice -c 3 -p ${pid}`,
      `taskset -p 1 ${pid}`,
      `echo 1000 > /proc/${pid}/oom_score_adj`,
    ]) {
      expect(`${attack}: ${asStudent(attack).code}`).not.toBe(`${attack}: 0`)
    }
    if (Bun.which("strace")) expect(asStudent(`strace -p ${pid}`).stderr).toMatch(/not permitted/)
    expect(await outputOf(child)).toBe("committed by cs61c-aa\n")
    expect(recorded(pid)).toBe(1)
  })

  for (const [key, code] of Object.entries({ "^C": "3", "^\\": "28", "^Z": "26", "hang-up": "hangup" })) {
    test(`${key} on its terminal does not undo or halve it`, () => {
      const actor = `${host.shared}/act gid=5001 uid=5001 --`
      const terminal = `python3 ${root}/tests/boundary/terminal.py`
      const done = host.sh(`${terminal} holding ${code} ${actor} ${tool} --hold 700 2>&1`)
      const pid = /holding (\d+)/.exec(done.stdout)?.[1] ?? "none"
      expect(recorded(pid)).toBe(1)
    })
  }

  for (const [what, script] of Object.entries({
    full: `${tool} --hold 10 --lines 5 >/dev/full`,
    closed: `${tool} --hold 10 --lines 5 >&-`,
    "a pipe whose reader is gone": `${tool} --hold 10 --lines 100000 | head -c 1`,
  })) {
    test(`commits when stdout is ${what}`, () => {
      const { stderr } = asStudent(script)
      const pid = /holding (\d+)/.exec(stderr)?.[1] ?? ""
      expect(recorded(pid)).toBe(1)
    })
  }

  test("holds no lock while nobody drains its output", async () => {
    const pipe = join(host.shared, "undrained")
    Bun.spawnSync(["mkfifo", "-m", "666", pipe])
    const fd = openSync(pipe, "r+")
    const stuck = await hold(["--lines", "100000", "--hold", "1"], "holding", { stdout: fd })
    const other = await host.as("cs61c-bb", [], [tool, "--hold", "1"])
    expect(other.stdout).toBe("committed by cs61c-bb\n")
    expect(recorded(stuck.pid)).toBe(1)
    expect(stuck.child.exitCode).toBeNull()
    host.sh(`kill -KILL ${stuck.pid}`)
    await stuck.child.exited
    closeSync(fd)
  })

  test("leaves nothing half done when root kills it, and others work on", async () => {
    const { child, pid } = await hold(["--hold", "60000"])
    host.sh(`kill -KILL ${pid}`)
    await child.exited
    expect((await host.as("cs61c-bb", [], [tool, "--hold", "1"])).stdout).toBe("committed by cs61c-bb\n")
    expect(recorded(pid)).toBe(0)
  })
})

const hasCgroups = readFileSync("/proc/filesystems", "utf8").includes("cgroup2")
describe.skipIf(skipped || !hasCgroups)("a tool that its caller froze in mid-transaction", () => {
  const cgroup = "/sys/fs/cgroup/cs61c-aa"

  beforeAll(() => {
    host.sh(
      `mount -t cgroup2 none /sys/fs/cgroup && mkdir ${cgroup} && mkdir ${cgroup}/deeper && chown -R 5001 ${cgroup}`,
    )
  })
  afterAll(() => {
    host.sh(`rmdir ${cgroup}/deeper ${cgroup}; umount /sys/fs/cgroup`)
  })

  for (const hidepid of [0, 2]) {
    for (const [frozen, ...more] of [[cgroup], [`${cgroup}/deeper`], [cgroup, "--exclusive"]] as const) {
      test(`locks nobody out: ${[frozen, ...more].join(" ")}, hidepid=${hidepid}`, async () => {
        host.sh(`mount -o remount,hidepid=${hidepid} /proc`)
        const { child, pid } = await hold(["--hold", "60000", ...more])
        host.sh(`echo ${pid} > ${cgroup}/deeper/cgroup.procs`)
        const { code } = asStudent(`echo 1 > ${frozen}/cgroup.freeze`)
        const other = await host.as("cs61c-bb", [], [tool, "--hold", "1"])
        host.sh(
          `echo 1 > ${cgroup}/cgroup.kill; echo 0 > ${frozen}/cgroup.freeze; mount -o remount,hidepid=0 /proc`,
        )
        expect([code, other.stdout]).toEqual([0, "committed by cs61c-bb\n"])
        await child.exited
        expect(recorded(pid)).toBe(0)
      })
    }
  }

  test("is left alone as long as it holds up nobody", async () => {
    const { child, pid } = await hold(["--hold", "1", "--lines", "100000"], "holding", { stdout: "pipe" })
    host.sh(`echo ${pid} > ${cgroup}/deeper/cgroup.procs; echo 1 > ${cgroup}/cgroup.freeze`)
    const other = await host.as("cs61c-bb", [], [tool, "--hold", "1"])
    host.sh(`echo 0 > ${cgroup}/cgroup.freeze`)
    expect(other.stdout).toBe("committed by cs61c-bb\n")
    expect((await outputOf(child)).length).toBeGreaterThan(100_000)
    expect(await child.exited).toBe(0)
  })
})

describe.skipIf(skipped)("a tool at work", () => {
  // Nobody may read the programs, so that the kernel hides each run even from others of the account.
  for (const hidepid of [0, 1, 2, 4]) {
    test(`is known to be alive, and then dead, where /proc is mounted with hidepid=${hidepid}`, async () => {
      const alive = (identity: string) =>
        host.sh(`${host.shared}/act gid=5000 uid=5000 -- ${launcher} --alive ${identity}`).stdout
      host.sh(`mount -o remount,hidepid=${hidepid} /proc`)
      const { child, pid, identity } = await hold(["--hold", "60000"])
      const before = alive(identity)
      host.sh(`kill -KILL ${pid}`)
      await child.exited
      const after = alive(identity)
      host.sh("mount -o remount,hidepid=0 /proc")
      expect([before, after]).toEqual(["true\n", "false\n"])
    })
  }
})

describe.skipIf(skipped)("what a run may use of processor and memory", () => {
  const limitsOf = async (login: "cs61c-aa" | "cs61c-ta" | "cs61c") => {
    const direct = login === "cs61c" ? { program: launcher, env: { HOME: "/home/cs61c" } } : {}
    const { child, pid } = await holdOn(host, ["--hold", "60000"], { login, ...direct })
    const { stdout } = host.sh(`cat /proc/${pid}/limits; kill -KILL ${pid}`)
    await child.exited
    const [cpu = "", data = ""] = ["cpu time", "data size"].map(
      (name) => new RegExp(`^Max ${name} +(\\S+) +(\\S+)`, "m").exec(stdout)?.slice(1, 3).join(" ") ?? "",
    )
    return { cpu, data }
  }

  test("is bounded for a student, by soft and hard limits of ours", async () => {
    const { cpu, data } = await limitsOf("cs61c-aa")
    expect(cpu).toMatch(/^6[01] 6[01]$/)
    expect(data).toMatch(/^(\d+) \1$/)
  })

  test("is not for staff and for the account itself", async () => {
    host.sh(`sed -i 's|^staff *=.*|staff = ["cs61c", "cs61c-ta"]|' /etc/ec2-wrappers/config.toml`)
    for (const login of ["cs61c-ta", "cs61c"] as const)
      expect(await limitsOf(login)).toEqual({ cpu: "unlimited unlimited", data: "unlimited unlimited" })
  })
})

describe.skipIf(skipped)("one caller's runs", () => {
  test("are bounded at 40 at once, all are served or told, and another caller is not hindered", async () => {
    const many = Array.from({ length: 40 }, () => host.as("cs61c-aa", [], [tool, "--hold", "20"]))
    const started = performance.now()
    const other = await host.as("cs61c-bb", [], [tool, "--hold", "1"])
    expect(other.stdout).toBe("committed by cs61c-bb\n")
    expect(performance.now() - started).toBeLessThan(10_000)
    const atWork = Number(
      host.sh("grep -Ls '^State:.Z' $(grep -ls '^Uid:.5000' /proc/[0-9]*/status) | wc -l").stdout,
    )
    expect(atWork).toBeLessThanOrEqual(4)
    const results = await Promise.all(many)
    for (const { code, stdout, stderr } of results) {
      if (code === 0) expect(stdout).toBe("committed by cs61c-aa\n")
      else expect(stderr).toMatch(/runs of yours are still at work/)
    }
    expect(results.filter(({ code }) => code === 0).length).toBeGreaterThan(20)
  })
})

describe.skipIf(skipped)("a student who starts the tool without the wrapper", () => {
  const constant = [
    ...[
      "PATH=/usr/bin:/bin",
      "LANG=C.UTF-8",
      "HOME=/nonexistent",
      "DO_NOT_TRACK=1",
      "AWS_EC2_METADATA_DISABLED=true",
    ],
    ...[
      "AWS_CONFIG_FILE=/dev/null",
      "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
      "REAL_USERNAME=cs61c",
      "REAL_UID=5000",
    ],
    ...["REAL_GID=5000", "REAL_HOME=/home/cs61c", "EC2_WRAPPERS_TOOL=transaction", "EC2_WRAPPERS_HOME_FD=3"],
  ]
  for (const [what, variables] of Object.entries({
    "no variables": [],
    "another's name": ["REAL_USERNAME=cs61c"],
    "exactly the wrapper's variables": constant,
    "a config and data directory of their own choice": [
      "EC2_WRAPPERS_CONFIG=/home/cs61c-aa/config.toml",
      "REAL_USERNAME=cs61c",
    ],
  })) {
    test(`gets an error and changes nothing, with ${what}`, async () => {
      const before = host.sh(`cat ${dataDir}/users.db | sha256sum; ls -la ${dataDir}`).stdout
      const steps = ["HOME=/home/cs61c-aa", ...variables].map((variable) => `env=${variable}`)
      const { code, stderr, stdout } = await host.as("cs61c-aa", steps, [launcher])
      expect(stdout).toBe("")
      expect(stderr).toMatch(
        /^[^\n]*(permission denied|not by this account|not the wrapper's doing|does not exist|its wrapper starts)[^\n]*\n$/i,
      )
      expect([1, 3]).toContain(code)
      expect(host.sh(`cat ${dataDir}/users.db | sha256sum; ls -la ${dataDir}`).stdout).toBe(before)
    })
  }

  test("can list or read nothing of the account's", () => {
    for (const path of [dataDir, `${dataDir}/users.db`, `${dataDir}/slots`, launcher]) {
      expect(asStudent(`cat ${path} || ls ${path}/`).stderr).toMatch(/Permission denied/)
    }
  })
})

describe.skipIf(skipped)("a tool ignores", () => {
  test("what lies in the directory where it is called", async () => {
    mkdirSync(join(host.shared, "trap/node_modules/citty"), { recursive: true })
    const evil = 'require("fs").writeFileSync("/home/cs61c-aa/owned", "")'
    host.sh(`cd ${host.shared}/trap
      printf 'preload = ["./evil.js"]\\n' > bunfig.toml; printf '%s' '${evil}' > evil.js
      printf 'EC2_WRAPPERS_DEBUG=1\\nBUN_OPTIONS=--preload=./evil.js\\n' > .env
      printf '{"main":"evil.js"}' > package.json; cp evil.js node_modules/citty/index.js; chmod -R a+rX .`)
    const steps = [`chdir=${host.shared}/trap`, "env=BUN_OPTIONS=--preload=./evil.js", "env=BUN_BE_BUN=1"]
    const { stdout } = await host.as("cs61c-aa", steps, [tool, "--hold", "1"])
    expect(stdout).toBe("committed by cs61c-aa\n")
    expect((await host.as("cs61c-aa", steps.slice(0, 1), [tool, "--help"])).code).toBe(0)
    expect(asStudent("ls /home/cs61c-aa").stdout).not.toContain("owned")
  })
})

describe.skipIf(skipped)("files in a home that the account cannot read", () => {
  const write = (file: string) => host.as("cs61c-aa", [], [tool, "--hold", "1", "--file", file])

  test("are written as the caller, private", async () => {
    expect((await write(".aws/credentials")).code).toBe(0)
    const found = host.sh("stat -c '%U %G %a' /home/cs61c-aa/.aws/credentials /home/cs61c-aa/.aws").stdout
    expect(found).toBe("cs61c-aa cs61c-aa 600\ncs61c-aa cs61c-aa 700\n")
  })

  test("never leave it, even while the caller swaps the directory for a link", async () => {
    host.sh(
      "mkdir -m 777 /home/cs61c/open; chown 5000 /home/cs61c/open; mkdir -m 700 /home/cs61c/own; chown 5000 /home/cs61c/own",
    )
    const swapper = host.start(
      "cs61c-aa",
      [],
      [
        "/bin/sh",
        "-c",
        "cd; cd /home/cs61c-aa; while :; do rm -rf .swap; ln -s /home/cs61c/open .swap; rm -f .swap; ln -s /home/cs61c/own .swap; rm -f .swap; mkdir .swap; done",
      ],
    )
    for (let run = 0; run < 12; run++) await write(".swap/file")
    swapper.kill("SIGKILL")
    await swapper.exited
    expect(host.sh("ls -A /home/cs61c/open /home/cs61c/own").stdout).toBe(
      "/home/cs61c/open:\n\n/home/cs61c/own:\n",
    )
  })

  test("cannot be put into a directory that the caller may not write, or under a bad name", async () => {
    host.sh("ln -s /home/cs61c-bb /home/cs61c-aa/.theirs")
    expect((await write(".theirs/file")).stderr).toMatch(/write \/home\/cs61c-aa\/\.theirs\/file: /)
    for (const name of ["../x", "/etc/x", "a/b/c", "..", "a b"]) {
      expect((await write(name)).stderr).toMatch(/names no file in your home/)
    }
    expect(host.sh("ls -A /home/cs61c-bb /etc/x").stdout).not.toContain("file")
  })

  test("are an error before anything is recorded where the file system is full or read-only", async () => {
    host.sh("mount -t tmpfs -o size=4k,mode=700,uid=5001,gid=5001 small /home/cs61c-aa")
    asStudent("head -c 4096 /dev/zero > /home/cs61c-aa/full")
    const full = await write(".boto")
    host.sh("mount -o remount,ro /home/cs61c-aa")
    const readOnly = await write(".boto")
    host.sh("umount /home/cs61c-aa")
    expect(full.stderr).toBe(
      "transaction: write into /home/cs61c-aa/probe: no space left on device (ENOSPC)\n",
    )
    expect(readOnly.stderr).toBe(
      "transaction: write into /home/cs61c-aa/probe: read-only file system (EROFS)\n",
    )
    expect([full.code, readOnly.code]).toEqual([1, 1])
  })

  test("are a clear error within 15 s where the writer is killed, stopped or traced", async () => {
    const gone = /no help from the writer in your home: it is gone/
    const silent = /no help from the writer in your home: it does not answer/
    for (const [attack, bytes, answer] of [
      ["kill -KILL", "8", gone],
      ["kill -STOP", "8", silent],
      ["kill -STOP", "4000000", silent], // more than the socket holds
    ] as const) {
      const started = performance.now()
      const { child, pid, rest } = await hold(["--hold", "800", "--file", ".boto", "--bytes", bytes])
      const writer = childOf(pid)
      if (Bun.which("strace")) expect(asStudent(`strace -p ${writer}`).stderr).toMatch(/not permitted/)
      expect(asStudent(`${attack} ${writer}`).code).toBe(0)
      expect(await rest()).toMatch(answer)
      expect(await child.exited).toBe(1)
      expect(performance.now() - started).toBeLessThan(15_000)
      expect(recorded(pid)).toBe(1)
      host.sh(`kill -KILL ${writer}`)
    }
  })

  test("are not held up by a stopped writer's copy of the caller's pipe", async () => {
    const { child, pid } = await hold(["--hold", "500", "--file", ".boto"])
    const writer = childOf(pid)
    const open = host.sh(`ls -l /proc/${writer}/fd | awk '{ print $NF }'`).stdout.trim().split("\n")
    expect(open.filter((target) => target === "/dev/null").length).toBe(3)
    expect(open.filter((target) => target.startsWith("socket:")).length).toBe(1)
    expect(host.sh(`grep -E '^(Uid|Gid|NoNewPrivs)' /proc/${writer}/status`).stdout).toBe(
      "Uid:\t5001\t5001\t5001\t5001\nGid:\t5001\t5001\t5001\t5001\nNoNewPrivs:\t1\n",
    )
    expect(await child.exited).toBe(0)
  })
})
