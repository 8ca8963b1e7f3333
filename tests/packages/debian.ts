/** The Debian package on clean Debians: `npm run test:packages`. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type CleanRoot, cleanRoot, suites, whyNoRoots } from "./clean_root.ts"
import { config, dataDir, prefix, setUpCourse, studentsAtWork } from "./course.ts"
import { laterStep, packageOf, versions } from "./versions.ts"

setDefaultTimeout(900_000) // a busy machine takes its time

const reason = whyNoRoots()
if (reason !== null) console.log(`skipped: clean Debians: ${reason}`)

for (const suite of suites) {
  describe.skipIf(reason !== null)(`the Debian package on ${suite}`, () => {
    let clean: CleanRoot
    let emulator: Emulator

    beforeAll(async () => {
      emulator = await startEmulator()
      clean = await cleanRoot(suite)
      for (const which of ["current", "patch", "feature"] as const)
        await clean.fromOutside(["cp", packageOf(which, "deb"), `${clean.path}/root/${which}.deb`])
    })
    afterAll(async () => {
      clean?.stop()
      await emulator?.stop()
    })

    const installed = async () =>
      (await clean.as("cs61c-aa", "ec2-util --version")).stdout.split(" ")[1]?.trim()
    const steps = async () =>
      (
        await clean.fromOutside([
          "sqlite3",
          `${clean.path}${dataDir}/usage.db`,
          "SELECT name FROM schema_migrations",
        ])
      ).stdout

    test("needs neither Node, Bun nor a compiler", async () => {
      expect((await clean.sh("command -v node bun cc gcc clang python3")).stdout).toBe("")
      const { stdout, stderr, code } = await clean.sh("dpkg -i /root/current.deb")
      expect(stderr).not.toMatch(/error|cannot/i)
      expect(stdout).toContain("next:")
      expect(code).toBe(0)
    })

    test("makes the account, the setuid commands and the links that every shell finds", async () => {
      expect((await clean.sh("getent passwd cs61c")).stdout).toMatch(
        /^cs61c:x:\d{3}:\d{3}:ec2-wrappers course account:\/var\/lib\/ec2-wrappers:\/usr\/sbin\/nologin\n$/,
      )
      const listed = await clean.sh(
        `cd ${prefix}; stat -c '%n %U %a' bin/* libexec/ec2_util; stat -c %h libexec/ec2_util`,
      )
      for (const line of [
        "bin/ec2-run cs61c 4755",
        "bin/ec2-ssh root 755",
        "bin/hadoop-ec2 root 755",
        "libexec/ec2_util root 111",
      ])
        expect(listed.stdout).toContain(`${line}\n`)
      // Its file of the package and the one in use are the same: each tool has two names.
      expect(listed.stdout).toEndWith("\n28\n")
      expect((await clean.as("cs61c-aa", "command -v ec2-run")).stdout).toBe("/usr/bin/ec2-run\n")
      expect(
        (await clean.sh(`find / -xdev -type f -perm /6000 -path '*ec2*'`)).stdout.trim().split("\n").length,
      ).toBe(4)
    })

    test("is a working course after the steps that the installer names", async () => {
      await setUpCourse(clean, emulator.endpoint)
      expect(await installed()).toBe(versions.current.version)
      const doctor = await clean.sh(`${prefix}/libexec/doctor --quiet`)
      expect(doctor.stdout.split("\n").filter((line) => line.startsWith("error"))).toEqual([])
      expect((await clean.sh("dpkg --verify ec2-wrappers")).stdout).toBe("")
    })

    const change = async (which: keyof typeof versions) => {
      const load = await studentsAtWork(clean)
      await load.calls(6)
      const { stderr, code } = await clean.sh(`dpkg -i /root/${which}.deb`)
      await load.calls(6)
      return { stderr, code, ...(await load.stop()) }
    }

    test("is upgraded and downgraded without one failed command, and an old wrapper's links lose their bits", async () => {
      await clean.sh(`mkdir -p /opt/kept; ln ${prefix}/bin/ec2-run /opt/kept/old`)
      const upgrade = await change("patch")
      expect([upgrade.failures, upgrade.code]).toEqual(["", 0])
      expect(await installed()).toBe(versions.patch.version)
      expect((await clean.sh("stat -c %a /opt/kept/old")).stdout).toBe("0\n")
      expect((await clean.sh(`cat ${prefix}/bin/.replaced-*; ls ${prefix}/.incoming`)).stdout).toBe("")
      const downgrade = await change("current")
      expect([downgrade.failures, downgrade.code]).toEqual(["", 0])
      expect(await installed()).toBe(versions.current.version)
    })

    test("lets a run that began before the upgrade end right, behind a step of the databases and a copy of before", async () => {
      const run = clean.start("cs61c-aa", "ec2-run --stdin-json")
      await Bun.sleep(1000)
      const upgrade = await change("feature")
      run.stdin.write(
        JSON.stringify({
          image_id: emulator.fixtures.image,
          instance_type: "t3.micro",
          key_name: "cs61c-aa-default",
        }),
      )
      await run.stdin.end()
      expect(await new Response(run.stderr).text()).toBe("Loading request from stdin\n")
      expect(await run.exited).toBe(0)
      expect([upgrade.failures, upgrade.code]).toEqual(["", 0])
      expect(await steps()).toContain(laterStep)
      expect(await installed()).toBe(versions.feature.version)
      const copies = (await clean.sh(`ls ${dataDir}/backups`)).stdout
      expect(copies).toMatch(/^before-upgrade-\d{8}T\d{6}Z$/m)
    })

    test("refuses a downgrade behind that step, and the newer tools work on", async () => {
      const refused = await change("current")
      expect(refused.stderr).toContain(`was made by a newer version (step ${laterStep})`)
      expect(refused.stderr).toMatch(/backup_dbs --restore with the newest \S+before-upgrade-\*/)
      expect(refused.code).not.toBe(0)
      expect(refused.failures).toBe("")
      expect(await installed()).toBe(versions.feature.version)
    })

    test("goes back by the documented command, which puts the copy back", async () => {
      const back = await clean.sh(`copy=$(ls -d ${dataDir}/backups/before-upgrade-* | tail -n 1)
        setpriv --reuid cs61c --regid cs61c --clear-groups env -i ${prefix}/dist/libexec/backup_dbs --restore $copy &&
        dpkg --configure ec2-wrappers`)
      expect(back.stderr).toBe("")
      expect(back.code).toBe(0)
      expect(await installed()).toBe(versions.current.version)
      expect(await steps()).not.toContain(laterStep)
      expect((await clean.as("cs61c-aa", "ec2-active")).code).toBe(0)
    })

    test.skipIf(suite !== "bookworm")(
      "rotates the audit log, and follows none of the account's links",
      async () => {
        const rotated = await clean.sh(
          `logrotate --force --state /tmp/state /etc/logrotate.d/ec2-wrappers; ls -l ${dataDir}`,
        )
        expect(rotated.stdout).toMatch(/-rw------- 1 cs61c cs61c +0 .* audit-log\n/)
        expect(rotated.stdout).toMatch(/audit-log\.1\n/)
        expect((await clean.sh("cat /etc/logrotate.d/ec2-wrappers")).stdout).not.toContain("copytruncate")
        expect((await clean.as("cs61c-aa", "ec2-active")).code).toBe(0)
      },
    )

    test("removed, leaves no program, setuid file, timer or job, keeps config and ledger, and says what still runs", async () => {
      const cron = `setpriv --reuid cs61c --regid cs61c --clear-groups env -i ${prefix}/libexec/usage_cron`
      expect((await clean.sh(cron)).stderr).toBe("")
      const removed = await clean.sh("dpkg --remove ec2-wrappers")
      expect(removed.stdout).toMatch(/still running at AWS: 1 instance/)
      expect(removed.code).toBe(0)
      const left =
        "find / -xdev \\( -type f -perm /6000 -path '*ec2*' -o -path '/etc/cron*ec2-wrappers*' -o -path '*systemd*ec2-wrappers*' -o -path '/etc/logrotate.d/ec2*' -o -lname '*ec2-wrappers*' -o -path '/opt/ec2-wrappers*' \\)"
      expect((await clean.sh(left)).stdout).toBe("")
      expect((await clean.sh(`ls ${config} ${dataDir}/usage.db ${dataDir}/users.db`)).code).toBe(0)
    })

    test("installed again finds its data and configuration", async () => {
      expect((await clean.sh("dpkg -i /root/current.deb")).code).toBe(0)
      expect((await clean.as("cs61c-aa", "ec2-active")).stdout).toContain("t3.micro")
    })

    test("purged, takes the configuration, as Debian's policy wants it, and keeps the data", async () => {
      expect((await clean.sh("dpkg --purge ec2-wrappers")).code).toBe(0)
      expect((await clean.sh("ls -d /etc/ec2-wrappers")).code).not.toBe(0)
      expect((await clean.sh(`stat -c '%U %a' ${dataDir} ${dataDir}/usage.db`)).stdout).toBe(
        "cs61c 2700\ncs61c 600\n",
      )
    })

    test("touches nothing of root's behind links that the account has made", async () => {
      await clean.sh(`cd ${dataDir}; mkdir /root/away; mv * /root/away
        for name in users.db usage.db audit-log audit-log.1 root-access-key slots backups locks; do ln -s /etc/shadow $name; done
        ln /etc/shadow hard; chown -h cs61c:cs61c users.db usage.db audit-log audit-log.1 root-access-key slots backups locks`)
      const state = async () =>
        (await clean.sh("stat -c '%U %G %a %Y %Z' /etc/shadow; sha256sum /etc/shadow")).stdout
      const before = await state()
      for (const action of [
        "dpkg -i /root/current.deb",
        "dpkg -i /root/patch.deb",
        "dpkg --remove ec2-wrappers",
        "dpkg --purge ec2-wrappers",
      ]) {
        await clean.sh(action)
        await clean.sh("logrotate --force --state /tmp/state /etc/logrotate.d/ec2-wrappers")
        expect(`${action}: ${await state()}`).toBe(`${action}: ${before}`)
      }
      await clean.sh(`rm -rf ${dataDir}`)
    })

    test("takes over no account that was there before, until a configuration says that it is the course's", async () => {
      await clean.sh("userdel cs61c; useradd --create-home cs61c")
      const refused = await clean.sh("dpkg -i /root/current.deb")
      expect(refused.stderr).toContain("account cs61c: is there already and may be somebody else's")
      expect(refused.code).not.toBe(0)
      expect((await clean.sh("find / -xdev -user cs61c -perm /6000")).stdout).toBe("")
      const accepted = await clean.sh(
        `mkdir -p /etc/ec2-wrappers && ${prefix}/dist/install --print-config >${config} && dpkg --configure ec2-wrappers`,
      )
      expect(accepted.code).toBe(0)
      expect((await clean.as("cs61c-aa", "ec2-util --version")).code).toBe(0)
    })
  })
}
