import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  CreateSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  type Instance,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { tryExclusiveLock } from "../../lib/host/processes/lock_file.ts"
import type { RunningTool } from "../support/tools.ts"
import { finished } from "../support/tools.ts"
import { type Classroom, login, openClassroom } from "./support.ts"

let room: Classroom
beforeAll(async () => {
  room = await openClassroom()
})
afterAll(() => room.close())
beforeEach(async () => {
  const ids = (await live()).map(({ InstanceId }) => InstanceId ?? "")
  if (ids.length > 0) await room.emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }))
  room.course.configure({})
  room.emulator.proxy.world.knobs.pendingMs = 100
  room.emulator.proxy.calls.length = 0
})

async function live(): Promise<Instance[]> {
  const { Reservations = [] } = await room.emulator.ec2.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) =>
    ["pending", "running"].includes(State?.Name ?? ""),
  )
}

const tagsOf = ({ Tags = [] }: Instance) => Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
const callsOf = (action: string) => room.emulator.proxy.calls.filter((call) => call.action === action)

/** Waits until the tool's stderr says so. */
async function says(child: RunningTool, wanted: RegExp): Promise<void> {
  let text = ""
  for await (const chunk of child.stderr) {
    text += new TextDecoder().decode(chunk)
    if (wanted.test(text)) return
  }
  throw new Error(`ended without ${wanted}: ${text}`)
}

