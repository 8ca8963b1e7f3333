/** Launches that come all at once, and launches that are killed at some moment: by real processes. */
import { DescribeVolumesCommand } from "@aws-sdk/client-ec2"
import { utcMsOf } from "../../lib/base/time.ts"
import { settleReservations } from "../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay } from "./course_day.ts"
import { depsOf } from "./deps.ts"
import type { Emulator } from "./emulator.ts"
import { loginOf } from "./random.ts"
import { finished } from "./tools.ts"

export interface CrowdResult {
  launched: number
  refused: number
  /** What should not have happened, a line each. */
  wrong: string[]
}

/**
 * `launches` at once, by one user or by as many, with room for `room` each: exactly what fits is launched, the rest refused
 * with its arithmetic. Unless `unprepared`, somebody has asked for the image, subnets and groups before, as in any course.
 */
export async function crowd(
  emulator: Emulator,
  {
    launches,
    users,
    room,
    unprepared,
  }: { launches: number; users: number; room: number; unprepared: boolean },
): Promise<CrowdResult> {
  const logins = Array.from({ length: users }, (_, index) => loginOf(index))
  const day = await courseDay(emulator, { limits: { max_instances: room, max_hourly_cost: 100 } }, logins)
  try {
    const argv = ["-a", emulator.fixtures.image, "-t", "m1.small"]
    if (!unprepared) await day.run("ec2_runner", [...argv, "--dry-run"], { as: logins[0] ?? "" })
    const runs = await Promise.all(
      Array.from({ length: launches }, (_, index) =>
        day.run("ec2_runner", argv, { as: logins[index % users] ?? "" }),
      ),
    )
    const wrong = runs
      .filter(
        ({ code, stderr }) =>
          code !== 0 &&
          !(code === 3 && / = \d+ instances?, limit \d+\n(?:ask for more: .*\n)?$/.test(stderr)),
      )
      .map(({ code, stderr }) => `exit ${code}: ${stderr}`)
    const running = await day.running()
    for (const login of logins) {
      const own = running.filter(({ KeyName }) => KeyName === `${login}-default`).length
      const expected = Math.min(room, Math.ceil((launches - logins.indexOf(login)) / users))
      if (own !== expected) wrong.push(`${login} has ${own} instances, wanted ${expected}`)
    }
    wrong.push(...disagreements(day, running.length))
    const launched = runs.filter(({ code }) => code === 0).length
    return { launched, refused: launches - launched, wrong }
  } finally {
    day.close()
  }
}

/** `requests` at once for a volume of 100 GiB, by one user with room for `room`: exactly those are made, whatever pends. */
export async function crowdOfVolumes(
  emulator: Emulator,
  { requests, room }: { requests: number; room: number },
): Promise<CrowdResult> {
  const day = await courseDay(emulator, { limits: { max_hourly_cost: 100, max_storage_gib: room * 100 } })
  try {
    const runs = await Promise.all(
      Array.from({ length: requests }, (_, index) =>
        day.run("ec2_runner", ["--stdin-json"], {
          stdin: JSON.stringify({
            ...{ protocol: 2, client_token: `volume-${index}`, action: "create_volumes" },
            volumes: [{ gib: 100, zone: "us-east-1a" }],
          }),
        }),
      ),
    )
    const wrong = runs
      .filter(
        ({ code, stdout }) =>
          code !== 0 && !(code === 3 && / = \d+ GiB at the price of gp3, limit \d+ GiB/.test(stdout)),
      )
      .map(({ code, stdout, stderr }) => `exit ${code}: ${stdout} ${stderr}`)
    const { Volumes = [] } = await emulator.ec2.send(new DescribeVolumesCommand({}))
    const expected = Math.min(room, requests)
    if (Volumes.length !== expected) wrong.push(`${Volumes.length} volumes, wanted ${expected}`)
    wrong.push(...disagreements(day, 0))
    const launched = runs.filter(({ code }) => code === 0).length
    return { launched, refused: requests - launched, wrong }
  } finally {
    day.close()
  }
}

/** `kills` launches of two instances, each killed after a random time; then everything is settled and compared. */
export async function killed(
  emulator: Emulator,
  { kills, within, random }: { kills: number; within: number; random: () => number },
): Promise<CrowdResult> {
  const limits = { max_instances: 100_000, max_hourly_cost: 100_000, budget: 1_000_000 }
  const day = await courseDay(emulator, { limits })
  try {
    const result: CrowdResult = { launched: 0, refused: 0, wrong: [] }
    for (let index = 0; index < kills; index += 1) {
      const argv = ["-a", emulator.fixtures.image, "-t", "m1.small", "-c", "2"]
      const child = day.course.start("ec2_runner", argv, { as: "cs61c-aa" })
      const timer = setTimeout(() => child.kill("SIGKILL"), random() * within)
      const { code } = await finished(child)
      clearTimeout(timer)
      if (code === 0) result.launched += 1
      else result.refused += 1
    }
    const later = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
    const deps = depsOf(day.course, { login: "cs61c-aa", clock: later })
    await settleReservations(deps, { most: Number.POSITIVE_INFINITY })
    deps.close()
    result.wrong.push(...disagreements(day, (await day.running()).length))
    return result
  } finally {
    day.close()
  }
}

function disagreements(day: CourseDay, running: number): string[] {
  const usageDb = day.usageDb()
  const counts = {
    leases: usageDb.leases.open(null).length,
    "instances of the ledger": usageDb.ledger.openInstances(null).length,
    "open runs": usageDb.ledger.runs.open(null).length,
  }
  const wrong = Object.entries(counts)
    .filter(([, count]) => count !== running)
    .map(([what, count]) => `${count} ${what}, AWS has ${running} instances`)
  const pending = usageDb.reservations.pending(null).length
  return pending === 0 ? wrong : [...wrong, `${pending} reservations are not settled`]
}
