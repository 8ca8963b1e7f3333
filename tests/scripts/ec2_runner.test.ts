/** ec2_runner as its callers see it: the process, its options, its JSON, its one line of output. */

import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"
import { addStudents } from "../support/students.ts"
import { type ConfigChanges, type RunOptions, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const { image } = emulator.fixtures
let course: Workspace
const courses: Workspace[] = []
afterAll(async () => {
  for (const each of courses) each.remove()
  await emulator.stop()
})

beforeEach(async () => {
  await emulator.reset()
  course = workspace({
    endpoint: emulator.endpoint,
    config: { prices: { on_demand: { "m1.small": 0.085, "m1.large": 0.17 } } as never },
  })
  courses.push(course)
  expect((await course.run("init_dbs")).stderr).toBe("")
  await addStudents(course, emulator, ["cs61c-aa", "cs61c-ab"])
})

const runner = (args: string[], options: RunOptions = {}) =>
  course.run("ec2_runner", args, { as: "cs61c-aa", ...options })
const json = (request: object, options: RunOptions = {}) =>
  runner(["--stdin-json"], { stdin: JSON.stringify(request), ...options })
const configure = (changes: ConfigChanges) => course.configure(changes)
const small = { image_id: image, instance_type: "m1.small", key_name: "cs61c-aa-default" }

async function launched(): Promise<Instance[]> {
  const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({}))
  return (Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])
}