describe("launching", () => {
  test("every node carries the owner's and the cluster's tag; ssh is open to the client alone", async () => {
    const { stdout, stderr, code } = await room.hadoop("launch-cluster", "tagged", "2", "--timeout", "1s")
    const ids = (await live()).map(({ InstanceId }) => InstanceId ?? "")
    expect(stdout.trim().split("\n").sort()).toEqual(ids.toSorted())
    for (const id of ids) expect(stderr.split("still run:")[1]).toContain(id)
    expect(code).toBe(4)
    const nodes = (await live()).map(tagsOf)
    expect(nodes.map((tags) => [tags[tagOf.owner], tags[tagOf.cluster], tags[tagOf.clusterRoles]])).toEqual([
      [login, "tagged", "nn,snn,rm,jhs,sm,shs"],
      ...Array(2).fill([login, "tagged", "dn,nm,sw"]),
    ])
    const { SecurityGroups = [] } = await room.emulator.ec2.send(new DescribeSecurityGroupsCommand({}))
    const own = SecurityGroups.find(({ GroupName }) => GroupName === `${login}-tagged`)
    expect(own?.IpPermissions?.find(({ FromPort }) => FromPort === 22)?.IpRanges?.[0]?.CidrIp).toBe(
      "127.0.0.1/32",
    )
    expect(
      own?.IpPermissions?.some(({ IpRanges = [] }) => IpRanges.some(({ CidrIp }) => CidrIp === "0.0.0.0/0")),
    ).toBe(false)
  })

  test("a node that dies while starting ends the wait at once, with AWS's reason and the ids of the rest", async () => {
    room.emulator.proxy.world.knobs.pendingMs = 60_000
    const child = room.start(["launch-cluster", "dying", "1", "--timeout", "50s", "--json"])
    const output = finished(child)
    while ((await live()).length < 2) await Bun.sleep(50)
    const [first] = await live()
    await room.emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first?.InstanceId ?? ""] }))
    const { stdout, stderr, code } = await output
    expect(stderr).toContain(`${first?.InstanceId} (nn,snn,rm,jhs,sm,shs) is `)
    expect(stderr).toContain("Client.UserInitiatedShutdown")
    expect(stderr).toMatch(/1 instance of dying still run: i-\w+ /)
    expect(JSON.parse(stdout)).toMatchObject({ cluster: "dying", ids: [expect.stringMatching(/^i-/)] })
    expect(code).toBe(4)
  })

  test("a launch refused half-way by the limit says why, and leaves nothing where told to", async () => {
    room.course.configure({ limits: { max_instances: 2 } })
    const { stderr, code } = await room.hadoop("launch-cluster", "half", "5", "--on-failure", "terminate")
    expect(stderr).toMatch(
      /hadoop_ec2: launch: 1 running \+ 5 asked = 6 instances, limit 2; 1 instance of half launched and terminated again/,
    )
    expect(code).toBe(3)
    expect(await live()).toEqual([])
  })

  test("Ctrl-C while waiting keeps what runs, names it, and --resume launches nothing twice", async () => {
    const child = room.start(["launch-cluster", "stopped", "1"])
    await says(child, /running .* dn,nm,sw/)
    child.kill("SIGINT")
    expect(await new Response(child.stdout).text()).toMatch(/^i-\w+\ni-\w+\n$/)
    expect(await child.exited).toBe(4)
    expect(await live()).toHaveLength(2)
    const launches = callsOf("RunInstances").length
    const resumed = await room.hadoop("launch-cluster", "stopped", "1", "--resume", "--timeout", "1s")
    expect(resumed.stderr).toContain("2 instances of stopped still run: i-")
    expect(resumed.stdout).toMatch(/^i-\w+\ni-\w+\n$/)
    expect(resumed.code).toBe(4)
    expect(callsOf("RunInstances")).toHaveLength(launches)
    const again = await room.hadoop("launch-cluster", "stopped", "1")
    expect(again.stderr).toContain("has 2 instances already (--resume completes it")
  })

  /** Starts a launch whose first group AWS launches only once released. */
  async function heldLaunch(cluster: string, ...groups: string[]) {
    let release = () => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    const arrived = new Promise<void>((resolve) => {
      const matches = () => {
        resolve()
        return true
      }
      room.emulator.proxy.faults.add({ kind: "watched", action: "RunInstances", until, matches })
    })
    const child = room.start(["launch-cluster", cluster, ...groups, "--timeout", "1s"])
    await arrived
    return { child, release }
  }

  /** Kills a launch while AWS launches for ec2-run, which goes on once released. */
  async function killedLaunch(cluster: string): Promise<() => void> {
    const { child, release } = await heldLaunch(cluster, "1", "sm")
    child.kill("SIGKILL")
    await child.exited
    return release
  }

  test("ended while it is launched, a cluster gets no further group of nodes", async () => {
    const { child, release } = await heldLaunch("both", "1", "sm", "2", "sw")
    const launched = finished(child)
    const ending = room.start(["delete-cluster", "both", "--yes"])
    await says(ending, /Waiting for ec2-run to launch 1 node of both/)
    release()
    expect((await launched).stderr).toContain("launch: another command ended both meanwhile")
    expect(await ending.exited).toBe(0)
    expect(callsOf("RunInstances").filter(({ parameters }) => parameters.DryRun !== "true")).toHaveLength(1)
    expect(await live()).toEqual([])
  })

  test.each([
    ["[null]", "edited"],
    ['[{"ids": null, "launcher": 7}]', "changed"],
    ["no JSON", "torn"],
  ])("a journal that holds %s keeps nobody from launching and ending", async (journal, cluster) => {
    const directory = join(room.home, ".hadoop-cloud", cluster)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, "launch.json"), journal)
    expect((await room.hadoop("terminate-cluster", cluster)).stdout).toBe(`${cluster} has nothing left.\n`)
    writeFileSync(join(directory, "launch.json"), journal)
    expect((await room.hadoop("launch-cluster", cluster, "1", "sm", "--timeout", "0")).code).toBe(4)
  })

  test("killed while ec2-run launches and ended at once, it leaves nothing", async () => {
    const release = await killedLaunch("early")
    const planned = await room.hadoop("terminate-cluster", "early", "--dry-run")
    expect(planned.stdout).toContain("ec2-run is launching 1 node more\n")
    const impatient = await room.hadoop("terminate-cluster", "early", "--yes", "--timeout", "0")
    expect(impatient.stderr).toContain("waiting for ec2-run to launch 1 node of early")
    expect(impatient.code).toBe(1)
    const patient = room.start(["delete-cluster", "early", "--yes"])
    release()
    const { stdout, code } = await finished(patient)
    expect(stdout).toMatch(/^i-\w+ terminated\nsecurity group/)
    expect(code).toBe(0)
    expect(await live()).toEqual([])
  })

  test("killed while ec2-run launches and called again at once, it launches nothing twice", async () => {
    const release = await killedLaunch("again")
    const early = await room.hadoop("launch-cluster", "again", "1", "sm", "--timeout", "1s")
    expect(early.stderr).toContain("the same request is still under way")
    release()
    while ((await live()).length === 0) await Bun.sleep(50)
    await room.hadoop("terminate-cluster", "again", "--yes")
    expect(await live()).toEqual([])
    expect((await room.hadoop("launch-cluster", "again", "1", "sm", "--timeout", "1s")).code).toBe(4)
    expect(await live()).toHaveLength(1)
  })

  test("two launches of a cluster at once do not mix: the second is refused", async () => {
    room.emulator.proxy.world.knobs.pendingMs = 60_000
    const first = room.start(["launch-cluster", "twin", "1", "sm"])
    await says(first, /pending .* sm/)
    const second = await room.hadoop("launch-cluster", "twin", "1", "sm", "--on-failure", "terminate")
    expect(second.stderr).toBe(
      "hadoop_ec2: launch: another command launches or stores for twin: wait for it, or end it\n",
    )
    expect(second.code).toBe(1)
    expect(await live()).toHaveLength(1)
    first.kill("SIGKILL")
    await first.exited
    const resumed = await room.hadoop("launch-cluster", "twin", "1", "sm", "--resume", "--timeout", "0")
    expect(resumed.stderr).toContain("timed out after 0 s waiting for 1 instance to run")
    expect(await live()).toHaveLength(1)
  })

  test("the rule for ssh follows the client's address, and other rules stay", async () => {
    await room.hadoop("launch-cluster", "moved", "1", "sm", "--timeout", "1s")
    const rules = async () => {
      const { SecurityGroups = [] } = await room.emulator.ec2.send(
        new DescribeSecurityGroupsCommand({ GroupNames: [`${login}-moved`] }),
      )
      return (SecurityGroups[0]?.IpPermissions ?? []).flatMap(({ FromPort, IpRanges = [] }) =>
        IpRanges.map(({ CidrIp }) => `${FromPort} ${CidrIp}`),
      )
    }
    expect(await rules()).toEqual(["22 127.0.0.1/32"])
    const moved = ["moved", "1", "sm", "--resume", "--timeout", "1s", "--client-cidr", "198.51.100.1"]
    await room.hadoop("launch-cluster", ...moved)
    expect(await rules()).toEqual(["22 198.51.100.1/32"])
    const wide = await room.hadoop("launch-master", "wide", "--client-cidr", "0.0.0.0/0", "--timeout", "0")
    expect(wide.stderr).toContain("0.0.0.0/0 lets in far more than you: ssh is open to all of it")
  })

  test("a lost reply of ec2-run is asked for again under the same token", async () => {
    const lossy = join(room.course.directory, "lossy")
    writeFileSync(lossy, `#!/bin/sh\n'${room.course.directory}/ec2-run' "$@" >/dev/null; kill -9 $$\n`, {
      mode: 0o755,
    })
    const child = room.start(["launch-master", "lost"], { EC2_RUN: lossy })
    const { stderr, code } = await finished(child)
    expect(stderr).toContain("1 instance of lost still run: i-")
    expect(code).toBe(4)
    const journal = JSON.parse(readFileSync(join(room.home, ".hadoop-cloud/lost/launch.json"), "utf8"))
    expect(journal).toMatchObject([{ count: 1, ids: null }])
    await room.hadoop("launch-cluster", "lost", "0", "--resume", "--timeout", "1s")
    expect(await live()).toHaveLength(1)
  })
})

