/** The RPM in a clean root, by the `rpm --root` of the testing machine: `npm run test:packages`. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { root } from "../support/build.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type CleanRoot, cleanRoot, whyNoRoots } from "./clean_root.ts"
import { config, dataDir, prefix, setUpCourse, studentsAtWork } from "./course.ts"
import { packageOf, versions } from "./versions.ts"

setDefaultTimeout(900_000) // a busy machine takes its time

const reason = whyNoRoots() ?? (Bun.which("rpm") ? null : "rpm is not installed")
if (reason !== null) console.log(`skipped: the RPM: ${reason}`)

/** Debian's rpm also says that it is no way to install packages there. */
const trouble = /error|cannot|failed|install:/i

describe.skipIf(reason !== null)("the RPM", () => {
  let clean: CleanRoot
  let emulator: Emulator

  beforeAll(async () => {
    emulator = await startEmulator()
    clean = await cleanRoot("bookworm")
  })
  afterAll(async () => {
    clean?.stop()
    await emulator?.stop()
  })

  // The root is Debian's: what the package needs is there, but no RPM says so.
  const rpm = (...words: string[]) =>
    clean.fromOutside(["rpm", "--root", clean.path, "--dbpath", "/var/lib/rpm", ...words])
  const installed = async () =>
    (await clean.as("cs61c-aa", "ec2-util --version")).stdout.split(" ")[1]?.trim()

  test("installs what makes a working course", async () => {
    const { stderr, code } = await rpm("-i", "--nodeps", packageOf("current", "rpm"))
    expect(stderr).not.toMatch(trouble)
    expect(code).toBe(0)
    await setUpCourse(clean, emulator.endpoint)
    expect(await installed()).toBe(versions.current.version)
    expect((await clean.sh(`stat -c '%U %a' ${prefix}/bin/ec2-run`)).stdout).toBe("cs61c 4755\n")
    expect((await rpm("-V", "--nodeps", "ec2-wrappers")).stdout).toBe("")
  })

  test("is upgraded and downgraded without one failed command", async () => {
    for (const [which, ...options] of [["patch"], ["current", "--oldpackage"]] as const) {
      const load = await studentsAtWork(clean)
      await load.calls(6)
      const { stderr, code } = await rpm("-U", "--nodeps", ...options, packageOf(which, "rpm"))
      await load.calls(6)
      expect((await load.stop()).failures).toBe("")
      expect(stderr).not.toMatch(trouble)
      expect(code).toBe(0)
      expect(await installed()).toBe(versions[which].version)
    }
  })

  test("erased, leaves no program, setuid file or job, and keeps configuration and data", async () => {
    expect((await rpm("-e", "--nodeps", "ec2-wrappers")).code).toBe(0)
    const left =
      "find / -xdev \\( -type f -perm /6000 -path '*ec2*' -o -path '/etc/cron*ec2*' -o -path '*systemd*ec2-wrappers*' -o -path '/opt/ec2-wrappers*' \\)"
    expect((await clean.sh(left)).stdout).toBe("")
    expect((await clean.sh(`ls ${config} ${dataDir}/usage.db`)).code).toBe(0)
  })

  test.skipIf(!Bun.which("rpmlint"))(
    "has nothing for rpmlint but what its filters give a reason for",
    async () => {
      const settings = join(root, "packaging/rpm/rpmlint.toml")
      const checked = Bun.spawnSync(["rpmlint", "-c", settings, packageOf("current", "rpm")])
      const findings = String(checked.stdout)
        .split("\n")
        .filter((line) => /: [EW]: /.test(line))
      expect(findings).toEqual([])
    },
  )
})
