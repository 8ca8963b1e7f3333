/** Launches that EC2 has no room for at first: the next zone, the next type, and never two of them. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { depsOf } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"
import { disagreementsAfterSettling } from "../../support/syscall_kills.ts"
import type { ConfigChanges, Finished } from "../../support/tools.ts"

const emulator = await startEmulator()
const { faults, world } = emulator.proxy
const rich = { limits: { max_hourly_cost: 100 } }
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator, rich)
  watchLaunches()
})
afterEach(() => {
  faults.clear()
  day.close()
})
afterAll(() => emulator.stop())

const run = (types: string, ...args: string[]): Promise<Finished> =>
  day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", types, ...args])

interface Asked {
  type: string
  zone: string
  token: string
  market: string
}

/** The launches that EC2 was asked for, oldest first. */
let requests: Asked[] = []
const asked = () => requests

function watchLaunches(): void {
  requests = []
  faults.add({
    kind: "watched",
    action: "RunInstances",
    matches: ({ form }) => {
      requests.push({
        type: form.get("InstanceType") ?? "",
        zone: form.get("Placement.AvailabilityZone") ?? "",
        token: form.get("ClientToken") ?? "",
        market: form.get("InstanceMarketOptions.MarketType") ?? "",
      })
      return false
    },
  })
}

async function onlyLease() {
  const usageDb = day.usageDb()
  expect(usageDb.reservations.pending(null)).toEqual([])
  const leases = usageDb.leases.open(student)
  expect(leases).toHaveLength(1)
  const [lease] = leases
  if (!lease) throw new Error("no lease")
  return { lease, attempts: usageDb.attempts.of(lease.reservationId) }
}

function noneIn(type: string, ...zones: string[]): void {
  if (zones.length === 0) world.capacity.set(type, 0)
  for (const zone of zones) world.capacity.set(`${type}@${zone}`, 0)
}

describe("a launch that finds no room", () => {
  test("asks for the other zones first, each time by a token of its own", async () => {
    noneIn("m1.small", "us-east-1a", "us-east-1b")
    const { stdout, stderr, code } = await run("m1.small")
    expect(code).toBe(0)
    expect(stderr).toStartWith(
      "launched m1.small in us-east-1c; no room: m1.small in any zone, us-east-1a, us-east-1b\n",
    )
    expect(JSON.parse(stdout)).toHaveLength(1)
    const { lease, attempts } = await onlyLease()
    const calls = asked()
    expect(calls.map(({ zone }) => zone)).toEqual(["", "us-east-1a", "us-east-1b", "us-east-1c"])
    expect(calls.map(({ token }) => token)).toEqual(attempts.map(({ clientToken }) => clientToken))
    expect(new Set(calls.map(({ token }) => token)).size).toBe(4)
    for (const { token } of calls) expect(token).toStartWith(lease.reservationId)
    const no = "InsufficientInstanceCapacity"
    expect(attempts.map(({ refusal }) => refusal)).toEqual([no, no, no, null])
  })

  test("then for the other types, and its lease has the price of what came", async () => {
    noneIn("m1.large")
    const { stderr, code } = await run("m1.large,m1.small")
    expect(stderr).toStartWith("launched m1.small in us-east-1a; no room: m1.large in any")
    // What came is what it says, not what was asked for first.
    expect(stderr).toContain("\nm1.small: $0.085 an hour, ")
    expect(code).toBe(0)
    const { lease, attempts } = await onlyLease()
    expect([lease.instanceType, Number(lease.microUsdPerHour)]).toEqual(["m1.small", 85_000])
    expect(attempts.at(-1)).toMatchObject({ instanceType: "m1.small", microUsdPerHour: 85_000, zone: null })
    const reservation = day.usageDb().reservations.byId(lease.reservationId)
    expect(Number(reservation?.microUsdPerHour)).toBe(170_000)
  })

  test("does not leave the zone, subnet or group that it names", async () => {
    noneIn("m1.small", "us-east-1b")
    const { stderr, code } = await run("m1.small", "-z", "us-east-1b")
    expect(stderr).toMatch(/^ec2_runner: launch: We currently do not have sufficient m1.small capacity/)
    expect(stderr).not.toContain("tried")
    expect(code).toBe(1)
    expect(asked()).toHaveLength(1)
  })

  test("says what was tried where there is none, and nothing stays reserved", async () => {
    noneIn("m1.large")
    noneIn("m1.small")
    const { stderr, code } = await run("m1.large,m1.small")
    expect(stderr).toMatch(
      /\(InsufficientInstanceCapacity\); tried m1\.large in any zone, us-east-1a, .*; m1\.small in any zone, .*us-east-1f\n$/,
    )
    expect(stderr.split("\n")).toHaveLength(2)
    expect(code).toBe(1)
    expect(day.usageDb().reservations.pending(null)).toEqual([])
    expect(await day.running()).toEqual([])
  })

  test("keeps EC2's code for programs", async () => {
    noneIn("m1.small")
    const { stdout } = await run("m1.small", "--json")
    expect(JSON.parse(stdout).error.code).toBe("InsufficientInstanceCapacity")
  })

  test("and asks for Spot only gets Spot", async () => {
    noneIn("m1.large")
    expect((await run("m1.large,m1.small", "--spot")).code).toBe(0)
    expect(new Set(asked().map(({ market }) => market))).toEqual(new Set(["spot"]))
    expect((await onlyLease()).lease).toMatchObject({ market: "spot", instanceType: "m1.small" })
    noneIn("m1.small")
    expect((await run("m1.large,m1.small", "--spot")).code).toBe(1)
    expect(new Set(asked().map(({ market }) => market))).toEqual(new Set(["spot"]))
  })

  test("reports what it costs as it came", async () => {
    noneIn("m1.large")
    const { stdout } = await run("m1.large,m1.small", "--json")
    expect(JSON.parse(stdout)).toMatchObject({ hourly_cost: 0.085 })
  })
})