test("where AWS did not answer ec2-run, --resume asks again under the same token", async () => {
  const { faults } = room.emulator.proxy
  faults.add({ kind: "drop-after", action: "RunInstances", times: Number.POSITIVE_INFINITY })
  // What was launched is not listed either.
  const hidden = faults.add({
    kind: "unavailable",
    action: "DescribeInstances",
    matches: ({ body }) => body.includes("reservation"),
    times: Number.POSITIVE_INFINITY,
  })
  const lost = await room.hadoop("launch-cluster", "dark", "1", "sm", "--timeout", "1s")
  expect(lost.stderr).toContain("whether it launched is not known yet")
  faults.clear()
  hidden()
  const journal = JSON.parse(readFileSync(join(room.home, ".hadoop-cloud/dark/launch.json"), "utf8"))
  expect(journal).toMatchObject([{ count: 1, ids: null }])
  await room.hadoop("launch-cluster", "dark", "1", "sm", "--resume", "--timeout", "1s")
  expect(await live()).toHaveLength(1)
})

describe("what ec2-run answers", () => {
  /** hadoop_ec2 with an ec2-run that does as the shell says. */
  function answered(shell: string, ...args: string[]) {
    const fake = join(room.course.directory, "fake-run")
    writeFileSync(fake, `#!/bin/sh\ncat >/dev/null\n${shell}\n`, { mode: 0o755 })
    return finished(room.start(["launch-cluster", "odd", "1", "sm", ...args], { EC2_RUN: fake }))
  }

  test.each([
    ['echo \'{"ids": "i-1"}\'', 'ended with 0 and the output "{"ids'],
    ['echo \'{"error": "no"}\'; exit 1', 'ended with 1 and the output "{"error'],
    ["echo '{\"ids\": []}'", "ec2-run answers with 0 of 1 node"],
    ["echo '[\"i-0123456789abcdef0\"]'", "it answered i-0123456789abcdef0 (ec2-active shows"],
    ["echo Loading request from stdin >&2; kill -9 $$", 'ended with 137 and the output ""'],
    ["echo ec2_runner: launch: no room >&2; exit 3", "hadoop_ec2: launch: no room"],
  ])("%s is a failure in one line", async (shell, line) => {
    const { stdout, stderr, code } = await answered(shell)
    expect(stderr).toContain(line)
    expect(stderr).not.toContain("unexpected")
    expect(stdout).toBe("")
    expect(code).toBe(shell.includes("exit 3") ? 3 : 1)
  })

  test("what it says to the caller is passed on, since some of it is said only once", async () => {
    const { stderr } = await answered('echo "i-1: the lease ends soon" >&2; echo ec2_runner: no >&2; exit 1')
    expect(stderr).toContain("i-1: the lease ends soon\nhadoop_ec2: launch: no\n")
  })
})

