/**
 * Warnings as they reach people: usage_cron in a mount namespace of its own, where /usr/sbin/sendmail is a program that records, and
 * write(1) is the system's own and finds a person logged in on a real terminal.
 */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utcMsOf } from "../../lib/base/time.ts"
import { compiledTool, root } from "../support/build.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"
import { noteSkipped } from "../support/skips.ts"
import { finished } from "../support/tools.ts"

const why =
  process.getuid?.() !== 0
    ? "not root, so no mount namespace"
    : !Bun.which("unshare") || Bun.spawnSync(["unshare", "--mount", "true"]).exitCode !== 0
      ? "no mount namespace can be made"
      : null
const canWrite = ["/usr/bin/write", "/bin/write"].some(existsSync) && Bun.which("script") !== null
if (why) noteSkipped(`warnings by real programs: ${why}`)
else if (!canWrite) noteSkipped("write(1) on a terminal: no write or no script (bsdextrautils, bsdutils)")

const minute = 60_000
const emulator = await startEmulator()
let day: CourseDay
let place: string
beforeEach(async () => {
  day = await courseDay(emulator)
  place = mkdtempSync(join(tmpdir(), "warnings-"))
  for (const name of ["sbin", "mail"]) mkdirSync(join(place, name))
})
afterEach(() => {
  day.close()
  rmSync(place, { recursive: true })
})
afterAll(() => emulator.stop())

/** A sendmail with this body, a shell script's. */
function sendmail(body: string): void {
  const path = join(place, "sbin/sendmail")
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
}

const recording = () => sendmail(`n=$(ls ${place}/mail | wc -l)\n{ echo "$@"; cat; } >${place}/mail/$n`)
const mails = () =>
  readdirSync(join(place, "mail")).map((name) => readFileSync(join(place, "mail", name), "utf8"))
const audited = () => readFileSync(join(day.course.dataDir, "audit-log"), "utf8")

/** `usage_cron --enforce`, with the student logged in on a terminal or not. */
async function cron(isLoggedIn: boolean) {
  const command =
    process.env.TEST_TOOLS === "compiled"
      ? [compiledTool("usage_cron")]
      : [process.execPath, join(root, "scripts/usage_cron.ts")]
  const logIn = `python3 ${join(root, "tests/support/log_in.py")} ${student} ${place}/ready; sleep 100`
  const inNamespace = `
    mount --bind ${place}/sbin /usr/sbin && mount -t tmpfs none /run && : >/run/utmp || exit 99
    ${isLoggedIn ? `script -qfc '${logIn}' ${place}/screen </dev/null >/dev/null 2>&1 & person=$!` : `: >${place}/ready`}
    while ! [ -e ${place}/ready ]; do sleep 0.05; done
    "$@"; code=$?
    ${isLoggedIn ? "kill $person" : ":"}
    exit $code`
  const begun = performance.now()
  const child = Bun.spawn(
    [
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "/bin/sh",
      "-c",
      inNamespace,
      "sh",
      ...command,
      "--enforce",
    ],
    {
      env: {
        ...{ PATH: process.env.PATH ?? "", HOME: day.course.home("cs61c"), REAL_USERNAME: "cs61c" },
        EC2_WRAPPERS_CONFIG: day.course.configPath,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  )
  return { ...(await finished(child)), seconds: (performance.now() - begun) / 1000 }
}

async function launchEndingIn(ms: number): Promise<string> {
  const [id = ""] = await day.launch()
  day.usageDb().leases.extend(id, utcMsOf(Date.now() + ms))
  return id
}

describe.skipIf(why !== null)("a warning", () => {
  test("is mailed by sendmail, with the instance, the time that is left and how to extend", async () => {
    recording()
    const id = await launchEndingIn(30 * minute)
    const end = new Date(day.usageDb().leases.of(id)?.endsAtUtcMs ?? 0).toISOString().slice(0, 19)
    const { stderr, code } = await cron(false)
    expect([stderr, code]).toEqual(["", 0])
    expect(mails()).toEqual([
      `-i -- ${student}\nTo: ${student}\nSubject: The lease of ${id} ends soon\nAuto-Submitted: auto-generated\n\n` +
        `The lease of ${id} (m1.small) ends in 29 minutes, at ${end}Z. To keep it longer: ec2-active --extend ${id} 2h\n`,
    ])
    expect(audited()).toContain(`enforcement: warn ${student} about ${id}: mail, the next tool\n`)
    await cron(false)
    expect(mails()).toHaveLength(1)
  })

  test.skipIf(!canWrite)("is written on the terminal where the owner is logged in", async () => {
    recording()
    const id = await launchEndingIn(30 * minute)
    const { stderr, code } = await cron(true)
    expect([stderr, code]).toEqual(["", 0])
    const screen = readFileSync(join(place, "screen"), "utf8").replaceAll("\r", "")
    expect(screen).toMatch(/Message from \S+@\S+ on .* at \d\d:\d\d \.\.\.\n/)
    expect(screen).toContain(`The lease of ${id} (m1.small) ends in 29 minutes, at `)
    expect(screen).toContain(`To keep it longer: ec2-active --extend ${id} 2h\n`)
    expect(audited()).toContain(`warn ${student} about ${id}: mail, write, the next tool\n`)
  })

  test("that no mailer takes is a line in the next tool, and no failure", async () => {
    sendmail("exit 75")
    const id = await launchEndingIn(30 * minute)
    const { stderr, code } = await cron(false)
    expect([stderr, code]).toEqual(["", 0])
    expect(audited()).toContain(`warn ${student} about ${id}: the next tool\n`)
    expect((await day.run("ec2_active")).stderr).toContain(`The lease of ${id} (m1.small) ends in `)
  })

  test("keeps nothing waiting when the mailer is dead: what is over has ended, each is told once", async () => {
    // deaf to signals, with a child that holds on to whatever it got
    sendmail(`trap '' TERM INT HUP\n: >${place}/mail/$$\n(trap '' TERM; sleep 300) &\nsleep 300`)
    const over = await launchEndingIn(-minute)
    const near = [await launchEndingIn(30 * minute), await launchEndingIn(31 * minute)]
    const { stderr, code, seconds } = await cron(false)
    expect([stderr, code]).toEqual(["", 0])
    expect((await day.running()).map(({ InstanceId }) => InstanceId ?? "").sort()).toEqual(near.sort())
    expect(audited()).toMatch(new RegExp(`terminate ${over}: done[^]*warn ${student} about`))
    // asked once, given up after five seconds, killed with its child
    expect(seconds).toBeLessThan(20)
    const [pid] = readdirSync(join(place, "mail"))
    expect(readdirSync(join(place, "mail"))).toHaveLength(1)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect((await day.run("ec2_active")).stderr.match(/ends in/g)).toHaveLength(2)
  })
})
