/** The installer, on a login host of the tests' own. The packages that call it: tests/packages. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import packageJson from "../../package.json" with { type: "json" }
import { type Host, makeDist, makeHost, prefix, whyNoNamespaces } from "./host.ts"

const skipped = whyNoNamespaces() !== null
const snapshot =
  "find /opt /etc/ec2-wrappers /etc/cron.d /etc/logrotate.d /var/lib/ec2-wrappers -printf '%p %u:%g %m %s\\n' | sort"
let dist: string
let host: Host

beforeAll(async () => {
  if (skipped) return
  dist = makeDist([])
  host = await makeHost(dist)
})
afterAll(() => host?.stop())

function expectInstalled() {
  const listed = host.sh(snapshot).stdout
  for (const line of [
    `${prefix} root:root 755`,
    `${prefix}/bin root:root 755`,
    `${prefix}/libexec root:root 755`,
    `${prefix}/libexec/usage_cron root:root 111`,
    `${prefix}/bin/ec2-util cs61c:cs61c 4755`,
    `${prefix}/bin/ec2-run cs61c:cs61c 4755`,
    `${prefix}/bin/ec2-ssh root:root 755`,
    `${prefix}/bin/hadoop-ec2 root:root 755`,
    "/etc/ec2-wrappers/config.toml root:root 644",
    "/etc/cron.d/ec2-wrappers root:root 644",
    "/etc/logrotate.d/ec2-wrappers root:root 644",
    "/var/lib/ec2-wrappers cs61c:cs61c 2700",
    "/var/lib/ec2-wrappers/slots cs61c:cs61c 2700",
    "/var/lib/ec2-wrappers/backups cs61c:cs61c 2700",
  ]) {
    if (!line.includes("usage_cron") || listed.includes("usage_cron")) expect(listed).toContain(`${line} `)
  }
}

describe.skipIf(skipped)("install", () => {
  test("gives everything its place, owner and mode", expectInstalled)

  test("run again finds nothing to do", () => {
    const before = host.sh(snapshot).stdout
    const { stdout, code } = host.sh(`${dist}/install`)
    expect(stdout).toStartWith("nothing to do\n")
    expect(code).toBe(0)
    expect(host.sh(snapshot).stdout).toBe(before)
  })

  test("links each command where every shell finds it, and takes no other program's name", () => {
    expect(host.sh("readlink /usr/local/bin/ec2-run").stdout).toBe(`${prefix}/bin/ec2-run\n`)
    host.sh("ln -sf /bin/true /usr/local/bin/ec2-run")
    expect(host.sh(`${dist}/install`).stderr).toContain("/usr/local/bin/ec2-run is another program")
    expect(host.sh("readlink /usr/local/bin/ec2-run").stdout).toBe("/bin/true\n")
    host.sh(`ln -sf ${prefix}/bin/ec2-run /usr/local/bin/ec2-run`)
  })

  test("says what is next: the config's keys, the least policy, and how to store the key", () => {
    const { stdout } = host.sh(`${dist}/install`)
    for (const step of [
      "course_budget",
      "[launch]",
      "enforce = true",
      "--check-config",
      "--print-policy",
      "--store-key",
    ])
      expect(stdout).toContain(step)
    expect(host.sh(`${dist}/install --version`).stdout).toBe(`ec2-wrappers ${packageJson.version}\n`)
    expect(host.sh(`${dist}/install --print-config`).stdout).toBe(
      host.sh("cat /etc/ec2-wrappers/config.toml").stdout,
    )
    expect(host.sh("cat /etc/ec2-wrappers/config.toml").stdout).toMatch(/^budget = 50\.00 /m)
  })

  test("with --dry-run prints what it would do, and does nothing", () => {
    host.sh(`chmod 755 ${prefix}/bin/ec2-util; rm /etc/cron.d/ec2-wrappers`)
    const before = host.sh(snapshot).stdout
    const { stdout } = host.sh(`${dist}/install --dry-run`)
    expect(stdout).toBe(`chmod 4755 ${prefix}/bin/ec2-util\nwrite /etc/cron.d/ec2-wrappers\n`)
    expect(host.sh(snapshot).stdout).toBe(before)
    host.sh(`${dist}/install`)
    expectInstalled()
  })

  test("upgrades a wrapper with one rename, and the old one's bits go right after: a hard link loses them too", () => {
    host.sh(`mkdir /opt/kept; ln ${prefix}/bin/ec2-util /opt/kept/old; printf x >> ${dist}/bin/ec2-util`)
    const { stdout, code } = host.sh(`${dist}/install`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nmv -f \S+\/bin\/ec2-util \S+\nchmod 0 \S+\/\.replaced-ec2-util\nrm -f /)
    expect(stdout).not.toMatch(/chmod 0 .*bin\/ec2-util\n/)
    expect(host.sh("stat -c %a /opt/kept/old").stdout).toBe("0\n")
    expectInstalled()
  })

  test("takes over a data directory that root has made, with the key in it", () => {
    host.sh(`cd /var/lib; mv ec2-wrappers away; mkdir -m 755 ec2-wrappers; install -m 644 /dev/null ec2-wrappers/root-access-key
      install -m 644 /dev/null ec2-wrappers/audit-log; ln ec2-wrappers/audit-log linked; ${dist}/install`)
    const found = host.sh("cd /var/lib/ec2-wrappers; stat -c '%n %U %a' . root-access-key audit-log").stdout
    host.sh("cd /var/lib; rm -r linked ec2-wrappers; mv away ec2-wrappers")
    expect(found).toBe(". cs61c 2700\nroot-access-key cs61c 400\naudit-log root 644\n")
  })

  test("retires a setuid command that the older version had", () => {
    host.sh(
      `install -o cs61c -m 4755 /bin/true ${prefix}/bin/ec2-older; install -m 4755 /bin/true ${prefix}/bin/roots`,
    )
    expect(host.sh(`${dist}/install`).stdout).toStartWith(
      `chmod 0 ${prefix}/bin/ec2-older\nrm -f ${prefix}/bin/ec2-older\n`,
    )
    expect(host.sh(`ls ${prefix}/bin/roots`).code).toBe(0)
    host.sh(`rm ${prefix}/bin/roots`)
  })

  test("keeps the configuration, and finds the data directory that it names", () => {
    host.sh(`echo '# mine' >> /etc/ec2-wrappers/config.toml
      sed -i 's|^data_dir.*|data_dir = "/var/lib/elsewhere"|' /etc/ec2-wrappers/config.toml; ${dist}/install`)
    expect(host.sh("cat /etc/ec2-wrappers/config.toml").stdout).toEndWith("# mine\n")
    expect(host.sh("stat -c '%U %a' /var/lib/elsewhere").stdout).toBe("cs61c 2700\n")
    expect(host.sh("head -n 1 /etc/logrotate.d/ec2-wrappers").stdout).toBe("/var/lib/elsewhere/audit-log {\n")
    host.sh(
      `sed -i 's|^data_dir.*|data_dir = "/var/lib/ec2-wrappers"|' /etc/ec2-wrappers/config.toml; ${dist}/install`,
    )
  })

  test("puts no budget into a configuration that has none: what a course allows is not an upgrade's to change", () => {
    const path = "/etc/ec2-wrappers/config.toml"
    host.sh(`cp ${path} /tmp/before; sed -i '/^budget/d' ${path}; cp ${path} /tmp/without`)
    const { stdout, code } = host.sh(`printf x >> ${dist}/bin/ec2-util; ${dist}/install`)
    expect(stdout).toContain("/bin/ec2-util")
    expect(code).toBe(0)
    expect(host.sh(`cmp ${path} /tmp/without`)).toMatchObject({ stdout: "", code: 0 })
    host.sh(`cp /tmp/before ${path}; rm /tmp/before /tmp/without`)
  })

  test("tightens what the old tools left open, and leaves what root put into the account's directory", () => {
    const { stderr } = host.sh(`cd /var/lib/ec2-wrappers; install -o cs61c -m 644 /dev/null users.db
      install -m 600 /dev/null root-access-key; ln -s /etc/passwd audit-log; ${dist}/install`)
    expect(stderr).toMatch(/root-access-key belongs to another login, and the tools will not use it/)
    expect(host.sh("cd /var/lib/ec2-wrappers; stat -c '%U %a' users.db root-access-key").stdout).toBe(
      "cs61c 600\nroot 600\n",
    )
    expect(host.sh("stat -c '%U %a' /etc/passwd").stdout).toBe("root 644\n")
    host.sh("cd /var/lib/ec2-wrappers; rm users.db root-access-key audit-log")
  })

  test("touches nothing that the account's links lead to, whatever it has linked", () => {
    host.sh(`cd /var/lib/ec2-wrappers; rm -rf slots backups; chmod 755 .
      for name in users.db usage.db audit-log root-access-key slots backups users.db-wal x; do ln -s /etc/shadow $name; done
      ln /etc/shadow hard-link; chown -h cs61c *`)
    const before = host.sh("stat -c '%U %G %a %Y' /etc/shadow /etc; sha256sum /etc/shadow").stdout
    const done = host.sh(`${dist}/install`)
    expect(host.sh("stat -c '%U %G %a %Y' /etc/shadow /etc; sha256sum /etc/shadow").stdout).toBe(before)
    expect(done.stderr).toMatch(
      /mkdir: cannot create directory .\/var\/lib\/ec2-wrappers\/backups.: File exists/,
    )
    if (Bun.which("logrotate"))
      host.sh("logrotate --force --state /tmp/rotated /etc/logrotate.d/ec2-wrappers")
    host.sh(`${prefix}/libexec/install --uninstall`)
    expect(host.sh("stat -c '%U %G %a %Y' /etc/shadow /etc; sha256sum /etc/shadow").stdout).toBe(before)
    host.sh(`rm -rf /var/lib/ec2-wrappers/*; ${dist}/install`)
    expectInstalled()
  })

  const refusals: [what: string, before: string, reason: RegExp, after: string][] = [
    [
      "a nosuid mount",
      "mount -o remount,nosuid /opt",
      /lies on \/opt, which is mounted nosuid/,
      "mount -o remount,suid /opt",
    ],
    ["a noexec mount", "mount -o remount,noexec /opt", /mounted noexec/, "mount -o remount,exec /opt"],
    [
      "an account that is root",
      "sed -i s/^cs61c:x:5000/cs61c:x:0/ /etc/passwd",
      /is root/,
      "sed -i s/^cs61c:x:0/cs61c:x:5000/ /etc/passwd",
    ],
    [
      "an account in root's group",
      "sed -i s/5000:5000/5000:0/ /etc/passwd",
      /group is root's/,
      "sed -i s/5000:0/5000:5000/ /etc/passwd",
    ],
    [
      "a prefix that others may write above",
      "chmod 777 /opt",
      /^install: \/opt: is "0 drwxrwxrwx"/,
      "chmod 755 /opt",
    ],
    [
      "a data directory of somebody else's",
      "chown 5001 /var/lib/ec2-wrappers",
      /belongs to cs61c-aa and is not empty/,
      "chown 5000 /var/lib/ec2-wrappers",
    ],
    [
      "an incomplete build",
      `mv ${"DIST"}/bin/ec2-run /tmp/ec2-run.away`,
      /ec2-run: is missing/,
      `mv /tmp/ec2-run.away ${"DIST"}/bin/ec2-run`,
    ],
  ]
  for (const [what, before, reason, after] of refusals) {
    test(`refuses ${what}, before it changes anything`, () => {
      host.sh(before.replaceAll("DIST", dist))
      const listed = host.sh(snapshot).stdout
      const { stderr, code } = host.sh(`${dist}/install`)
      const unchanged = host.sh(snapshot).stdout === listed
      host.sh(after.replaceAll("DIST", dist))
      expect(stderr).toMatch(reason)
      expect(code).toBe(1)
      expect(unchanged).toBe(true)
      expect(host.sh(`${dist}/install`).stdout).toContain("nothing to do")
    })
  }

  test("refuses to be anybody but root, and options it does not know", async () => {
    expect((await host.as("cs61c-aa", [], [`${dist}/install`])).stderr).toMatch(/must run as root/)
    expect(host.sh(`${dist}/install --purge`).code).toBe(2)
  })

  test.skipIf(!Bun.which("logrotate"))("writes a rotation that logrotate accepts", () => {
    const { stderr, code } = host.sh("logrotate -d /etc/logrotate.d/ec2-wrappers")
    expect(stderr).not.toMatch(/error/)
    expect(code).toBe(0)
  })

  test("--uninstall leaves configuration and data, and nothing else", () => {
    host.sh(`install -o cs61c -m 4755 /bin/true ${prefix}/bin/ec2-older`) // of a version before this one
    expect(host.sh(`${prefix}/libexec/install --uninstall`).code).toBe(0)
    expect(
      host.sh(
        "find /opt -path '*ec2-wrappers*'; find /usr/local -lname '*ec2-wrappers*'; ls /etc/cron.d/ec2-wrappers /etc/logrotate.d/ec2-wrappers",
      ).stdout,
    ).toBe("")
    expect(host.sh("stat -c '%U %a' /var/lib/ec2-wrappers /etc/ec2-wrappers/config.toml").stdout).toBe(
      "cs61c 2700\nroot 644\n",
    )
  })
})
