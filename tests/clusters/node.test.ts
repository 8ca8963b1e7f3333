/** What a node does by itself: it ends with its lease and says so before, and it formats no disk that holds anything. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CreateTagsCommand } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { type Lab, type LabMachine, saidLoudly, startLab, whyNoLab } from "./lab.ts"
import { sparkHome } from "./spark.ts"
import { type Classroom, openClassroom } from "./support.ts"

const spark = await sparkHome()
const reason = saidLoudly(
  "a node's lease and disks in namespaces",
  whyNoLab() ?? (spark === null ? "neither Java nor pyspark's jars are there" : null),
)

describe.skipIf(reason !== null)("a node on a machine of its own", () => {
  let room: Classroom
  let lab: Lab
  const newest = () => [...lab.machines.values()].at(-1) as LabMachine
  const launch = async (...options: string[]) => {
    const { stderr, code } = await room.hadoop(
      ...["launch-cluster", "alone", "1", "sm", "--timeout", "100s", ...options],
    )
    if (code !== 0) console.error(stderr, newest().bootLog())
    expect(code).toBe(0)
  }

  beforeAll(async () => {
    room = await openClassroom()
    lab = await startLab(room.emulator, { spark: spark ?? "" })
    lab.follow()
    room.clustersCfg(`[alone]\nprivate_key = ${lab.privateKey}\n`)
  })
  afterAll(async () => {
    await lab?.close()
    await room?.close()
  })

  const said = (machine: LabMachine, file: string) =>
    machine.inside("sh", "-c", `cat /run/${file} 2>/dev/null || true`)
  async function until(machine: LabMachine, file: string, wanted: RegExp) {
    const deadline = Date.now() + 60_000
    while (!wanted.test(said(machine, file))) {
      if (Date.now() > deadline) throw new Error(`no ${wanted} in ${file}: ${said(machine, file)}`)
      await Bun.sleep(100)
    }
  }
  async function moveLease(machine: LabMachine, toMs: number) {
    const end = new Date(toMs).toISOString()
    await room.emulator.ec2.send(
      new CreateTagsCommand({ Resources: [machine.id], Tags: [{ Key: tagOf.leaseEnd, Value: end }] }),
    )
    while (!readFileSync(join(machine.directory, "imds.json"), "utf8").includes(end)) await Bun.sleep(20)
  }

  test("is warned before its lease ends, an extension reaches it, and it shuts down at the end", async () => {
    await launch("--lease", "10m")
    const machine = newest()
    await until(machine, "walls", /^The lease of this instance ends in \d minutes\./m)
    expect((await room.hadoop("extend", "alone", "2h")).code).toBe(0)
    // Asks again three times, and says nothing: the end is far.
    await Bun.sleep(3_500)
    expect(said(machine, "walls").trim().split("\n")).toHaveLength(1)
    await moveLease(machine, Date.now() + 300_000)
    await until(machine, "walls", /ends in [45] minutes/)
    expect(said(machine, "shutdowns")).toBe("")
    await moveLease(machine, Date.now() - 86_400_000)
    await until(machine, "shutdowns", /^-h now$/m)
  })

  test("without the launcher's switch, the cluster's own timer does the same", async () => {
    const machine = newest()
    machine.inside(
      "sh",
      "-c",
      "pkill -f '^/bin/sh /run/ec2-lease'; rm /run/ec2-lease /run/shutdowns /run/walls",
    )
    await moveLease(machine, Date.now() + 600_000)
    await until(
      machine,
      "walls",
      /^The lease of this cluster ends in \d+ minutes, at \S+ hadoop-ec2 extend moves it\.$/m,
    )
    await moveLease(machine, Date.now() + 7_200_000)
    await Bun.sleep(2_500)
    // it may have said of the lease before, which was over, that it is
    expect(said(machine, "walls").match(/ends in/g)).toHaveLength(1)
    await moveLease(machine, Date.now() - 120_000)
    await until(machine, "walls", /^The lease of this cluster ended at/m)
    await until(machine, "shutdowns", /^-h now$/m)
    expect((await room.hadoop("terminate-cluster", "alone", "--yes")).code).toBe(0)
  })

  test("a volume is formatted once, when it is blank, and keeps what is on it from launch to launch", async () => {
    const spec = join(room.home, "spec.json")
    writeFileSync(spec, '{"sm": [{"device": "/dev/sdj", "mount_point": "/ebs1", "size_gb": 1}]}')
    const made = await room.hadoop("create-storage", "alone", "sm", "1", spec, "-z", "us-east-1a")
    expect(made.code).toBe(0)
    await launch("-z", "us-east-1a")
    const first = newest()
    expect(first.inside("findmnt", "-rno", "FSTYPE,SOURCE", "/ebs1")).toBe("ext4 /dev/xvdj\n")
    expect(first.inside("cat", "/etc/hadoop-ec2/daemons.env")).toContain(
      "SPARK_WORKER_DIR=/ebs1/hadoop/spark",
    )
    first.inside("sh", "-c", "echo kept >/ebs1/hadoop/spark/file; sync")
    expect((await room.hadoop("terminate-cluster", "alone", "--yes")).code).toBe(0)
    await launch("-z", "us-east-1a")
    expect(newest().id).not.toBe(first.id)
    expect(newest().inside("cat", "/ebs1/hadoop/spark/file")).toBe("kept\n")
    expect((await room.hadoop("list-storage", "alone")).stdout).toContain(`in-use\t${newest().id}`)
  })
})