describe("a dry run", () => {
  test("of whatever command changes nothing, and says what would be done", async () => {
    await room.hadoop("launch-cluster", "tried", "1", "nn", "1", "dn", "--timeout", "1s")
    const spec = join(room.home, "tried.json")
    writeFileSync(spec, '{"dn": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": 1}]}')
    const made = await room.hadoop("create-storage", "tried", "dn", "1", spec)
    const nodes = JSON.parse((await room.hadoop("list", "tried", "--json")).stdout)
    const [master, worker] = nodes
    room.emulator.proxy.calls.length = 0
    const says: [string[], string][] = [
      [["attach-storage", "tried", "dn"], made.stdout.trim()],
      [["update-slaves-file", "tried"], worker.private_ip],
      [["create-formatted-snapshot", "tried", "1"], "$0.083/h"],
      [["exec", "tried", "a b", "c"], `-l hadoop -- ${master.public_ip} ''\\''a b'\\'' c'`],
      [["login", "tried", "1"], `-l hadoop -- ${worker.public_ip}`],
      [["push", "tried", "x:y"], `-- ./x:y hadoop@${master.public_ip}:`],
      [["pull", "tried", "there"], `-- hadoop@${master.public_ip}:there .`],
      [["logs", "tried"], "tail -n 100"],
      [["proxy", "tried"], "-D 127.0.0.1:6666 -o ExitOnForwardFailure=yes"],
      [["ui", "tried"], `HDFS name node (${master.private_ip})\t9870`],
      [["add-workers", "tried", "2"], "2 nodes\tdn\t$0.166/h"],
      [["launch-cluster", "tried", "1", "nn", "3", "dn", "--resume"], "2 nodes\tdn\t$0.166/h"],
      [["remove-workers", "tried", "1"], worker.id],
      [["extend", "tried", "1h"], worker.id],
      [["delete-storage", "tried"], made.stdout.trim()],
      [["delete-cluster", "tried"], "Security groups: "],
    ]
    for (const [args, said] of says) {
      const { stdout, stderr, code } = await room.hadoop("--dry-run", ...args)
      expect(stdout + stderr).toContain(said)
      expect([args[0], code]).toEqual([args[0], 0])
    }
    const changing = room.emulator.proxy.calls.filter(
      ({ action, parameters }) => !/^(Describe|GetParameter)/.test(action) && parameters.DryRun !== "true",
    )
    expect(changing.map(({ action }) => action)).toEqual([])
    expect(await live()).toHaveLength(2)
  })

  test("of add-workers to no cluster fails as the launch would", async () => {
    const { stderr, code } = await room.hadoop("add-workers", "nowhere", "1", "--dry-run")
    expect(stderr).toContain("cluster nowhere has no running master (launch-master first)")
    expect(code).toBe(1)
  })
})

