/** Two hosts of one course: two data directories, one database. A host is what its process and its connection are. */
import { afterAll, afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test"
import { msPerDay, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import { loadAddon } from "../../../lib/db/postgres/addon.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { enforce } from "../../../lib/operations/enforcement/enforce.ts"
import type { FaultPoint } from "../../../lib/operations/launches/deps.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"
import { type PostgresServer, postgresBinaries, startServer } from "../../support/postgres.ts"
import { noteSkipped } from "../../support/skips.ts"
import { type Workspace, workspace } from "../../support/tools.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
if (!postgresBinaries) noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
const emulator = await startEmulator()
const server: PostgresServer | null = postgresBinaries ? startServer() : null
let day: CourseDay
let otherHost: Workspace
let opened: TestDeps[] = []
const limits = { max_hourly_cost: 5, max_instances: 20, budget: 100, course_budget: 1000 }
const prices = { on_demand: { "m1.small": 0.085, "m1.large": 0.17 } }

beforeEach(async () => {
  if (!server) return
  const database = server.newDatabase()
  const config = { limits }
  day = await courseDay(emulator, config, undefined, database)
  otherHost = workspace({ endpoint: emulator.endpoint, config: { ...config, prices }, server: database })
})
afterEach(() => {
  for (const deps of opened) deps.close()
  opened = []
  day.close()
  otherHost.remove()
})
afterAll(() => {
  server?.remove()
  return emulator.stop()
})

const order = (count = 1) =>
  toOrder({ image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default", count })

function host(
  course: Pick<Workspace, "configPath">,
  at?: (point: FaultPoint) => void,
  clock?: TestDeps["clock"],
) {
  const deps = depsOf(course, { login: student, ...(at && { at }), ...(clock && { clock }) })
  opened.push(deps)
  return deps
}

/** A clock that a test moves. */
function movable(): TestDeps["clock"] & { aheadMs: number } {
  return {
    aheadMs: 0,
    now() {
      return utcMsOf(Date.now() + this.aheadMs)
    },
    sleep: async () => {},
  }
}

describeOrSkip("two hosts of a course", () => {
  test("have one budget: what one launched counts on the other", async () => {
    day.course.configure({ limits: { max_instances: 2 } })
    otherHost.configure({ limits: { max_instances: 2 } })
    await launch(host(day.course), order(2))
    await expect(launch(host(otherHost), order())).rejects.toThrow(/2 running/)
    expect((await day.running()).length).toBe(2)
  })

  test("hold the lock for at most six round trips in an admission", async () => {
    const addon = loadAddon()
    const trips: string[] = []
    const spies = (["execute", "query", "prepare", "queryPrepared", "pipeline"] as const).map((name) => {
      const real = addon[name] as (...args: unknown[]) => never
      return spyOn(addon, name).mockImplementation(((...args: unknown[]) => {
        trips.push(name === "pipeline" ? `${(args[1] as unknown[]).length} statements` : String(args[1]))
        return real(...args)
      }) as never)
    })
    const admissions: string[][] = []
    const deps = host(day.course, (point) => {
      // From the lock with its reads to the COMMIT.
      if (point === "reserved")
        admissions.push(trips.slice(trips.findLastIndex((trip) => /^\d\d statements/.test(trip))))
    })
    for (let launches = 0; launches < 3; launches++) await launch(deps, order())
    for (const spy of spies) spy.mockRestore()
    expect(
      admissions.map((admission) => admission.at(-1)).filter((last) => !last?.includes("COMMIT")),
    ).toEqual([])
    // The second finds its new login's sums missing, and makes them: a few more.
    expect(admissions[2]?.length).toBeLessThanOrEqual(6)
  })

  test("with two budgets admit on one only, and say which keys differ", async () => {
    await launch(host(day.course), order())
    otherHost.configure({ limits: { budget: 200 }, leases: { max_hours: 48 } })
    await expect(launch(host(otherHost), order())).rejects.toThrow(
      /differs from the other hosts' in leases.max_ms, limits.budget; make them alike/,
    )
    await launch(host(day.course), order())
    expect((await day.running()).length).toBe(2)
  })

  test.each([
    ["3 minutes", 3 * msPerMinute],
    ["20 minutes", 20 * msPerMinute],
  ])(
    "a run that is held up for %s before it asks AWS sends nothing, and gives back",
    async (_words, heldUpMs) => {
      const clock = movable()
      const heldUp = host(
        day.course,
        (point) => {
          if (point === "sent") clock.aheadMs += heldUpMs
        },
        clock,
      )
      await expect(launch(heldUp, order())).rejects.toThrow("held up for too long")
      expect(await day.running()).toEqual([])
      expect(heldUp.usageDb.reservations.pending(null)).toEqual([])
    },
  )

  test("a run that is held up before it marks what it sends finds that another host gave it back", async () => {
    const clock = movable()
    const settling = host(otherHost, undefined, clock)
    const heldUp = host(day.course, (point) => {
      if (point !== "intent written") return
      // As another host sees it whose network was cut: no lock, no process of its own kernel.
      settling.usageDb.transaction(() =>
        settling.usageDb.reservations.finish(
          settling.usageDb.reservations.pending(student)[0]?.id ?? "",
          "released",
          "AWS has nothing of it",
          clock.now(),
        ),
      )
    })
    await expect(launch(heldUp, order())).rejects.toThrow("was given back while this run was held up")
    expect(await day.running()).toEqual([])
  })

  test("a run whose connection is cut after its admission sends nothing", async () => {
    const cut = host(day.course, (point) => {
      if (point === "reserved")
        server?.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
    })
    await expect(launch(cut, order())).rejects.toThrow("connection to the database was lost")
    expect(await day.running()).toEqual([])
    expect(cut.usageDb.reservations.pending(null)).toEqual([])
  })

  test("what was marked as sent elsewhere is given back only when its signature has died", async () => {
    const lost = host(day.course, (point) => {
      if (point !== "sent") return
      lost.usageDb.transaction(() => {})
      throw new Error("this host is gone")
    })
    await expect(launch(lost, order())).rejects.toThrow("gone")
    const [{ id = "" } = {}] = lost.usageDb.reservations.pending(null)
    lost.usageDb.presence.letGo(id)
    server?.psql(
      "UPDATE ec2_usage.reservations SET process = '5c9d8b1e-0000-4000-8000-000000000000:17:99:1'",
      /dbname=(\S+)/.exec(await Bun.file(day.course.configPath).text())?.[1],
    )
    const clock = movable()
    const settling = host(otherHost, undefined, clock)
    for (const [minutes, released] of [
      [3, 0],
      [15, 0],
      [19, 1],
    ] as const) {
      clock.aheadMs = minutes * msPerMinute
      expect((await settleReservations(settling)).released).toBe(released)
    }
  })

  test("a database whose clock is wrong launches nothing, and ends nothing", async () => {
    await launch(host(day.course), order())
    const clock = movable()
    const wrong = host(otherHost, undefined, clock)
    clock.aheadMs = msPerDay
    const aws = { ...wrong.aws, clockOffsetMs: () => -msPerDay }
    const deps = { ...wrong, aws }
    await expect(launch(deps, order())).rejects.toThrow("clock is 24 h 00 min ahead of AWS's")
    expect((await enforce(deps, { dryRun: true })).lines).toEqual([])
    expect(
      (await enforce({ ...deps, aws: { ...aws, clockOffsetMs: () => 0 } }, { dryRun: true })).lines,
    ).not.toEqual([])
  })
})
