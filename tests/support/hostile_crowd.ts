/**
 * Students who attack in every way that they have, at random, beside honest students, staff, a freeze and cron, on an installed host
 * with an emulated AWS. What is measured: how long the others wait, how late leases end, and what grows.
 */

import { tagOf } from "../../lib/base/instance.ts"
import { dataDir, type Host, prefix } from "../boundary/host.ts"
import { tool } from "../boundary/transaction_host.ts"
import { findAll, textAt } from "../emulator/xml.ts"
import { hostileAttacks } from "./hostile_attacks.ts"
import {
  enforcementMinutes,
  type HostileHost,
  honestLogins,
  hostileLogins,
  type Login,
  makeHostileHost,
} from "./hostile_host.ts"
import { generator, pick } from "./random.ts"

export interface CrowdOptions {
  seconds: number
  hostile: number
  honest: number
  seed: number
}

type Who = "student" | "staff" | "freeze" | "cron"

/** Runs that one login may have at once (native/slots.c). */
const slotsEach = 4

export interface CrowdReport {
  /** How many students attacked. */
  hostile: number
  attacks: Record<string, number>
  /** Of all that are honest together. */
  commands: number
  failed: string[]
  slowestMs: Record<Who, number>
  /** The slowest of the same commands while nobody attacked, on the same machine. */
  calmMs: Record<Who, number>
  launched: number
  /** How long after its lease's end the last instance still ran. */
  latestEndMs: number
  grownBytes: number
  /** Files and directories of ours on the host. */
  files: number
  /** The account's processes that are left a minute after all is over, a line each. */
  processes: string[]
}

export async function attackForAWhile(options: CrowdOptions): Promise<CrowdReport> {
  const hostile = hostileLogins.slice(0, options.hostile)
  const honest = honestLogins.slice(0, options.honest)
  const made = await makeHostileHost([...hostile, ...honest])
  try {
    return await run(made, { ...options, hostile, honest })
  } finally {
    await made.close()
  }
}

interface Run extends Omit<CrowdOptions, "hostile" | "honest"> {
  hostile: Login[]
  honest: Login[]
}

async function run(made: HostileHost, { seconds, hostile, honest, seed }: Run): Promise<CrowdReport> {
  const { host, emulator } = made
  const attacks = hostileAttacks(emulator.fixtures.image)
  const report: CrowdReport = {
    hostile: hostile.length,
    attacks: Object.fromEntries(Object.keys(attacks).map((name) => [name, 0])),
    ...{ commands: 0, failed: [], launched: 0, latestEndMs: 0, grownBytes: 0, files: 0, processes: [] },
    slowestMs: { student: 0, staff: 0, freeze: 0, cron: 0 },
    calmMs: { student: 0, staff: 0, freeze: 0, cron: 0 },
  }
  const duties = honestDuties(made, honest)

  /** One command after the other, each timed. */
  async function timed(who: Who, into: Record<Who, number>, command: () => ReturnType<Host["as"]>) {
    const begun = performance.now()
    const { code, stderr } = await command()
    into[who] = Math.max(into[who], performance.now() - begun)
    return code === 0 ? null : `${who}: ${stderr.trim().split("\n").at(-1)}`
  }
  const calm = async () => {
    for (const { who, command } of duties) {
      const failure = await timed(who, report.calmMs, command)
      if (failure !== null) throw new Error(`while nobody attacked: ${failure}`)
    }
  }

  await calm()
  const before = sizeOf(host)
  const endsAt = performance.now() + seconds * 1000
  const isOver = () => performance.now() > endsAt

  async function attack(login: Login, number: number): Promise<void> {
    const random = generator(seed + number)
    while (!isOver()) {
      const [name, script] = pick(random, Object.entries(attacks))
      await host.as(login, [`chdir=/home/${login}`], ["/bin/sh", "-c", script])
      report.attacks[name] = (report.attacks[name] ?? 0) + 1
    }
  }
  async function work(who: Who, command: () => ReturnType<Host["as"]>): Promise<void> {
    while (!isOver()) {
      const failure = await timed(who, report.slowestMs, command)
      report.commands += 1
      if (failure !== null) report.failed.push(failure)
      await Bun.sleep(200)
    }
  }
  async function watchLeases(): Promise<void> {
    while (!isOver()) {
      report.latestEndMs = Math.max(report.latestEndMs, lateness(made))
      await Bun.sleep(500)
    }
  }
  await Promise.all([
    ...hostile.map(attack),
    ...duties.map(({ who, command }) => work(who, command)),
    watchLeases(),
  ])
  report.grownBytes = sizeOf(host) - before
  report.files = Number(host.sh(`find ${dataDir} /var/tmp/ec2-wrappers-cs61c 2>/dev/null | wc -l`).stdout)
  await calm()
  report.processes = await leftRunning(host)
  report.launched = emulator.proxy.world.launches.size
  return report
}

