/** The real tools on the tests' own login host: installed by the installer, called by students, against the emulator. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { compileWrapper, dataDir, type Host, makeDist, makeHost, prefix, whyNoNamespaces } from "./host.ts"

const skipped = whyNoNamespaces() !== null
let emulator: Emulator
let host: Host

beforeAll(async () => {
  if (skipped) return
  emulator = await startEmulator()
  host = await makeHost(
    makeDist([
      ...[
        "ec2_util",
        "init_dbs",
        "setup",
        "doctor",
        "backup_dbs",
        "usage_cron",
        "usage_report",
        "microproxy",
      ],
    ]),
  )
  const key =
    '{"aws_access_key_id":"AKIAIOSFODNN7EXAMPLE","aws_secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
  const ready = await host.run(`set -e
    sed -i 's|^region.*|region = "us-east-1"\\nendpoint = "${emulator.endpoint}"|; s|^# budget|budget|; s|^# course_budget|course_budget|' /etc/ec2-wrappers/config.toml
    printf '%s' '${key}' > ${dataDir}/root-access-key; chown cs61c:cs61c ${dataDir}/root-access-key; chmod 0400 ${dataDir}/root-access-key
    act="${host.shared}/act gid=5000 uid=5000 --"
    $act ${prefix}/libexec/init_dbs; $act ${prefix}/libexec/setup; $act ${prefix}/libexec/backup_dbs; $act ${prefix}/libexec/usage_cron
    chmod 0700 /home/cs61c-aa /home/cs61c-bb`)
  expect(ready.stderr).toBe("")
  expect(ready.code).toBe(0)
})
afterAll(async () => {
  host?.stop()
  await emulator?.stop()
})

describe.skipIf(skipped)("cron", () => {
  test("has nothing to mail where all is well", async () => {
    const jobs = host.sh("sed -n 's|^[*0-9].* cs61c ||p' /etc/cron.d/ec2-wrappers").stdout.trim().split("\n")
    expect(jobs.length).toBe(4)
    for (const job of jobs) {
      const ran = await host.run(`${host.shared}/act gid=5000 uid=5000 -- /bin/sh -c '${job}'`)
      expect(ran).toEqual({ stdout: "", stderr: "", code: 0 })
    }
  })
})

describe.skipIf(skipped)("ec2-util behind the wrapper", () => {
  test("makes an account and its files where neither side can read the other's", async () => {
    const { stdout, stderr, code } = await host.as(
      "cs61c-aa",
      ["chdir=/home/cs61c-aa"],
      [`${prefix}/bin/ec2-util`, "--init"],
    )
    expect(stderr).toBe("")
    expect(stdout).toContain("Creating account...")
    expect(code).toBe(0)
    const files = host.sh("cd /home/cs61c-aa; find . -type f -printf '%p %u %g %m\\n' | sort").stdout
    for (const file of [".aws/credentials", ".boto", "cs61c-aa-default.pem", "ec2-environment.sh"]) {
      expect(files).toContain(`./${file} cs61c-aa cs61c-aa 600\n`)
    }
    const asAccount = host.sh(`${host.shared}/act gid=5000 uid=5000 -- /bin/cat /home/cs61c-aa/.boto`)
    expect(asAccount.stderr).toMatch(/Permission denied/)
    const asStudent = await host.as(
      "cs61c-aa",
      [],
      ["/bin/cat", `${dataDir}/users.db`, `${dataDir}/root-access-key`],
    )
    expect(asStudent.stdout).toBe("")
  })

  test("works at the lowest limits that the wrapper lets pass", async () => {
    const mib = 1024 * 1024
    const lowest = Object.entries({
      nofile: 256,
      as: 8192 * mib,
      data: 4096 * mib,
      stack: mib,
      fsize: 2048 * mib,
      cpu: 60,
    })
    const steps = [...lowest.map(([name, limit]) => `limit=${name}:${limit}:${limit}`), "limit=nproc:512:512"]
    const { stdout, stderr, code } = await host.as("cs61c-bb", steps, [`${prefix}/bin/ec2-util`, "--init"])
    expect(stderr).toBe("")
    expect(stdout).toContain("Creating account...")
    expect(code).toBe(0)
  })

  test("works with every limit that the wrapper does not know at nothing", async () => {
    const names = ["core", "memlock", "rss", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"]
    const { code } = await host.as(
      "cs61c-bb",
      names.map((name) => `limit=${name}:0:0`),
      [`${prefix}/bin/ec2-util`, "--list"],
    )
    expect(code).toBe(0)
  })

  test("puts a report into the caller's home and nowhere else", async () => {
    const report = (file: string) =>
      host.as("cs61c-aa", ["chdir=/tmp"], [`${prefix}/bin/ec2-usage`, "--html", file])
    expect((await report("report.html")).code).toBe(0)
    expect(host.sh("stat -c '%U %a' /home/cs61c-aa/report.html").stdout).toBe("cs61c-aa 600\n")
    for (const path of ["/tmp/report.html", "../report.html", `${dataDir}/report.html`]) {
      const { stderr, code } = await report(path)
      expect(stderr).toMatch(/names no file in your home/)
      expect(code).toBe(2)
    }
    expect(host.sh(`ls /tmp/report.html ${dataDir}/report.html`).stdout).toBe("")
  })

  test("opens no bill for a caller, but reads it from stdin", async () => {
    host.sh(`sed -i 's|^staff *=.*|staff = ["cs61c", "cs61c-ta"]|' /etc/ec2-wrappers/config.toml`)
    host.sh(
      "printf 'lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/ResourceId,lineItem/UsageType,lineItem/UnblendedCost\\n2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,AmazonEC2,i-00000001,BoxUsage:m1.small,0.25\\n' > /home/cs61c-ta/bill.csv",
    )
    const reconcile = (source: string, redirect = "") =>
      host.as(
        "cs61c-ta",
        ["chdir=/home/cs61c-ta"],
        ["/bin/sh", "-c", `exec ${prefix}/bin/ec2-usage --reconcile ${source} ${redirect}`],
      )
    for (const path of ["bill.csv", "/home/cs61c-ta/bill.csv", `${dataDir}/root-access-key`]) {
      const { stdout, stderr, code } = await reconcile(path)
      expect(stderr).toMatch(/^ec2-usage: reconcile: [^\n]*pipe it in, with --reconcile -[^\n]*\n$/)
      expect([stdout, code]).toEqual(["", 2])
    }
    const { stdout, stderr, code } = await reconcile("-", "< bill.csv")
    expect(stderr).toBe("")
    expect(stdout).toContain("$0.25 not launched through us")
    expect(code).toBe(0)
  })

  test("keeps no group or other bits on anything of the account's", () => {
    expect(host.sh(`find ${dataDir} -perm /077; find ${dataDir} ! -user cs61c`).stdout).toBe("")
  })

  test("believes the wrapper about who calls, not the caller", async () => {
    const steps = ["REAL_USERNAME=cs61c-aa", "USER=cs61c-aa", "LOGNAME=cs61c-aa"].map(
      (variable) => `env=${variable}`,
    )
    const { stdout } = await host.as("cs61c-bb", steps, [`${prefix}/bin/ec2-util`, "--list", "--json"])
    expect(stdout).not.toContain("cs61c-aa")
  })

  test("shows no stack and no debugging to a caller who asks for it", async () => {
    const { stderr } = await host.as(
      "cs61c-bb",
      ["env=EC2_WRAPPERS_DEBUG=1"],
      [`${prefix}/bin/ec2-util`, "--dump-ssh-key"],
    )
    expect(stderr.trimEnd().split("\n").length).toBe(1)
  })
})

describe.skipIf(skipped)("a wrapper", () => {
  const isEc2Util = (done: { stdout: string; stderr: string; code: number }) => {
    expect(done.stderr).toBe("")
    expect(done.stdout).toStartWith("ec2-util ")
  }

  test("starts its own tool, whatever its caller calls it", async () => {
    host.sh(`mkdir -m 755 /home/links; ln -s ${prefix}/bin/ec2-util /home/links/kill_all_accounts`)
    isEc2Util(await host.as("cs61c-aa", [], ["/home/links/kill_all_accounts", "--version"]))
    const named = `exec -a setup ${prefix}/bin/ec2-util --version`
    isEc2Util(await host.as("cs61c-aa", [], ["/bin/bash", "-c", named]))
    const byDescriptor = `exec 3<${prefix}/bin/ec2-util; exec /proc/self/fd/3 --version`
    isEc2Util(await host.as("cs61c-aa", [], ["/bin/sh", "-c", byDescriptor]))
  })

  test("and its tool both work on while an upgrade gives their names to other files", async () => {
    const loop = `for run in 1 2 3 4 5 6 7 8 9 10 11 12; do ${prefix}/bin/ec2-util --version || echo failed; done`
    const student = host.start("cs61c-aa", [], ["/bin/sh", "-c", loop])
    for (let upgrade = 0; upgrade < 6; upgrade++) {
      host.sh(`cd ${prefix}/libexec; cp ec2_util x; chmod 111 x; mv x ec2_util
        cd ../bin; cp -p ec2-util x; chown cs61c x; chmod 4755 x; ln ec2-util y; mv x ec2-util; chmod 0 y; rm y`)
    }
    const said = await new Response(student.stdout).text()
    expect(await new Response(student.stderr).text()).toBe("")
    expect(said.trimEnd().split("\n")).toEqual(Array(12).fill(said.split("\n")[0]))
    expect(said).toStartWith("ec2-util ")
  })

  const wrapped: [what: string, program: string, make: string, reason: RegExp][] = [
    [
      "a tool of staff's",
      "setup",
      ":",
      /^setup: runs with its caller's own rights, never behind a setuid wrapper\n$/,
    ],
    ["a tool that needs no privilege", "microproxy", ":", /^microproxy: runs with its caller's own rights/],
    [
      "what is not the tool that it was compiled for",
      "other",
      `ln -f ${prefix}/libexec/ec2_util ${prefix}/libexec/other`,
      /holds no tool named "other"|its wrapper starts "other", not this tool/,
    ],
  ]
  for (const [what, program, make, reason] of wrapped) {
    test(`lets nobody reach ${what}`, async () => {
      host.sh(make)
      compileWrapper(join(host.shared, "ec2-wrong"), program)
      host.sh(`install -o cs61c -m 4755 ${host.shared}/ec2-wrong ${prefix}/bin/ec2-wrong`)
      const { stdout, stderr, code } = await host.as("cs61c-aa", [], [`${prefix}/bin/ec2-wrong`, "--version"])
      host.sh(`rm -f ${prefix}/bin/ec2-wrong ${prefix}/libexec/other`)
      expect(stderr).toMatch(reason)
      expect([stdout, code]).toEqual(["", 126])
    })
  }

  test("starts nothing where /proc does not say where it lies", async () => {
    host.sh("mount -t tmpfs -o mode=755 nothing /proc")
    const { stdout, stderr, code } = await host.as("cs61c-aa", [], [`${prefix}/bin/ec2-util`, "--version"])
    host.sh("umount /proc")
    expect(stderr).toMatch(/^ec2-util: \/proc\/self\/exe: /)
    expect([stdout, code]).toEqual(["", 126])
  })
})

describe.skipIf(skipped)("doctor on an installed host", () => {
  const doctor = async (script: string) => {
    const { stdout, stderr } = await host.run(`${script} --json`)
    expect(stderr).toBe("")
    const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string; found: string }[] }
    const wrong = findings.filter(({ level }) => level === "error")
    return { findings, wrong }
  }
  const errorsAfter = async (damage: string, repair: string) => {
    host.sh(damage)
    const { wrong } = await doctor(`${prefix}/libexec/doctor --offline`)
    host.sh(repair)
    return (
      wrong
        .map(({ what, found }) => `${what}: ${found}`)
        // One finding where one executable is all tools.
        .filter((line) => !/\/(bin|libexec)\//.test(line) || /ec2.util/.test(line))
    )
  }

  test("finds no error, called by root or by the account", async () => {
    for (const script of [
      `${prefix}/libexec/doctor`,
      `${host.shared}/act gid=5000 uid=5000 -- ${prefix}/libexec/doctor`,
    ]) {
      expect((await doctor(script)).wrong).toEqual([])
    }
    expect(host.sh(`find ${dataDir} ! -user cs61c`).stdout).toBe("")
  })

  for (const [what, damage, repair, reason] of [
    [
      "a lost setuid bit",
      `chmod 755 ${prefix}/bin/ec2-util`,
      `chmod 4755 ${prefix}/bin/ec2-util`,
      /bin\/ec2-util: uid 5000, mode 0755; wanted/,
    ],
    [
      "a readable program",
      `chmod 755 ${prefix}/libexec/ec2_util`,
      `chmod 111 ${prefix}/libexec/ec2_util`,
      /libexec\/ec2_util: uid 0, mode 0755; wanted/,
    ],
    [
      "a directory that others may write",
      `chmod 777 ${prefix}`,
      `chmod 755 ${prefix}`,
      /ec2-wrappers: can be written by others \(mode 0777\)/,
    ],
    [
      "a nosuid mount",
      "mount -o remount,nosuid /opt",
      "mount -o remount,suid /opt",
      /mount \/opt: is mounted nosuid/,
    ],
    [
      "an open key",
      `chmod 644 ${dataDir}/root-access-key`,
      `chmod 400 ${dataDir}/root-access-key`,
      /root-access-key: is open to others/,
    ],
  ] as const) {
    test(`finds ${what}`, async () => {
      const lines = await errorsAfter(damage, repair)
      expect(lines.length).toBe(1)
      expect(lines[0]).toMatch(reason)
    })
  }
})