describe("bad input", () => {
  test.each([
    "a;id",
    "$(id)",
    "../up",
    "-x=",
    "a b",
    "",
    "a*",
    "clusters.cfg",
    "ec2-storage-c.json",
    "n".repeat(61),
  ])("the cluster name %j makes no call", async (name) => {
    const { stderr, code } = await room.hadoop("launch-cluster", "--", name, "1")
    expect(stderr).toContain("hadoop_ec2: cluster: name")
    expect(code).toBe(2)
    expect(room.emulator.proxy.calls).toEqual([])
  })

  test("a mistake in clusters.cfg is named with its line", async () => {
    room.clustersCfg("[c]\nimage_id ami-1\n")
    const { stderr, code } = await room.hadoop("launch-cluster", "c", "1")
    expect(stderr).toContain('clusters.cfg:2: is "image_id ami-1", wanted [SECTION] or KEY = VALUE')
    expect(code).toBe(2)
    room.clustersCfg("")
  })

  test("an unknown key of clusters.cfg is warned of, once", async () => {
    room.clustersCfg("[c]\ninstance_typ = m1.small\n")
    for (const command of ["launch-cluster", "add-workers"]) {
      const { stderr } = await room.hadoop(command, "c", "1", "--region", "us-west-2")
      expect(stderr.match(/\[c\] instance_typ is not a setting and is ignored\n/g)).toHaveLength(1)
    }
    writeFileSync(join(room.home, "x.pem"), "-----BEGIN OPENSSH PRIVATE KEY-----\n", { mode: 0o600 })
    room.clustersCfg("[DEFAULT]\nkeys = ~\n[c]\nName = x\nprivate_key = %(Keys)s/%(name)s.pem\n")
    expect((await room.hadoop("config", "check")).stdout).toBe("[c] is right\n")
    room.clustersCfg("")
  })

  test.each([
    ["private_key = ~/none.pem", 'private_key: "HOME/none.pem" does not exist'],
    ["private_key = ~/open.pem", "can be read by others, and ssh would not use it; run chmod 600 on it"],
    ["private_key = ~/mine.pub", "holds no private key in a form that ssh reads"],
    ["user_data_file = ~/none.sh", 'user_data_file: "HOME/none.sh" does not exist'],
    ["user_data_file = ~/bare.sh", 'HOME/bare.sh begins with "echo hello"'],
  ])("%s is named by config check, and refused before anything is made", async (line, said) => {
    writeFileSync(join(room.home, "open.pem"), "-----BEGIN OPENSSH PRIVATE KEY-----\n", { mode: 0o644 })
    writeFileSync(join(room.home, "mine.pub"), "ssh-ed25519 AAAA\n", { mode: 0o600 })
    writeFileSync(join(room.home, "bare.sh"), "echo hello\n")
    room.clustersCfg(`[c]\n${line.replace("~/bare", `${room.home}/bare`)}\n`)
    const wanted = said.replace("HOME", room.home)
    expect((await room.hadoop("config", "check")).stdout).toContain(wanted)
    const { stderr, code } = await room.hadoop("launch-cluster", "c", "1")
    expect(stderr).toContain(wanted)
    expect(code).toBe(2)
    expect(room.emulator.proxy.calls.filter(({ action }) => !action.startsWith("Describe"))).toEqual([])
    room.clustersCfg("")
  })

  test("where no key was written, ssh chooses among its own, and config check says so", async () => {
    const key = join(room.home, `${login}-default.pem`)
    room.clustersCfg(`[c]\nprivate_key = ${key}\nssh_options = -i %(private_key)s -o Compression=yes\n`)
    expect((await room.hadoop("config", "check")).stdout).toBe(
      `[c] there is no ${key}: ssh offers the keys of your agent and of ~/.ssh\n`,
    )
    await room.hadoop("launch-cluster", "c", "1", "sm", "--timeout", "1s")
    const { stdout } = await room.hadoop("login", "c", "--dry-run")
    expect(stdout).toContain(" -o Compression=yes ")
    expect(stdout).not.toMatch(/IdentitiesOnly| -i |\.pem/)
    room.clustersCfg("")
  })

  test("a region where ec2-run launches nothing is refused before anything is made", async () => {
    const { stderr, code } = await room.hadoop("launch-cluster", "far", "1", "--region", "us-west-2")
    expect(stderr).toBe('hadoop_ec2: region: ec2-run launches in us-east-1 only, not in "us-west-2"\n')
    expect(code).toBe(3)
    expect((await room.hadoop("plan", "far", "1", "--region", "us-west-2")).code).toBe(3)
    expect(callsOf("CreateSecurityGroup")).toEqual([])
  })

  test("the current directory's clusters.cfg is not read", async () => {
    writeFileSync(join(room.home, "clusters.cfg"), "[c]\nuser_data_file = /etc/passwd\n")
    const { stdout } = await room.hadoop("render", "c", "1")
    expect(stdout).not.toContain("root:x:0")
  })

  test("a script that never ends is refused, and one from a pipe is read", async () => {
    const endless = await room.hadoop("render", "c", "1", "-f", "/dev/zero")
    expect(endless.stderr).toBe("hadoop_ec2: read /dev/zero: is longer than 1 MiB\n")
    expect(endless.code).toBe(1)
    const pipe = join(room.home, "script.fifo")
    Bun.spawnSync(["mkfifo", pipe])
    const writer = Bun.spawn(["sh", "-c", `printf '#!/bin/sh\n# piped\n' >${pipe}`])
    expect((await room.hadoop("render", "c", "1", "-f", pipe)).stdout).toContain("# piped")
    await writer.exited
  })

  test("a script too large, and a secret in it, are refused before anything is made", async () => {
    const script = join(room.home, "large.sh")
    writeFileSync(script, `#!/bin/sh\n# ${crypto.getRandomValues(new Uint8Array(20_000)).toHex()}\n`)
    const large = await room.hadoop("launch-cluster", "c", "1", "-f", script)
    expect(large.stderr).toMatch(/user data: .*large\.sh has \d+ bytes when gzipped, wanted at most 16384/)
    const secret = await room.hadoop("launch-cluster", "c", "1", "-e", "AWS_SECRET_ACCESS_KEY=x")
    expect(secret.stderr).toContain('"AWS_SECRET_ACCESS_KEY" is or holds a secret')
    expect([large.code, secret.code]).toEqual([2, 2])
    expect(room.emulator.proxy.calls.filter(({ action }) => !action.startsWith("Describe"))).toEqual([])
  })

  test.each([
    [["frobnicate", "c"], '"frobnicate" is none of launch-cluster'],
    [["list", "c", "--use-spot"], "list does not take --use-spot"],
    [["launch-cluster", "c", "1", "--spot-master"], "spot-master: has no effect without --use-spot"],
    [["launch-cluster", "c"], "something is missing after c"],
    [["wait"], "CLUSTER is missing"],
    [["terminate-cluster", "c", "extra"], 'unexpected argument "extra"'],
    [["extend", "c", "soon"], '"soon" is not a duration'],
    [["list", "c", "d"], 'unexpected argument "d"'],
  ])("%j is a usage error", async (args, message) => {
    const { stderr, code } = await room.hadoop(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  /** Makes a security group with these tags; returns its id. */
  async function groupOf(GroupName: string, tags: Record<string, string>): Promise<string> {
    const { GroupId = "" } = await room.emulator.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName,
        Description: "x",
        VpcId: room.emulator.fixtures.vpcId,
        TagSpecifications: [
          {
            ResourceType: "security-group",
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
          },
        ],
      }),
    )
    return GroupId
  }
  const groupIdsOf = (instance?: Instance) => (instance?.SecurityGroups ?? []).map(({ GroupId }) => GroupId)

  test.each([
    ["another login", "theirs", { [tagOf.owner]: "cs61c-zz", [tagOf.cluster]: "theirs" }],
    ["nobody", "nobodys", { Name: "x" }],
    ["another cluster of the caller's", "others", { [tagOf.owner]: login, [tagOf.cluster]: "other" }],
  ])(
    "a group of that name that is of %s is left alone, and stands in nobody's way",
    async (_, cluster, tags) => {
      const taken = await groupOf(`${login}-${cluster}`, tags as Record<string, string>)
      expect((await room.hadoop("launch-cluster", cluster, "1", "sm", "--timeout", "0")).code).toBe(4)
      const used = groupIdsOf((await live())[0])
      expect(used.length).toBeGreaterThan(0)
      expect(used).not.toContain(taken)
      expect(
        callsOf("AuthorizeSecurityGroupIngress").map(({ parameters }) => parameters.GroupId),
      ).not.toContain(taken)
      const made = callsOf("CreateSecurityGroup").length
      // The group with the other name is found again.
      await room.hadoop("launch-slaves", cluster, "1", "sm", "--timeout", "0")
      expect(groupIdsOf((await live()).at(-1))).not.toContain(taken)
      expect(callsOf("CreateSecurityGroup").length).toBe(made)
      const { stdout } = await room.hadoop("delete-cluster", cluster, "--yes")
      expect(stdout).toMatch(new RegExp(`security group ${login}-${cluster}#[0-9a-f]{8} deleted\n`))
      const { SecurityGroups } = await room.emulator.ec2.send(new DescribeSecurityGroupsCommand({}))
      expect(SecurityGroups?.map(({ GroupId }) => GroupId)).toContain(taken)
    },
  )

  test("another student's cluster of the same name is no obstacle", async () => {
    const theirs = await groupOf("shared", { [tagOf.owner]: "cs61c-zz", [tagOf.cluster]: "shared" })
    expect((await room.hadoop("launch-cluster", "shared", "1", "sm", "--timeout", "0")).code).toBe(4)
    expect(groupIdsOf((await live())[0])).not.toContain(theirs)
    expect((await room.hadoop("list")).stdout).toMatch(/^shared\t1\+0\t/m)
    const { stdout } = await room.hadoop("delete-cluster", "shared", "--yes")
    expect(stdout).toContain(`security group ${login}-shared deleted\n`)
    expect(stdout).not.toContain("security group shared")
  })

  test("a cluster that was launched when groups had no login in their names keeps its own", async () => {
    const old = await groupOf("older", { [tagOf.owner]: login, [tagOf.cluster]: "older" })
    await room.hadoop("launch-cluster", "older", "1", "sm", "--timeout", "0")
    expect(groupIdsOf((await live())[0])).toContain(old)
    const { stdout } = await room.hadoop("delete-cluster", "older", "--yes")
    expect(stdout).toMatch(/security group older-sm deleted\nsecurity group older deleted\n$/)
  })
})