describe("ec2_runner", () => {
  test("launches what the old options ask for, and prints one JSON array of ids", async () => {
    const { stdout, stderr, code } = await runner(["-a", image, "-c", "2", "-t", "m1.small", "-k", "default"])
    expect(stdout).toMatch(/^\["i-[0-9a-f]+","i-[0-9a-f]+"\]\n$/)
    const [first = ""] = JSON.parse(stdout) as string[]
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^2 of m1\.small: \$0\.17 an hour, at most \$\d\S+ with volumes and addresses$/),
      expect.stringMatching(
        new RegExp(
          `^ends \\S.* \\d\\d:\\d\\d \\S+, in (4 h 00|3 h 59) min \\(sooner: ec2-active --terminate ${first}\\)$`,
        ),
      ),
      expect.stringMatching(/^left of your budget: \$\d+/),
      `log in: ec2-ssh ${first}`,
      "",
    ])
    expect(code).toBe(0)
    const instances = await launched()
    expect(instances.map(({ InstanceId }) => InstanceId).sort()).toEqual(
      (JSON.parse(stdout) as string[]).sort(),
    )
    const [instance] = instances
    const tags = Object.fromEntries((instance?.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
    expect(tags["ec2-wrappers:owner"]).toBe("cs61c-aa")
    expect(instance?.ClientToken).toBe(tags["ec2-wrappers:reservation"] as string)
    expect(instance?.MetadataOptions?.HttpTokens).toBe("required")
  })

  test("launches from the old JSON on stdin, with nulls for what is absent and a count as text", async () => {
    const { stdout, stderr, code } = await json({
      ...small,
      ...{
        count: "1",
        security_groups: ["default"],
        placement: null,
        placement_group: null,
        use_spot: false,
      },
      user_data: Buffer.from("#!/bin/sh\necho hello\n").toString("base64"),
    })
    expect(stderr).toBe("Loading request from stdin\n")
    expect(stdout).toMatch(/^\["i-[0-9a-f]+"\]\n$/)
    expect(code).toBe(0)
  })

  test("shows the arithmetic of a refusal and exits with 3", async () => {
    configure({ limits: { max_hourly_cost: 0.5 } })
    expect((await runner(["-a", image, "-c", "2", "-t", "m1.large"])).code).toBe(0)
    const { stdout, stderr, code } = await runner(["-a", image, "-c", "3", "-t", "m1.large"])
    expect(stderr).toBe(
      "ec2_runner: launch: 2 running at $0.17/h + 3 asked at $0.17/h = $0.85/h, limit $0.50/h\n" +
        'ask for more: ec2-util --request max_hourly_cost=0.85 --reason "why you need it"\n',
    )
    expect(stdout).toBe("")
    expect(code).toBe(3)
    expect(await launched()).toHaveLength(2)
    const log = readFileSync(`${course.dataDir}/audit-log`, "utf8")
    expect(log).toContain("limit $0.50/h")
  })

  test("answers protocol 2 with an object", async () => {
    const { stdout, code } = await json({
      ...small,
      protocol: 2,
      client_token: "t1",
      count: 1,
      lease_minutes: 60,
    })
    const reply = JSON.parse(stdout)
    expect(reply.ids).toHaveLength(1)
    expect(reply.instances[0].private_ip).toMatch(/^[\d.]+$/)
    expect(reply.hourly_cost).toBe(0.085)
    expect(code).toBe(0)
    const again = await json({ ...small, protocol: 2, client_token: "t1", count: 1, lease_minutes: 60 })
    expect(JSON.parse(again.stdout).ids).toEqual(reply.ids)
    expect(await launched()).toHaveLength(1)
    const other = await json({ ...small, protocol: 2, client_token: "t1", count: 2, lease_minutes: 60 })
    expect(JSON.parse(other.stdout).error.code).toBe("IdempotentParameterMismatch")
    expect(other.code).toBe(1)
  })

  test("takes a client token of the term before for a new one: the login was another person's", async () => {
    const asked = { ...small, protocol: 2, client_token: "t1", lease_minutes: 60 }
    const before = JSON.parse((await json({ ...asked, count: 2 })).stdout)
    const db = handAt(`${course.dataDir}/usage.db`)
    db.run("UPDATE reservations SET created_at_utc_ms = created_at_utc_ms - 86400000")
    db.close()
    course.configure({ course: { term_start: new Date(Date.now() - 3_600_000).toISOString() } })
    const first = JSON.parse((await json(asked)).stdout)
    expect(first.ids).toHaveLength(1)
    expect(before.ids).not.toContain(first.ids[0])
    expect(JSON.parse((await json(asked)).stdout).ids).toEqual(first.ids)
  })

  test.each([
    ['{"protocol": 2, "count": 1', 2, "UsageError"],
    ['{"protocol": 3, "key_name": "default"}', 2, "UsageError"],
    ['{"protocol": 2, "key_name": "default", "colour": "red"}', 2, "UsageError"],
    [
      '{"protocol": 2, "key_name": "default", "instance_type": "t3.micro", "iam_instance_profile": "x"}',
      3,
      "Refused",
    ],
  ])("answers protocol 2 with an object also where it says no: %s", async (stdin, exit, errorCode) => {
    const { stdout, stderr, code } = await runner(["--stdin-json"], { stdin })
    const { error } = JSON.parse(stdout)
    expect(error.code).toBe(errorCode)
    expect(stderr).toEndWith(`ec2_runner: ${error.message}\n`)
    expect(code).toBe(exit)
  })

  test("leaves stdout empty for an old client whose request cannot be read", async () => {
    for (const stdin of ['{"count": 1', "[]", "", '{"protocol": null, "count": 1']) {
      const { stdout, code } = await runner(["--stdin-json"], { stdin })
      expect(stdout).toBe("")
      expect(code).toBe(2)
    }
  })

  test.each(["ami", "instance-type", "availability-zone", "placement-group", "subnet", "instance-profile"])(
    "launches nothing else where --%s is an unset variable",
    async (option) => {
      const { stderr, code } = await runner(["-a", image, "-t", "m1.small", `--${option}=`])
      expect(stderr).toBe(
        `ec2_runner: options: --${option} is empty, wanted a value, or the option left out\n`,
      )
      expect(code).toBe(2)
      expect(await launched()).toEqual([])
    },
  )

  test.each([
    ["--count", ["2"]],
    ["--spot", []],
    ["--user-data", ["#!/bin/sh"]],
    ["--stdin-user-data", []],
  ])("leaves %s not unheard beside a request on stdin", async (option, values: string[]) => {
    const { stderr, code } = await runner(["--stdin-json", option, ...values], {
      stdin: JSON.stringify(small),
    })
    expect(stderr).toBe(
      `Loading request from stdin\nec2_runner: options: --stdin-json holds the whole request, leave ${option} out\n`,
    )
    expect(code).toBe(2)
    expect(await launched()).toEqual([])
  })

  test("gives a request on stdin that says no lease the one of --lease", async () => {
    const stdin = JSON.stringify(small)
    expect((await runner(["--stdin-json", "--lease", "25h"], { stdin })).code).toBe(3)
    expect((await runner(["--stdin-json", "--lease", "2x"], { stdin })).code).toBe(2)
    const before = Date.now()
    expect((await runner(["--stdin-json", "--lease", "1h"], { stdin })).code).toBe(0)
    const tags = Object.fromEntries(((await launched())[0]?.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
    expect(Date.parse(tags["ec2-wrappers:lease-end"] ?? "") - before).toBeWithin(3_598_000, 3_660_000)
    const said = await runner(["--stdin-json", "--lease", "1h"], {
      stdin: JSON.stringify({ ...small, protocol: 2, lease_minutes: 90 }),
    })
    expect(said.stderr).toContain("options: the request says lease_minutes, leave --lease out\n")
    expect(said.code).toBe(2)
  })

  test.each(["second", "hour"])(
    "launches what fits into a budget exactly, by the %s",
    async (granularity) => {
      const one = ["-a", image, "-t", "m1.small", "--lease", "1h"]
      configure({ billing: { granularity }, limits: { budget: 1 } })
      const { worst_case } = JSON.parse((await runner([...one, "--dry-run", "--json"])).stdout)
      configure({ billing: { granularity }, limits: { budget: 2 * worst_case } })
      expect((await runner(one)).code).toBe(0)
      expect((await runner(one)).code).toBe(0)
      expect((await runner(one)).code).toBe(3)
    },
  )

  test("shows price, worst case and what would be left in a dry run, and launches nothing", async () => {
    const { stdout, stderr, code } = await runner(["-a", image, "-t", "m1.small", "--dry-run"])
    expect(stderr).toContain("price: $0.085/h\n")
    expect(stdout).toBe("[]\n")
    expect(code).toBe(0)
    const json = JSON.parse((await runner(["-a", image, "-t", "m1.small", "--dry-run", "--json"])).stdout)
    expect(json).toMatchObject({ ids: [], hourly_cost: 0.085 })
    expect(json.left).toMatchObject({ hourly_cost: 5.015, instances: 19, course_budget: null })
    expect(json.worst_case + json.left.budget).toBeCloseTo(100, 9)
    expect(await launched()).toEqual([])
  })

  test("asks AWS only for the caller's own instances besides the launch, once the rest is known", async () => {
    await runner(["-a", image, "-t", "m1.small"])
    emulator.proxy.calls.length = 0
    await runner(["-a", image, "-t", "m1.small"])
    expect(emulator.proxy.calls.map(({ action }) => action)).toEqual(["DescribeInstances", "RunInstances"])
    expect(JSON.stringify(emulator.proxy.calls[0]?.parameters)).toContain("cs61c-aa-")
  })

  test("defect: the launch check was a prefix, so that one could launch with another's key", async () => {
    const { stderr, code } = await runner(["-a", image, "-t", "m1.small", "-k", "cs61c-ab-default"])
    expect(stderr).toContain('"cs61c-aa-cs61c-ab-default" is not a key of cs61c-aa')
    expect(code).toBe(3)
    expect(await launched()).toEqual([])
  })

  test("defect: unknown types crashed", async () => {
    const { stderr, code } = await runner(["-a", image, "-t", "m99.huge"])
    expect(stderr).toBe(
      "ec2_runner: price: none is known for m99.huge in us-east-1; staff can set prices.on_demand or refresh them\n",
    )
    expect(code).toBe(3)
  })

  test("defect: a count given as an option was a string and crashed", async () => {
    expect((await runner(["-a", image, "-t", "m1.small", "--count", "2"])).code).toBe(0)
    const { stderr, code } = await runner(["-a", image, "-t", "m1.small", "--count", "two"])
    expect(stderr).toBe("ec2_runner: request: count is not a whole number\n")
    expect(code).toBe(2)
  })

  test("defect: open spot requests were not counted", async () => {
    configure({ limits: { max_instances: 2 } })
    const { stdout, code } = await runner(["-a", image, "-t", "m1.small", "-c", "2", "--spot"])
    expect(stdout).toMatch(/^\["sir-[^"]+","sir-[^"]+"\]\n$/)
    expect(code).toBe(0)
    expect((await runner(["-a", image, "-t", "m1.small"])).stderr).toContain(
      "2 running + 1 asked = 3 instances, limit 2",
    )
  })

  test("defect: the zone and the placement group were ignored", async () => {
    configure({ launch: { placement_groups: ["tight"] } })
    expect((await runner(["-a", image, "-t", "m1.small", "-z", "us-east-1b"])).code).toBe(0)
    expect((await launched())[0]?.Placement?.AvailabilityZone).toBe("us-east-1b")
    const { stderr, code } = await runner(["-a", image, "-t", "m1.small", "-g", "loose"])
    expect(stderr).toContain('placement group "loose" is neither cs61c-aa\'s own')
    expect(code).toBe(3)
    await runner(["-a", image, "-t", "m1.small", "-g", "tight"])
    const request = emulator.proxy.calls.findLast(({ action }) => action === "RunInstances")?.parameters
    expect(JSON.stringify(request)).toContain("tight")
  })

  test("refuses a caller without access keys", async () => {
    const { stderr, code } = await runner(["-a", image, "-t", "m1.small"], { as: "cs61c-zz" })
    expect(stderr).toBe("ec2_runner: caller: cs61c-zz has no access keys; ec2-util --init makes them\n")
    expect(code).toBe(3)
  })

  test("settles a launch whose reply was lost, and prints its ids", async () => {
    emulator.proxy.faults.add({ kind: "drop-after", action: "RunInstances" })
    const { stdout, code } = await runner(["-a", image, "-t", "m1.small", "-c", "2"])
    expect(JSON.parse(stdout)).toHaveLength(2)
    expect(code).toBe(0)
    expect(await launched()).toHaveLength(2)
  })

  test("leaves nothing reserved where AWS is throttling or unavailable and nothing was launched", async () => {
    await runner(["-a", image, "-t", "m1.small"])
    emulator.proxy.faults.add({
      kind: "drop-before",
      action: "RunInstances",
      times: Number.POSITIVE_INFINITY,
    })
    const { stdout, stderr, code } = await runner(["-a", image, "-t", "m1.small", "-c", "2"])
    expect(stdout).toBe("")
    expect(stderr).toMatch(/^ec2_runner: launch: .*not known yet.*\n$/)
    expect(code).toBe(1)
    emulator.proxy.faults.clear()
    expect(await launched()).toHaveLength(1)
  })

  test("says on stderr, in the audit log and to protocol 2 when the instance has no shutdown timer", async () => {
    const sent = () => {
      const call = emulator.proxy.calls.findLast(({ action }) => action === "RunInstances")
      return Buffer.from(String(call?.parameters.UserData ?? ""), "base64").toString("latin1")
    }
    const note = "no shutdown timer on the instance: the user data is nothing that cloud-init runs"
    const args = ["-a", image, "-t", "m1.small", "--force", "-u", "just data"]
    const plain = await runner(args)
    expect(plain.stderr).toStartWith(`${note}\nm1.small: `)
    expect(sent()).toBe("just data")
    expect(JSON.parse(plain.stdout)).toHaveLength(1)
    expect(JSON.parse((await runner([...args, "--json"])).stdout).notes).toEqual([note])
    expect(readFileSync(`${course.dataDir}/audit-log`, "utf8")).toContain(`; ${note}\n`)
    const timed = await runner(["-a", image, "-t", "m1.small", "-u", "#!/bin/sh\necho hi", "--json"])
    expect(timed.stderr).toBe("")
    expect(JSON.parse(timed.stdout)).not.toHaveProperty("notes")
    expect(sent()).toContain("/run/ec2-lease")
  })

  test("refuses a file's name as user data, and launches nothing", async () => {
    for (const name of ["setup.sh", "file://setup.sh", "@setup.sh"]) {
      const { stdout, stderr, code } = await runner(["-a", image, "-t", "m1.small", "-u", name])
      expect(stderr).toContain("for the content of a file type --stdin-user-data < setup.sh")
      expect([stdout, code]).toEqual(["", 2])
    }
    expect(await launched()).toEqual([])
  })

  test("sends Windows no boot hook, and says so", async () => {
    const { stderr, code } = await runner(["-a", emulator.fixtures.windowsImage, "-t", "m1.small"])
    expect(stderr).toStartWith("no shutdown timer on the instance: Windows runs no cloud-init\n")
    expect(code).toBe(0)
    const call = emulator.proxy.calls.findLast(({ action }) => action === "RunInstances")
    expect(call?.parameters).not.toHaveProperty("UserData")
  })

  test("sends an image without cloud-init the user data as it is, and says so", async () => {
    course.configure({ launch: { without_cloud_init: [image] } })
    const { stderr, code } = await runner(["-a", image, "-t", "m1.small", "-u", "#!/bin/sh\necho hi"])
    course.configure({})
    const because = `image ${image} is listed in launch.without_cloud_init`
    expect(stderr).toStartWith(`no shutdown timer on the instance: ${because}\n`)
    expect(code).toBe(0)
    const call = emulator.proxy.calls.findLast(({ action }) => action === "RunInstances")
    const sent = Buffer.from(String(call?.parameters.UserData), "base64").toString("latin1")
    expect(sent).toBe("#!/bin/sh\necho hi")
  })
})
