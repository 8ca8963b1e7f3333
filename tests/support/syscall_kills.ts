/** kill -9 at the boundaries of system calls, by strace's injection: of a launch, a stop, a start, an extension, a termination, enforcement. */

import { readFileSync } from "node:fs"
import type { Instance } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { enforce } from "../../lib/operations/enforcement/enforce.ts"
import { settleReservations } from "../../lib/operations/launches/settle.ts"
import { compiledTool } from "./build.ts"
import { type CourseDay, courseDay, student } from "./course_day.ts"
import { handAt } from "./databases.ts"
import { depsOf, type TestDeps } from "./deps.ts"
import type { Emulator } from "./emulator.ts"

export const strace = Bun.which("strace")

/** What writes, syncs, locks, removes, connects or sends; between two of them nothing happens that others could see. */
export const syscalls = [
  ...["openat", "fcntl", "flock", "pwrite64", "ftruncate", "fsync", "unlink"],
  ...["socket", "connect", "sendto", "recvfrom", "write", "close"],
]

export type Operation = "launch" | "stop" | "start" | "extend" | "terminate" | "enforce"
export const operations: Operation[] = ["launch", "stop", "start", "extend", "terminate", "enforce"]
const perLaunch = 2

/** Runs the operation killed at the `when`-th call of `syscall`; returns false where it has not as many. */
export async function killAt(
  day: CourseDay,
  image: string,
  operation: Operation,
  syscall: string,
  when: number,
): Promise<boolean> {
  const { tool, argv, as } = await prepare(day, image, operation)
  const inject = `inject=${syscall}:signal=KILL:when=${when}`
  const command = [strace ?? "strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", inject]
  const child = Bun.spawn([...command, compiledTool(tool), ...argv], {
    env: {
      PATH: "/usr/bin:/bin",
      HOME: day.course.home(as),
      REAL_USERNAME: as,
      EC2_WRAPPERS_CONFIG: day.course.configPath,
    },
    stdout: "ignore",
    stderr: "pipe",
  })
  const stderr = await new Response(child.stderr).text()
  await child.exited
  if (child.signalCode === "SIGKILL") return true
  if (child.exitCode === 0) return false
  throw new Error(`${operation} with ${inject}: exit ${child.exitCode}: ${stderr}`)
}

/** A course for this, without limits in the way. */
export async function courseToKillIn(emulator: Emulator): Promise<CourseDay> {
  const limits = { max_instances: 100_000, max_hourly_cost: 100_000, budget: 1_000_000 }
  const day = await courseDay(emulator, { limits })
  Object.assign(emulator.proxy.world.knobs, { stoppingMs: 0, shuttingDownMs: 0 })
  return day
}

/** At all calls of one kind, every `step`-th from `first` on, until the operation lives; returns how many killed it. */
export async function killAtEach(
  day: CourseDay,
  image: string,
  operation: Operation,
  syscall: string,
  { first = 1, step = 1 }: { first?: number; step?: number } = {},
): Promise<number> {
  let killed = 0
  for (let when = first; await killAt(day, image, operation, syscall, when); when += step) killed += 1
  return killed
}

/** Settles as the next runs and cron do, later on; then what AWS has and what the ledger says, where they differ, a line each. */
export async function disagreementsAfterSettling(day: CourseDay): Promise<string[]> {
  const deps = laterDeps(day)
  await enforce(deps, { dryRun: false })
  deps.close()
  const cron = await day.run("usage_cron", [], { as: "cs61c" })
  const there = await day.running()
  const usageDb = day.usageDb()
  const idsOf = (instances: Instance[]) => instances.map(({ InstanceId }) => InstanceId ?? "")
  const leases = usageDb.leases.open(null)
  const running = idsOf(there.filter(({ State }) => State?.Name === "running"))
  const wrong = [
    ...differences("leases", leases, idsOf(there)),
    ...differences("instances of the ledger", usageDb.ledger.openInstances(null), idsOf(there)),
    ...differences("open runs", usageDb.ledger.runs.open(null), running),
    ...differences(
      "leases that run",
      leases.filter(({ stoppedAtUtcMs }) => stoppedAtUtcMs === null),
      running,
    ),
  ]
  if (cron.code !== 0) wrong.push(`usage_cron: exit ${cron.code}: ${cron.stderr}`)
  const pending = usageDb.reservations.pending(null).length
  if (pending > 0) wrong.push(`${pending} reservations are not settled`)
  return [...wrong, ...launchedTwice(there), ...tornLines(`${day.course.dataDir}/audit-log`)]
}

/** When what is absent, or stopped, may be concluded from. */
function laterDeps({ course }: CourseDay): TestDeps {
  const clock = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
  return depsOf(course, { login: student, clock })
}

async function prepare(
  day: CourseDay,
  image: string,
  operation: Operation,
): Promise<{ tool: string; argv: string[]; as: string }> {
  if (operation === "launch")
    return { tool: "ec2_runner", argv: ["-a", image, "-t", "m1.small", "-c", "2"], as: student }
  if (operation === "start") {
    // a start that was killed is held for two minutes
    const deps = laterDeps(day)
    await settleReservations(deps, { most: Number.POSITIVE_INFINITY })
    deps.close()
  }
  const wanted = operation === "start" ? "stopped" : "running"
  let id = await oneThat(day, wanted)
  if (id === undefined) {
    if (operation !== "start") await day.launch("-c", "2")
    else {
      const running = (await oneThat(day, "running")) ?? (await day.launch("-c", "2"))[0] ?? ""
      await day.run("ec2_active", ["--stop", running])
    }
    id = (await oneThat(day, wanted)) ?? ""
  }
  if (operation === "enforce") {
    endLease(day, id)
    return { tool: "usage_cron", argv: ["--enforce"], as: "cs61c" }
  }
  const duration = operation === "extend" ? ["1m"] : []
  return { tool: "ec2_active", argv: [`--${operation}`, id, ...duration], as: student }
}

async function oneThat(day: CourseDay, state: string): Promise<string | undefined> {
  return (await day.running()).find(({ State }) => State?.Name === state)?.InstanceId
}

function endLease({ course }: CourseDay, id: string): void {
  const db = handAt(`${course.dataDir}/usage.db`)
  db.run("UPDATE leases SET ends_at_utc_ms = ? WHERE instance_id = ?", [Date.now() - 60_000, id])
  db.close()
}

function differences(what: string, known: readonly { instanceId: string }[], wanted: string[]): string[] {
  const ids = new Set(known.map(({ instanceId }) => instanceId))
  const missing = wanted.filter((id) => !ids.has(id))
  const tooMuch = [...ids].filter((id) => !wanted.includes(id))
  const lines = [missing.length > 0 && `lack ${missing.join(" ")}`, tooMuch.length > 0 && `have ${tooMuch}`]
  return lines.filter((line) => line !== false).map((line) => `the ${what} ${line}`)
}

function launchedTwice(there: readonly Instance[]): string[] {
  const byReservation = Map.groupBy(
    there,
    ({ Tags }) => Tags?.find(({ Key }) => Key === tagOf.reservation)?.Value ?? "",
  )
  return [...byReservation]
    .filter(([, instances]) => instances.length > perLaunch)
    .map(([id, instances]) => `${instances.length} instances of reservation ${id}, ${perLaunch} were asked`)
}

function tornLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .filter((line) => !/^\d{4}-\d\d-\d\dT[\d:.]+: [\w-]+: ./.test(line))
    .map((line) => `a torn line in the audit log: ${line}`)
}