describe("no other zone or type is asked for", () => {
  const cases: [after: string, arrange: () => void, launched: number][] = [
    ["a lost reply", () => faults.add({ kind: "drop-after", action: "RunInstances", times: 9 }), 1],
    [
      "a request that never arrived",
      () => faults.add({ kind: "drop-before", action: "RunInstances", times: 9 }),
      0,
    ],
    ["another 5xx", () => faults.add({ kind: "unavailable", action: "RunInstances", times: 99 }), 0],
    ["half an answer", () => faults.add({ kind: "half-answer", action: "RunInstances", times: 99 }), 1],
    ["a page of HTML", () => faults.add({ kind: "html-error", action: "RunInstances", times: 99 }), 0],
    [
      "a refusal that follows a lost reply",
      () => {
        noneIn("m1.small")
        faults.add({ kind: "drop-before", action: "RunInstances" })
      },
      0,
    ],
  ]
  test.each(cases)("after %s", async (_after, arrange, launched) => {
    arrange()
    await run("m1.small,m1.large")
    expect(new Set(asked().map(({ token }) => token)).size).toBe(1)
    expect(await day.running()).toHaveLength(launched)
    faults.clear()
    expect(await disagreementsAfterSettling(day)).toEqual([])
  })

  test("and it stays reserved in full until AWS is known to have nothing", async () => {
    day.course.configure({ limits: { max_instances: 1, max_hourly_cost: 100 } })
    faults.add({ kind: "unavailable", action: "RunInstances", times: 99 })
    const { stderr } = await run("m1.large,m1.small")
    expect(stderr).toContain("whether it launched is not known yet")
    faults.clear()
    const [pending] = day.usageDb().reservations.pending(student)
    expect(Number(pending?.microUsdPerHour)).toBe(170_000)
    expect((await run("m1.small")).stderr).toContain("1 launching + 1 asked = 2 instances, limit 1")
    const later = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
    const deps = depsOf(day.course, { login: student, clock: later })
    await settleReservations(deps)
    deps.close()
    expect((await run("m1.small")).code).toBe(0)
  })

  test("once the caller was suspended meanwhile", async () => {
    noneIn("m1.small")
    const freeze = () => {
      const usageDb = day.usageDb()
      usageDb.transaction(() =>
        usageDb.freezes.begin({ frozenBy: "cs61c", reason: "test", frozenAtUtcMs: utcMsOf(Date.now()) }),
      )
    }
    faults.add({ kind: "watched", action: "RunInstances", onceDone: freeze })
    const { stderr, code } = await run("m1.small")
    expect(stderr).toMatch(/is frozen since .* by cs61c: test\n$/)
    expect(code).toBe(3)
    expect(asked()).toHaveLength(1)
    expect(day.usageDb().reservations.pending(null)).toEqual([])
  })
})