/** A run that was told to hold a lock for 20 s may do so to its end. */
async function leftRunning(host: Host): Promise<string[]> {
  for (let tries = 60; ; tries--) {
    const { stdout } = await host.run("ps -o pid=,ppid=,etimes=,args= -U 5000; true")
    const left = stdout.split("\n").filter((line) => line !== "")
    if (left.length === 0 || tries === 0) return left
    await Bun.sleep(1000)
  }
}

/** What the honest do, over and over: launch, look, end some, and leave the rest to the lease. */
function honestDuties(
  { host, emulator, account }: HostileHost,
  honest: readonly Login[],
): { who: Who; command: () => ReturnType<Host["as"]> }[] {
  const env = { HOME: "/home/cs61c" }
  const bin = (name: string) => `${prefix}/bin/${name}`
  let turn = 0
  const ofStudent = (login: Login) => {
    const steps: string[][] = [
      [bin("ec2-run"), "-a", emulator.fixtures.image, "-t", "t3.micro"],
      [bin("ec2-active")],
      [bin("ec2-run"), "-a", emulator.fixtures.image, "-t", "t3.micro"],
      [bin("ec2-active"), "--terminate-all"],
      [bin("ec2-run"), "-a", emulator.fixtures.image, "-t", "t3.micro"],
      [tool, "--hold", "1"],
    ]
    let step = 0
    return () => host.as(login, [], steps[step++ % steps.length] ?? [])
  }
  return [
    ...honest.map((login) => ({ who: "student" as const, command: ofStudent(login) })),
    { who: "staff", command: () => host.as("cs61c-ta", [], [tool, "--hold", "1"]) },
    {
      who: "freeze",
      command: () =>
        account(
          `${prefix}/libexec/course_freeze cs61c-h9 --yes ${turn++ % 2 === 0 ? "--reason soak" : "--lift"}`,
        ),
    },
    {
      who: "cron",
      command: () => host.as("cs61c", [], [`${prefix}/libexec/usage_cron`], { env }),
    },
  ]
}

/** How long the instance that is latest has run past its lease; 0 where none has. */
function lateness({ emulator }: HostileHost): number {
  const { world } = emulator.proxy
  let latest = 0
  for (const { state, item } of world.instances.values()) {
    if (state !== "running" && state !== "pending") continue
    const tag = findAll(item, "tagSet/item").find((one) => textAt(one, "key") === tagOf.leaseEnd)
    const end = tag ? Date.parse(textAt(tag, "value")) : Number.NaN
    if (!Number.isNaN(end)) latest = Math.max(latest, world.clock.now() - end)
  }
  return latest
}

/** The databases' logs of writes have a bound of their own, and come and go. */
function sizeOf(host: Host): number {
  const counted = `find ${dataDir} /var/tmp/ec2-wrappers-cs61c -type f ! -name '*-wal' ! -name '*-shm' -printf '%s\\n' 2>/dev/null`
  return host
    .sh(counted)
    .stdout.split("\n")
    .reduce((sum, size) => sum + Number(size), 0)
}

/**
 * What is not as it must be, a line each. Times are held against the same commands on the same machine while nobody attacked: a machine
 * that is busy with something else is slow, not wrong.
 *
 * @param isShared the machine does other work meanwhile, as under `npm test`: then only being locked out is a mistake.
 */
export function judge(report: CrowdReport, { isShared = false } = {}): string[] {
  const wrong: string[] = []
  for (const [who, slowest] of Object.entries(report.slowestMs)) {
    const most = (isShared ? 30_000 : 10_000) + 4 * report.calmMs[who as Who]
    if (slowest > most) wrong.push(`${who}: ${Math.round(slowest)} ms, wanted at most ${Math.round(most)}`)
  }
  // On a machine that is overloaded an honest run may be the one that keeps a lock too long, and ends.
  if (report.failed.length > report.commands / 20) wrong.push(`failed: ${report.failed.join("; ")}`)
  if (report.latestEndMs > enforcementMinutes * 60_000)
    wrong.push(`an instance ran ${Math.round(report.latestEndMs / 1000)} s past its lease`)
  if (report.grownBytes > 20_000_000) wrong.push(`the data directory has ${report.grownBytes} bytes more`)
  if (report.files > 300) wrong.push(`${report.files} files`)
  // A run whose caller never reads its output waits for that for ever, without a lock: the caller's four slots bound how many do.
  if (report.processes.length > slotsEach * report.hostile)
    wrong.push(...report.processes.map((line) => `left running: ${line}`))
  return wrong
}
