/** Sessions through the installed wrapper: many clients of one login at once, over ssh, and files that the writer moves aside. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { skipWithout } from "../support/skips.ts"
import {
  dataDir,
  type Finished,
  type Host,
  makeDist,
  makeHost,
  prefix,
  root,
  whyNoNamespaces,
} from "./host.ts"

const skipped = whyNoNamespaces() !== null
const login = "cs61c-aa"
const util = `${prefix}/bin/ec2-util`
let emulator: Emulator
let host: Host

/** As the account. */
const act = (command: string) => `${host.shared}/act gid=5000 uid=5000 -- ${command}`
const credentials = (): Promise<Finished> => host.as(login, [], [util, "--credentials"])
const assumed = () => emulator.proxy.calls.filter(({ action }) => action === "AssumeRole").length

beforeAll(async () => {
  if (skipped) return
  emulator = await startEmulator()
  host = await makeHost(makeDist(["ec2_util", "init_dbs", "setup"]))
  const key =
    '{"aws_access_key_id":"AKIAIOSFODNN7EXAMPLE","aws_secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
  const ready = await host.run(`set -e
    sed -i 's|^region.*|region = "us-east-1"\\nendpoint = "${emulator.endpoint}"|' /etc/ec2-wrappers/config.toml
    printf '%s' '${key}' > ${dataDir}/root-access-key; chown cs61c:cs61c ${dataDir}/root-access-key; chmod 0400 ${dataDir}/root-access-key
    chmod 0700 /home/${login}
    ${act(`${prefix}/libexec/init_dbs`)}; ${act(`${prefix}/libexec/setup`)}`)
  expect(ready).toMatchObject({ stderr: "", code: 0 })
  expect((await host.as(login, [], [util, "--init"])).code).toBe(0)
  const changed = await host.run(`set -e
    sed -i 's|^credentials = "keys".*|credentials = "sessions"|' /etc/ec2-wrappers/config.toml
    ${act(`${prefix}/libexec/setup`)}`)
  expect(changed).toMatchObject({ stderr: "", code: 0 })
})
afterAll(async () => {
  host?.stop()
  await emulator?.stop()
})

describe.skipIf(skipped)("sessions behind the wrapper", () => {
  test("the writer moves files with a key aside, and nothing in the home is anybody else's", async () => {
    const before = host.sh(`cat /home/${login}/.boto`).stdout
    const { stdout, stderr, code } = await host.as(login, [], [util, "--init"])
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 })
    expect(stdout).toContain("Moving .boto to .boto.old")
    expect(host.sh(`cat /home/${login}/.boto.old`).stdout).toBe(before)
    expect(host.sh(`ls -A /home/${login} | grep -c '^.boto$'`).stdout).toBe("0\n")
    expect(host.sh(`find /home/${login} -mindepth 1 ! -user ${login}`).stdout).toBe("")
  })

  test("32 calls of one login at once all get credentials, and AWS is asked once", async () => {
    emulator.proxy.faults.add({ kind: "delay", action: "AssumeRole", delayMs: 1500 })
    const before = assumed()
    const all = await Promise.all(Array.from({ length: 32 }, credentials))
    expect(all.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).toEqual([])
    expect(new Set(all.map(({ stdout }) => JSON.parse(stdout).AccessKeyId)).size).toBe(1)
    expect(assumed() - before).toBe(1)
  })

  test("another login cannot read the recorded session, nor become the first", async () => {
    const files = [`${dataDir}/users.db`, `${dataDir}/users.db-wal`, `${dataDir}/audit-log`]
    const read = await host.as("cs61c-bb", [], ["/bin/cat", ...files])
    expect(read.stdout).toBe("")
    const forged = await host.as("cs61c-bb", [], [util, "--credentials"], {
      env: { REAL_USERNAME: login, REAL_UID: "5001" },
    })
    expect(forged.stdout).toBe("")
    expect(forged.stderr).toContain("cs61c-bb has no account yet")
    const direct = await host.as("cs61c-bb", [], [`${prefix}/libexec/ec2_util`, "--credentials"], {
      env: { REAL_USERNAME: login },
    })
    expect(direct.stdout).toBe("")
    expect(direct.code).not.toBe(0)
  })
})

describe.skipIf(skipped || skipWithout("sshd"))("from a laptop, over ssh", () => {
  test("the documented line gives the JSON alone, whatever banner and shell print", async () => {
    const port = 20_000 + (process.pid % 10_000)
    const laptop = join(host.shared, "laptop")
    mkdirSync(laptop)
    Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(laptop, "key")])
    writeFileSync(
      join(host.shared, "noise"),
      "echo hello from .bashrc; printf 'and no end of line: '; trap 'echo bye' EXIT\n",
    )
    writeFileSync(join(host.shared, "banner"), "*** private machine ***\n")
    const started = host.sh(`set -e
      sed -i 's|^\\(${login}:.*\\):/bin/sh$|\\1:/bin/bash|' /etc/passwd
      cp ${host.shared}/noise /home/${login}/.bashrc
      mkdir -p /home/${login}/.ssh /run/sshd
      cp ${laptop}/key.pub /home/${login}/.ssh/authorized_keys
      chown -R ${login}:${login} /home/${login}
      chmod 0700 /home/${login}/.ssh
      ssh-keygen -q -t ed25519 -N '' -f ${host.shared}/host_key
      "$(command -v sshd)" -f /dev/null -h ${host.shared}/host_key -p ${port} -o ListenAddress=127.0.0.1 \\
        -o StrictModes=no -o UsePAM=no -o PidFile=none -o Banner=${host.shared}/banner -E ${host.shared}/sshd.log`)
    expect(started).toMatchObject({ stderr: "", code: 0 })
    writeFileSync(
      join(laptop, "config"),
      `Host HOST\n  HostName 127.0.0.1\n  Port ${port}\n  User ${login}\n  IdentityFile ${laptop}/key\n  BatchMode yes\n` +
        "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n",
    )
    const page = readFileSync(join(root, "docs", "sessions.md"), "utf8")
    const documented = /^credential_process = (.*)$/m.exec(page)?.[1] ?? ""
    const line = documented.replace("ssh -T", `ssh -F ${laptop}/config -T`)
    const asked = Bun.spawnSync(["sh", "-c", line], { stderr: "pipe" })
    const stdout = String(asked.stdout)
    expect({ lines: stdout.split("\n").length, stderr: String(asked.stderr) }).toEqual({
      lines: 2,
      stderr: expect.stringContaining("private machine"),
    })
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1, AccessKeyId: expect.stringMatching(/^ASIA/) })
    // What the shell prints would be in the way without it.
    const bare = Bun.spawnSync(["ssh", "-F", join(laptop, "config"), "-T", "HOST", util, "--credentials"])
    expect(String(bare.stdout)).toStartWith("hello from .bashrc\n")
    // Refused: no JSON, and our line.
    host.sh(`sed -i 's|^credentials = "sessions".*|credentials = "keys"|' /etc/ec2-wrappers/config.toml`)
    const refused = Bun.spawnSync(["sh", "-c", line], { stderr: "pipe" })
    expect(String(refused.stdout)).toBe("")
    expect(String(refused.stderr)).toContain("has an access key instead of sessions")
  })
})