describe("before the first is asked for,", () => {
  const cases: [what: string, types: string, config: ConfigChanges, says: string | RegExp][] = [
    [
      "every type passes the policy",
      "m1.small,m1.large",
      { limits: { instance_types: ["m1.small"] } },
      "instance type: type m1.large is not allowed, only m1.small",
    ],
    [
      "every type runs the image",
      "m1.small,t4g.micro",
      {},
      /instance type: type t4g.micro runs arm64, image ami-\w+ is x86_64$/,
    ],
    [
      "every type exists",
      "m1.small,m1.mall",
      {},
      "instance type: type m1.mall does not exist in this region",
    ],
    [
      "the dearest fits into the hourly limit",
      "m1.small,m1.large",
      { limits: { max_hourly_cost: 0.1 } },
      "launch: 1 asked at $0.17/h = $0.17/h, limit $0.10/h",
    ],
    [
      "the dearest fits into the budget",
      "m1.small,m1.large",
      { limits: { budget: 0.5 } },
      /^ec2_runner: launch: \$0.00 spent \+ \$0.7\d+ asked at most = \$0.7\d+, budget \$0.50$/,
    ],
  ]
  test.each(cases)("%s", async (_what, types, config, says) => {
    day.course.configure(config)
    noneIn("m1.small")
    const { stderr, code } = await run(types)
    const [first = ""] = stderr.split("\n")
    if (typeof says === "string") expect(first).toBe(`ec2_runner: ${says}`)
    else expect(first).toMatch(says)
    expect(code).toBe(3)
    expect(asked()).toEqual([])
  })
})

describe("[launch] fallback", () => {
  const fallback = { launch: { fallback: { "m1.small": ["m1.large", "t4g.micro", "m1.mall", "m5.large"] } } }

  test("is tried after the type that was asked for, without what breaks a rule", async () => {
    day.course.configure({ ...fallback, limits: { max_hourly_cost: 100, instance_types: ["m1.*", "t*"] } })
    noneIn("m1.small")
    expect((await run("m1.small")).code).toBe(0)
    expect(new Set(asked().map(({ type }) => type))).toEqual(new Set(["m1.small", "m1.large"]))
    expect((await onlyLease()).lease.instanceType).toBe("m1.large")
  })

  test("takes no launch away that fits without it", async () => {
    day.course.configure({ ...fallback, limits: { max_hourly_cost: 0.1 } })
    expect((await run("m1.small")).code).toBe(0)
    noneIn("m1.small")
    day.course.configure({ ...fallback, limits: { max_hourly_cost: 0.18 } })
    expect((await run("m1.small")).code).toBe(1)
    expect(new Set(asked().map(({ type }) => type))).toEqual(new Set(["m1.small"]))
  })

  test("is not for a launch that names several types", async () => {
    day.course.configure({ ...fallback, limits: { max_hourly_cost: 100 } })
    noneIn("m1.small")
    noneIn("m5.xlarge")
    expect((await run("m1.small,m5.xlarge")).code).toBe(1)
    expect(new Set(asked().map(({ type }) => type))).toEqual(new Set(["m1.small", "m5.xlarge"]))
  })
})

describe("the account's vCPU quota", () => {
  test("refuses with the arithmetic, and EC2 is not asked", async () => {
    world.knobs.vcpus = 2
    await day.launch()
    const { stderr, code } = await run("m1.small", "-c", "2")
    expect(stderr).toBe(
      "ec2_runner: launch: 1 vCPUs running + 0 launching + 2 asked = 3, quota of the AWS account for Standard instances 2; staff can ask AWS for more (Service Quotas, L-1216C47A)\n",
    )
    expect(code).toBe(3)
    expect(asked()).toHaveLength(1)
  })

  test("counts what is launching at once: of ten none meets EC2's refusal", async () => {
    world.knobs.vcpus = 4
    await run("m1.small", "--dry-run")
    const runs = await Promise.all(Array.from({ length: 10 }, () => run("m1.small")))
    expect(runs.filter(({ code }) => code === 0)).toHaveLength(4)
    for (const { code, stderr } of runs) if (code !== 0) expect(stderr).toContain("quota of the AWS account")
    expect(asked()).toHaveLength(4)
  }, 60_000)

  test("of another family leaves another type to be tried", async () => {
    world.knobs.gpuVcpus = 0
    const { stderr, code } = await run("g4dn.xlarge,m1.small")
    expect(code).toBe(0)
    expect(stderr).not.toContain("no room")
    expect(asked().map(({ type }) => type)).toEqual(["m1.small"])
  })

  test("keeps nobody from launching where AWS does not tell it", async () => {
    world.knobs.vcpus = 0
    faults.add({ kind: "refuse", service: "servicequotas" })
    expect((await run("m1.small")).stderr).toContain("(VcpuLimitExceeded)")
    world.knobs.vcpus = 10
    expect((await run("m1.small")).code).toBe(0)
    expect(emulator.proxy.calls.filter(({ service }) => service === "servicequotas")).toHaveLength(1)
  })
})
