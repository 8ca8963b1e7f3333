/**
 * HDFS, YARN with MapReduce and ZooKeeper by the boot script's own units and files, on the lab's machines: Apache's daemons out of
 * Maven Central's jars. `npm test` has HDFS and ZooKeeper; `npm run test:clusters:hadoop` all of it, some minutes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { hadoopHome } from "./hadoop.ts"
import { type Lab, type LabMachine, saidLoudly, startLab, whyNoLab } from "./lab.ts"
import { type Classroom, login, openClassroom } from "./support.ts"

const hadoop = await hadoopHome()
const reason = saidLoudly(
  "real HDFS, YARN and ZooKeeper in namespaces",
  whyNoLab() ?? (hadoop === null ? "Java, Maven or Hadoop's jars cannot be had" : null),
)
const isComplete = process.env.TEST_HADOOP === "all"
if (reason === null && !isComplete)
  saidLoudly("real YARN and MapReduce", "npm run test:clusters:hadoop has them")
// With the resource manager elsewhere, the master has to be told of it afterwards.
const nodes = isComplete ? ["1", "zk,nn,snn", "1", "rm,jhs", "2", "dn,nm"] : ["1", "zk,nn", "2", "dn"]
const count = isComplete ? 4 : 3
const examples = "/opt/hadoop/share/hadoop/mapreduce/hadoop-mapreduce-examples-*.jar"

function servicesWith(members: number) {
  const state = { up: true, members, expected: members }
  return { hdfs: state, ...(isComplete ? { yarn: state } : {}) }
}

describe.skipIf(reason !== null)("real HDFS, YARN and ZooKeeper on machines of their own", () => {
  let room: Classroom
  let lab: Lab
  const machines = () => [...lab.machines.values()]
  const master = () => machines()[0] as LabMachine

  /** What a command on the master prints, as the student who asks for it through exec. */
  async function exec(...command: string[]): Promise<string> {
    const { stdout, stderr, code } = await room.hadoop("exec", "data", ...command)
    if (code !== 0) throw new Error(`${command.join(" ")}: ${stderr}`)
    return stdout
  }

  beforeAll(async () => {
    room = await openClassroom()
    lab = await startLab(room.emulator, { hadoop: hadoop ?? "" })
    lab.follow()
    room.clustersCfg(`[data]\nprivate_key = ${lab.privateKey}\n`)
  })
  afterAll(async () => {
    await lab?.close()
    await room?.close()
  })

  test("are ready when the tool says so, on every node", async () => {
    const { stdout, stderr, code } = await room.hadoop(
      ...["launch-cluster", "data", ...nodes, "--timeout", "200s"],
    )
    if (code !== 0) for (const machine of machines()) console.error(machine.bootLog())
    expect(stderr).toContain(`Cluster data is ready: ${count} nodes launched`)
    expect(stdout.trim().split("\n")).toHaveLength(count)
    expect(code).toBe(0)
    const { services, boots } = JSON.parse((await room.hadoop("wait", "data", "--json")).stdout)
    expect(services).toEqual(servicesWith(2))
    expect(Object.values(boots)).toEqual(Array(count).fill({ phase: "ready", state: "done", detail: "" }))
    const waited = await room.hadoop("wait", "data", "--for", "hdfs")
    expect(waited.stdout).toBe("data is ready: hdfs\n")
  })

  test("each has a home in HDFS; /tmp is sticky and the root is the daemons' alone", async () => {
    const listed = (await exec("hdfs dfs -ls / /user")).split("\n")
    const modes = listed.flatMap((line) => {
      const [mode, , owner, , , , , path] = line.split(/ +/)
      return path === undefined ? [] : [`${mode} ${owner} ${path}`]
    })
    expect(modes).toEqual(
      expect.arrayContaining([
        "drwxrwxrwt hdfs /tmp",
        "drwxrwxrwt hdfs /spark-events",
        "drwxr-xr-x hdfs /user",
        "drwxr-xr-x hadoop /user/hadoop",
        `drwxr-xr-x ${login} /user/${login}`,
      ]),
    )
    const { code, stderr } = await room.hadoop("exec", "data", "hdfs", "dfs", "-mkdir", "/anybody")
    expect(stderr).toContain("Permission denied: user=hadoop, access=WRITE")
    expect(code).toBe(1)
  })

  test("a file that is pushed goes into HDFS through exec", async () => {
    const file = join(room.home, "words.txt")
    writeFileSync(file, "to be or not to be\n")
    expect((await room.hadoop("push", "data", file)).code).toBe(0)
    expect(await exec("hdfs dfs -put words.txt && hdfs dfs -cat words.txt")).toBe("to be or not to be\n")
  })

  test.skipIf(!isComplete)("a MapReduce job counts the words of a file in HDFS", async () => {
    await exec(`yarn jar ${examples} wordcount words.txt counted`)
    expect(await exec("hdfs dfs -cat 'counted/part-*'")).toBe("be\t2\nnot\t1\nor\t1\nto\t2\n")
  })

  test("ZooKeeper answers", () => {
    const address = master().privateIp
    const asked = ["bash", "-c", `exec 3<>/dev/tcp/${address}/2181; echo srvr >&3; cat <&3`]
    expect(master().inside(...asked)).toContain("Mode: standalone")
  })

  test("running the boot script again formats nothing and starts nothing twice", async () => {
    const look = () =>
      master().inside("bash", "-c", "cat /var/lib/hadoop/name/current/VERSION; pgrep -f Dproc_")
    const before = look()
    master().inside("/opt/hadoop-ec2/boot.sh")
    expect(look()).toBe(before)
    expect(await exec("hdfs dfs -cat words.txt")).toBe("to be or not to be\n")
  })

  test("remove-workers has the blocks copied before it terminates their node", async () => {
    await exec("hdfs dfs -setrep 1 words.txt")
    const holder = (
      await exec("hdfs fsck /user/hadoop/words.txt -files -blocks -locations 2>/dev/null")
    ).match(/DatanodeInfoWithStorage\[([\d.]+):/)?.[1]
    const leaving = machines().find(({ privateIp }) => privateIp === holder)
    const { stdout, stderr, code } = await room.hadoop("remove-workers", "data", leaving?.id ?? "", "--yes")
    if (code !== 0) console.error(stderr)
    expect(stdout).toBe(`${leaving?.id}\n`)
    expect(await exec("hdfs dfs -cat words.txt")).toBe("to be or not to be\n")
    const status = JSON.parse((await room.hadoop("status", "data", "--json")).stdout)
    expect(status.services).toEqual(servicesWith(1))
    const added = await room.hadoop("add-workers", "data", "1", "--timeout", "150s")
    expect(added.stderr).toContain(`Launching 1 node with ${nodes.at(-1)} ...`)
    expect(added.code).toBe(0)
  })

  test("remove-workers will not end the last holder of what is in HDFS", async () => {
    const last = await room.hadoop("remove-workers", "data", "2", "--yes")
    expect(last.stderr).toContain("no data node would be left to hold what these hold")
    expect(last.code).toBe(1)
    expect(lab.machines.size).toBe(count + 1)
  })
})