describe("ending", () => {
  test("delete-cluster foo does not touch foo-bar, nor what is another's (defect: patterns over group names)", async () => {
    await room.hadoop("launch-cluster", "foo", "1", "sm", "--timeout", "1s")
    await room.hadoop("launch-cluster", "foo-bar", "1", "sm", "--timeout", "1s")
    await room.emulator.ec2.send(
      new RunInstancesCommand({
        ImageId: room.emulator.fixtures.image,
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [
          {
            ResourceType: "instance",
            Tags: [
              { Key: tagOf.owner, Value: "cs61c-zz" },
              { Key: tagOf.cluster, Value: "foo" },
            ],
          },
        ],
      }),
    )
    const unasked = await room.hadoop("delete-cluster", "foo")
    expect(unasked.stderr).toContain(
      "Cluster foo of cs61c-ab: 1 instance, 0.0 instance hours so far, $0.0832 per hour",
    )
    expect(unasked.stderr).toContain("nobody can be asked here (--yes answers)")
    expect(unasked.code).toBe(2)
    const { stdout, code } = await room.hadoop("delete-cluster", "foo", "--force")
    expect(stdout).toMatch(
      /^i-\w+ terminated\nsecurity group cs61c-ab-foo-sm deleted\nsecurity group cs61c-ab-foo deleted\n$/,
    )
    expect(code).toBe(0)
    const left = (await live()).map(tagsOf)
    expect(left.map((tags) => `${tags[tagOf.owner]} ${tags[tagOf.cluster]}`).sort()).toEqual([
      "cs61c-ab foo-bar",
      "cs61c-zz foo",
    ])
  })

  test("list shows clusters, and JSON where asked", async () => {
    await room.hadoop("launch-cluster", "shown", "1", "sm", "2", "sw", "--timeout", "1s")
    const { stdout } = await room.hadoop("list")
    expect(stdout).toMatch(/^shown\t1\+2\t\d+ s\tuntil /m)
    const nodes = JSON.parse((await room.hadoop("list", "shown", "--json")).stdout)
    expect(nodes.map(({ roles }: { roles: string[] }) => roles.join())).toEqual(["sm", "sw", "sw"])
  })

  test("remove-workers --skip-decommission ends a worker whose master does not answer, then says that", async () => {
    await room.hadoop("launch-cluster", "mute", "1", "sm", "1", "sw", "--timeout", "0")
    const args = ["mute", "1", "--skip-decommission", "--yes", "--timeout", "1s"]
    const { stderr, code } = await room.hadoop("remove-workers", ...args)
    expect(stderr).toMatch(
      /Waiting for the host key of i-\w+ on its console ...\n.*its host key is not known/s,
    )
    expect(code).toBe(1)
    expect((await live()).map((node) => tagsOf(node)[tagOf.clusterRoles])).toEqual(["sm"])
  })

  test("extend moves the lease of all nodes, through ec2-active and its limits", async () => {
    await room.hadoop("launch-cluster", "longer", "1", "sm", "1", "sw", "--timeout", "1s")
    const leases = async () => (await live()).map((node) => Date.parse(tagsOf(node)[tagOf.leaseEnd] ?? ""))
    const before = await leases()
    const { stderr, code } = await room.hadoop("extend", "longer", "1h")
    expect(stderr).toBe("")
    expect(code).toBe(0)
    expect(await leases()).toEqual(before.map((end) => end + 3_600_000))
    const refused = await room.hadoop("extend", "longer", "100h")
    expect(refused.stderr).toContain("at most")
    expect(refused.code).toBe(3)
  })

  test("plan prices by ec2-run and launches nothing", async () => {
    const { stdout, stderr, code } = await room.hadoop("plan", "c", "1", "sm", "4", "sw", "--json")
    expect(stderr).toBe("")
    expect(JSON.parse(stdout)).toMatchObject({ groups: [{ count: 1 }, { count: 4 }] })
    expect(JSON.parse(stdout).hourly_cost).toBeCloseTo(5 * 0.0832, 6)
    expect(code).toBe(0)
    expect(callsOf("RunInstances").filter(({ parameters }) => parameters.DryRun !== "true")).toEqual([])
  })

  test("plan refuses groups of which each fits alone, and the sum does not", async () => {
    room.course.configure({ limits: { max_instances: 5 } })
    expect((await room.hadoop("plan", "c", "4")).code).toBe(0)
    const { stdout, stderr, code } = await room.hadoop("plan", "c", "5", "--json")
    expect(stderr).toBe("hadoop_ec2: launch: 1 + 5 asked = 6 instances, 5 left\n")
    expect(JSON.parse(stdout)).toMatchObject({
      groups: [{ count: 1 }, { count: 5 }],
      refused: expect.any(String),
    })
    expect(code).toBe(3)
  })

  test("types that are too small, or not what the image is for, are refused with the sum unless forced", async () => {
    for (const command of ["plan", "launch-cluster"]) {
      const small = await room.hadoop(command, "tiny", "2", "-t", "t3.micro")
      expect(small.stderr).toContain(
        "nn,snn,rm,jhs,sm,shs: 384 for the system + 6 × 384 for daemons = 2688 MB, and t3.micro has 952 MB",
      )
      expect(small.code).toBe(3)
      const other = await room.hadoop(command, "tiny", "1", "sm", "-t", "t4g.large")
      expect(other.stderr).toMatch(/image ami-\w+ is for x86_64, and t4g.large is arm64/)
      expect(other.code).toBe(3)
    }
    expect(callsOf("CreateSecurityGroup")).toEqual([])
    expect((await room.hadoop("plan", "tiny", "2", "-t", "t3.micro", "--force")).code).toBe(0)
    for (const type of ["t3.medium", "t3.large", "m7i.xlarge"])
      expect((await room.hadoop("plan", "tiny", "2", "-t", type)).code).toBe(0)
  })

  test("nodes have the types of their roles", async () => {
    const types = ["-t", "t3.large", "-t", "sm=m7i.large"]
    await room.hadoop("launch-cluster", "typed", "1", "sm", "1", "sw", ...types, "--timeout", "0")
    const launched = (await live()).map((node) => [tagsOf(node)[tagOf.clusterRoles], node.InstanceType])
    expect(launched.sort()).toEqual([
      ["sm", "m7i.large"],
      ["sw", "t3.large"],
    ])
  })

  test("storage is made by ec2-run, listed, and deleted by its owner", async () => {
    const spec = join(room.home, "spec.json")
    writeFileSync(spec, '{"dn": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": "7"}]}')
    const made = await room.hadoop("create-storage", "kept", "dn", "2", spec, "-z", "us-east-1a")
    expect(made.stderr).not.toContain("hadoop_ec2:")
    const ids = made.stdout.trim().split("\n")
    expect(ids).toHaveLength(2)
    const listed = await room.hadoop("list-storage", "kept")
    expect(listed.stdout).toBe(ids.map((id) => `dn\t${id}\t7 GiB\t/dev/sdj\t/ebs1\tavailable\n`).join(""))
    const deleted = await room.hadoop("delete-storage", "kept", "--yes")
    expect(deleted.stdout).toBe(ids.map((id) => `${id} deleted\n`).join(""))
    expect((await room.hadoop("list-storage", "kept")).stdout).toBe("")
  })

  test("storage that fails half-way leaves no volume; a launch that it does not fit is refused", async () => {
    const spec = join(room.home, "spec2.json")
    writeFileSync(spec, '{"dn": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": 2}]}')
    room.emulator.proxy.faults.add({ kind: "refuse", action: "CreateVolume", skip: 1, times: 100 })
    const failed = await room.hadoop("create-storage", "fit", "dn", "2", spec, "-z", "us-east-1b")
    room.emulator.proxy.faults.clear()
    expect(failed.stderr).toMatch(/hadoop_ec2: vol-\w+ had been made, and is deleted again/)
    expect(failed.code).toBe(1)
    expect((await room.hadoop("list-storage", "fit")).stderr).toBe("")
    await room.hadoop("create-storage", "fit", "dn", "1", spec, "-z", "us-east-1b")
    const many = await room.hadoop("launch-cluster", "fit", "1", "nn", "2", "dn")
    expect(many.stderr).toContain("storage: dn has free volumes for 1 of 2 nodes")
    const elsewhere = await room.hadoop("launch-cluster", "fit", "1", "nn,dn", "-z", "us-east-1a")
    expect(elsewhere.stderr).toContain("storage: is in us-east-1b, and us-east-1a is asked for")
    expect([many.code, elsewhere.code]).toEqual([1, 1])
    expect(await live()).toEqual([])
    await room.hadoop("launch-cluster", "fit", "1", "nn,dn", "--timeout", "1s")
    const [node] = await live()
    expect(node?.Placement?.AvailabilityZone).toBe("us-east-1b")
    expect((await room.hadoop("list-storage", "fit")).stdout).toContain(`in-use\t${node?.InstanceId}`)
  })

  test.each([
    ["device", "/dev/sdj", "/ebs2"],
    ["mount_point", "/dev/sdk", "/ebs1"],
  ])(
    "storage with one %s for two volumes is refused, since a node could have one only",
    async (key, device, at) => {
      const spec = join(room.home, "twice.json")
      const volumes = [
        { device: "/dev/sdj", mount_point: "/ebs1", size_gb: 1 },
        { device, mount_point: at, size_gb: 1 },
      ]
      writeFileSync(spec, JSON.stringify({ dn: volumes }))
      const { stderr, code } = await room.hadoop(
        "create-storage",
        "twice",
        "dn",
        "1",
        spec,
        "-z",
        "us-east-1a",
      )
      expect(stderr).toMatch(new RegExp(`twice.json": dn has the ${key} \\S+ twice\n$`))
      expect(code).toBe(2)
      expect(callsOf("CreateVolume")).toEqual([])
    },
  )

  test("storage is made and deleted by one command at a time: they share its list", async () => {
    const spec = join(room.home, "spec3.json")
    writeFileSync(spec, '{"dn": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": 1}]}')
    const create = ["create-storage", "one", "dn", "1", spec, "-z", "us-east-1a"]
    await room.hadoop(...create)
    const directory = join(room.home, ".hadoop-cloud/one")
    const release = tryExclusiveLock(join(directory, "lock"))
    for (const args of [create, ["delete-storage", "one", "--yes"]]) {
      const { stderr, code } = await room.hadoop(...args)
      expect(stderr).toBe(
        `hadoop_ec2: ${args[0]}: another command launches or stores for one: wait for it, or end it\n`,
      )
      expect(code).toBe(1)
    }
    release?.()
    expect((await room.hadoop("list-storage", "one")).stdout.match(/vol-/g)).toHaveLength(1)
  })

  test("storage of which what was made cannot be deleted says why it failed, and what may be left", async () => {
    const spec = join(room.home, "spec4.json")
    writeFileSync(spec, '{"dn": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": 1}]}')
    const { faults } = room.emulator.proxy
    faults.add({ kind: "refuse", action: "CreateVolume", skip: 1, times: 100 })
    faults.add({ kind: "refuse", action: "DeleteVolume", times: 100 })
    const { stderr, code } = await room.hadoop("create-storage", "left", "dn", "2", spec, "-z", "us-east-1a")
    faults.clear()
    expect(stderr).toContain("what had been made may be left (list-storage): ")
    expect(stderr).toMatch(/hadoop_ec2: launch: .*made before: vol-/)
    expect(code).toBe(1)
  })

  test("delete-storage deletes nothing that does not carry our tags (defect: every volume of the account)", async () => {
    const dir = join(room.home, ".hadoop-cloud")
    mkdirSync(dir, { recursive: true })
    writeFileSync(
      join(dir, "ec2-storage-c.json"),
      JSON.stringify({
        dn: [[{ device: "/dev/sdj", mount_point: "/ebs1", volume_id: "vol-0123456789abcdef0" }]],
      }),
    )
    const { stderr, code } = await room.hadoop("delete-storage", "c", "--yes")
    expect(stderr).toContain("vol-0123456789abcdef0 is gone or does not carry your tags: left alone")
    expect(code).toBe(0)
    expect(callsOf("DeleteVolume")).toEqual([])
  })
})
