import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { stringify } from "smol-toml"
import { Failed } from "../../../lib/base/errors.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { loadConfig } from "../../../lib/host/config/config.ts"

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "config-"))
  path = join(directory, "config.toml")
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const load = (toml: string) => {
  writeFileSync(path, toml)
  return loadConfig(path)
}
const course = '[course]\nname = "cs61c"\n'

describe("the configuration", () => {
  test("has a default for everything but the course's name", () => {
    const config = load(course)
    expect(config.course).toMatchObject({
      name: "cs61c",
      iamGroup: "students",
      bucket: "cs61c",
      accounts: [],
    })
    expect(config.paths).toEqual({
      dataDir: "/var/lib/ec2-wrappers",
      auditLog: "/var/lib/ec2-wrappers/audit-log",
      userDb: "/var/lib/ec2-wrappers/users.db",
      usageDb: "/var/lib/ec2-wrappers/usage.db",
      rootAccessKey: "/var/lib/ec2-wrappers/root-access-key",
    })
    expect(config.limits).toEqual({
      maxHourlyCost: microUsdOf(5_100_000),
      maxInstances: 20,
      instanceTypes: ["*"],
      images: [],
      budget: null,
    })
    expect(config.leases).toMatchObject({
      defaultMs: 14_400_000,
      maxMs: 86_400_000,
      action: "terminate",
      enforce: false,
    })
    expect(config.prices.spotFactor).toBe(0.7)
  })

  test("reads the example of the design", () => {
    const config = load(`
[course]
name = "cs61c"
accounts = ["cs61c-??"]
staff = ["cs61c", "cs61c-ta"]
iam_group = "students"
bucket = "cs61c-files"
term_start = 2026-08-20
[paths]
data_dir = "/srv/ec2"
usage_db = "/srv/usage.db"
[aws]
region = "us-west-2"
endpoint = "http://127.0.0.1:5000"
credentials = "default"
[limits]
max_hourly_cost = 0.5
budget = 100.00
course_budget = 10000
[limits.users.cs61c-ab]
max_instances = 40
[leases]
warn_minutes = [15, 60]
action = "stop"
[billing]
granularity = "hour"
minimum_seconds = 0
[prices.on_demand]
"m1.small" = 0.085
[launch]
security_groups = ["default", "web"]
[assignments.hw1]
start = 2026-09-01
end = 2026-09-14
`)
    expect(config.course.termStartUtcMs).toBe(utcMsOf(Date.UTC(2026, 7, 20)))
    expect(config.paths.usageDb).toBe("/srv/usage.db")
    expect(config.paths.userDb).toBe("/srv/ec2/users.db")
    expect(config.limits.maxHourlyCost).toBe(microUsdOf(500_000))
    expect(config.courseBudget).toBe(microUsdOf(10_000_000_000))
    expect(config.limitsOfUsers).toEqual({ "cs61c-ab": { maxInstances: 40 } })
    expect(config.leases.warnMs).toEqual([3_600_000, 900_000])
    expect(config.prices.onDemand).toEqual({ "m1.small": microUsdOf(85_000) })
    expect(config.course.assignments.hw1).toEqual({
      startUtcMs: utcMsOf(Date.UTC(2026, 8, 1)),
      endUtcMs: utcMsOf(Date.UTC(2026, 8, 15)),
    })
  })

  test.each([
    ["", "course: is missing"],
    ["[course]\n", "course.name: is missing"],
    [`${course}bukcet = "x"`, "course.bukcet: unknown key, did you mean course.bucket?"],
    [`${course}[limit]\nbudget = 1`, "limit: unknown key, did you mean limits?"],
    [`${course}[limits]\nmax_instances = "many"`, "limits.max_instances: is"],
    [`${course}[limits]\nmax_instances = 1.5`, "limits.max_instances: 1.5 is not a whole number"],
    [`${course}[limits]\nmax_hourly_cost = -1`, "limits.max_hourly_cost: -1 is negative"],
    [`${course}[limits]\nbudget = nan`, "limits.budget: is NaN"],
    [`${course}[limits]\nbudget = inf`, "limits.budget: "],
    [`${course}[limits.users."../x"]\nbudget = 1`, "is not a login"],
    [`${course}[limits.users.ab]\ncourse_budget = 1`, "limits.users.ab.course_budget: unknown key"],
    [`${course}[paths]\ndata_dir = "data"`, "paths.data_dir: "],
    [`${course}[aws]\nendpoint = "file:///etc"`, "aws.endpoint: "],
    [`${course}[aws]\ncredentials = "env"`, "aws.credentials: "],
    [`${course}[leases]\naction = "reboot"`, "leases.action: "],
    [`${course}[leases]\ndefault_hours = 0`, "leases.default_hours: 0 is not more than 0"],
    [`${course}[course]\nname = "x"`, "line "],
    [`${course}[limits]\nbudget = -inf`, "limits.budget: -Infinity is not finite"],
    [`${course}[limits]\nmax_instances = 200000`, "limits.max_instances: 200000 is larger than 100000"],
    [`${course}[limits]\nbudget = 2026-08-20`, "limits.budget: is a date, wanted number"],
    [`${course}[limits]\nbudget = []`, "limits.budget: is a list, wanted number"],
    [`${course}[limits]\nbudget = {}`, "limits.budget: is a table, wanted number"],
    [`${course}[limits]\ninstance_types = "t3.*"`, 'limits.instance_types: is "t3.*", wanted a list'],
    [`${course}[limits.users]\nab = 3`, "limits.users.ab: is 3, wanted a table"],
    [`${course}accounts = [""]`, "course.accounts.0: is empty"],
    [
      `${course}accounts = ["cs61c-[a-z]"]`,
      'course.accounts.0: "cs61c-[a-z]" matches nothing: a glob has only',
    ],
    [`${course}accounts = ["cs61c-??", "{a,b}"]`, 'course.accounts.1: "{a,b}" matches nothing'],
    [`${course}staff = ["a, b"]`, 'course.staff.0: "a, b" matches nothing'],
    [`${course}staff = ["a b"]`, 'course.staff.0: "a b" matches nothing'],
    [
      `${course}[limits]\ninstance_types = ["{t3,m5}.*"]`,
      'limits.instance_types.0: "{t3,m5}.*" matches nothing',
    ],
    [`${course}[limits.users.ab]\nbudgett = 1`, "unknown key, did you mean limits.users.ab.budget?"],
    [`budget = 1\n${course}`, "budget: unknown key, did you mean limits.budget?"],
    [
      `${course}[assignments.hw1]\nstart = 2026-09-01\nend = 2026-09-02\nstrat = 2026-09-01`,
      "did you mean assignments.hw1.start?",
    ],
    [
      `${course}[assignments.hw1]\nstart = 2026-09-02\nend = 2026-09-01`,
      "assignments.hw1: ends before it starts",
    ],
    [`${course}[aws]\nendpoint = "http://127.0.0.1:99999"`, "aws.endpoint: "],
    [
      `${course}[prices.on_demand]\n"m5 large" = 1`,
      'prices.on_demand.m5 large: "m5 large" is not an instance type',
    ],
    [
      `${course}[prices.on_demand]\n"m5.large" = 0.0000001`,
      "prices.on_demand.m5.large: is less than a micro-dollar",
    ],
    ["[course\n", "line 1"],
    ['[course]\nname = "a/b"', "course.name: "],
  ])("%p is refused: %s", (toml, reason) => {
    expect(() => load(toml)).toThrow(reason)
  })

  test.each([
    "07:32:00",
    "2026-02-30",
    '"2026-02-30"',
    '"2026-13-01"',
    '"2026-02-30T10:00:00Z"',
    '"20 August 2026"',
    '""',
    "20260820",
  ])("a term does not start on %s", (date) => {
    expect(() => load(`${course}term_start = ${date}`)).toThrow("2026-08-20")
  })

  test("a date that is only commented on, or in a text, is none", () => {
    expect(
      load(`${course}term_start = 2024-02-29 # not = 2026-02-30\nbucket = "abc" # = 2026-02-30`),
    ).toBeTruthy()
  })

  test("a proxy's password is in no error", () => {
    const proxied = () => load(`${course}[aws]\nproxy = "http://me:SECRET@proxy:3128"`)
    expect(proxied).toThrow("aws.proxy: is not an http:// or https:// address without credentials")
  })

  test("whatever a value is, there is a config or one line that names the file", () => {
    const scalar = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.array(fc.string()))
    const key = fc.constantFrom(
      "name",
      "accounts",
      "data_dir",
      "region",
      "max_instances",
      "budget",
      "warn_minutes",
      "users",
      "x",
    )
    const name = fc.constantFrom(
      "course",
      "paths",
      "aws",
      "limits",
      "leases",
      "billing",
      "prices",
      "launch",
      "y",
    )
    fc.assert(
      fc.property(fc.dictionary(name, fc.dictionary(key, scalar)), (value) => {
        try {
          load(stringify(value))
        } catch (error) {
          expect(error).toBeInstanceOf(Failed)
          expect((error as Error).message).toStartWith(`config ${path}: `)
        }
      }),
    )
  })

  test("garbage is one line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(() => load(text)).toThrow(Failed)
      }),
    )
  })
})

describe("a config that others could change", () => {
  test("is refused when the file is group-writable", () => {
    writeFileSync(path, course)
    chmodSync(path, 0o664)
    expect(() => loadConfig(path)).toThrow("is writable by group or others")
  })

  test("is refused when a directory above it is", () => {
    mkdirSync(join(directory, "open"))
    writeFileSync(join(directory, "open", "config.toml"), course)
    chmodSync(join(directory, "open"), 0o777)
    expect(() => loadConfig(join(directory, "open", "config.toml"))).toThrow("is writable by group or others")
  })

  test("is refused when a symbolic link leads through such a directory", () => {
    mkdirSync(join(directory, "open"))
    writeFileSync(join(directory, "open", "config.toml"), course)
    chmodSync(join(directory, "open"), 0o777)
    symlinkSync(join(directory, "open", "config.toml"), path)
    expect(() => loadConfig(path)).toThrow("is writable by group or others")
  })

  test("is accepted below a sticky directory of root, such as /tmp", () => {
    expect(load(course).course.name).toBe("cs61c")
  })
})

test.each(["/nonexistent/config.toml", "/dev/zero", "/etc"])("%s is no config", (file) => {
  expect(() => loadConfig(file)).toThrow(Failed)
})
