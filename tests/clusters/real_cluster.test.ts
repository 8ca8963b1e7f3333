import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Lab, type LabMachine, saidLoudly, startLab, whyNoLab } from "./lab.ts"
import { sparkHome } from "./spark.ts"
import { type Classroom, login, openClassroom } from "./support.ts"

const spark = await sparkHome()
const reason = saidLoudly(
  "a real Spark cluster in namespaces",
  whyNoLab() ?? (spark === null ? "neither Java nor pyspark's jars are there" : null),
)

/** The words of its argument, counted; and on how many machines. */
const wordCount = `
import operator, socket, sys, time
from pyspark.sql import SparkSession

context = SparkSession.builder.getOrCreate().sparkContext
words = context.parallelize(sys.argv[1].split(), 2)
for word, count in sorted(words.map(lambda word: (word, 1)).reduceByKey(operator.add).collect()):
    print(count, word)

def where(_):
    time.sleep(2)
    return socket.gethostname()

print("on", context.parallelize(range(16), 16).map(where).distinct().count(), "hosts")
`

describe.skipIf(reason !== null)("a real Spark cluster on machines of its own", () => {
  let room: Classroom
  let lab: Lab
  const master = () => machines()[0] as LabMachine
  const machines = () => [...lab.machines.values()]

  beforeAll(async () => {
    room = await openClassroom()
    lab = await startLab(room.emulator, { spark: spark ?? "" })
    lab.follow()
    room.clustersCfg(
      `[words]\nprivate_key = ${lab.privateKey}\nssh_options = -o StrictHostKeyChecking=no -o ForwardAgent=yes\n`,
    )
  })
  afterAll(async () => {
    await lab?.close()
    await room?.close()
  })

  test("is launched, booted by its own script, and ready when the tool says so", async () => {
    const { stdout, stderr, code } = await room.hadoop(
      ...["launch-cluster", "words", "1", "sm,shs", "2", "sw", "--timeout", "120s"],
    )
    if (code !== 0) for (const machine of machines()) console.error(machine.bootLog())
    expect(stderr).toContain("Cluster words is ready: 3 nodes launched")
    expect(stdout.trim().split("\n").sort()).toEqual(
      machines()
        .map(({ id }) => id)
        .sort(),
    )
    expect(code).toBe(0)
  })

  interface Status {
    nodes: { boot: { state: string }; host_key: string }[]
    services: object
  }

  // The services are ready a moment before the last worker's script has noted its end.
  async function bootedStatus(asked = 0): Promise<Status> {
    const status = JSON.parse((await room.hadoop("status", "words", "--json")).stdout) as Status
    const isBooting = status.nodes.some(({ boot }) => boot.state === "running")
    return isBooting && asked < 40 ? bootedStatus(asked + 1) : status
  }

  test("status shows each node's phase and the services' members", async () => {
    const status = await bootedStatus()
    expect(status.nodes.map(({ boot, host_key }) => [boot.state, host_key])).toEqual(
      Array(3).fill(["done", "verified"]),
    )
    expect(status.services).toEqual({ spark: { up: true, members: 2, expected: 2 } })
  })

  test("a real job runs through exec, and its code is passed through", async () => {
    const script = join(room.home, "count.py")
    writeFileSync(script, wordCount)
    expect((await room.hadoop("push", "words", script)).code).toBe(0)
    const text = "to be or not to be"
    const { stdout, stderr, code } = await room.hadoop("exec", "words", "spark-submit", "count.py", text)
    if (code !== 0) console.error(stderr)
    expect(stdout).toBe("2 be\n1 not\n1 or\n2 to\non 2 hosts\n")
    expect(code).toBe(0)
    expect((await room.hadoop("exec", "words", "exit 42")).code).toBe(42)
  })

  test("the words of a command arrive as they are, whatever is in them", async () => {
    const words = ["a b", "$HOME", "`id`", "it's", '"', ";rm -rf /", "*", "-n", "--", "ä\n"]
    const { stdout } = await room.hadoop("exec", "words", "printf", "<%s>", ...words)
    expect(stdout).toBe(words.map((word) => `<${word}>`).join(""))
  })

  test("exec --all and --role run on many nodes, each line with its node's id, and end with the worst code", async () => {
    const [first, ...workers] = machines().map(({ id }) => id)
    const all = await room.hadoop("exec", "words", "--all", "hostname")
    expect(all.stdout.trim().split("\n").sort()).toEqual(
      machines()
        .map(({ id, index }) => `${id}: node-${index}`)
        .sort(),
    )
    const failing = 'echo "a  b"; echo c >&2; [ "$(hostname)" = node-0 ] || exit 7'
    const some = await room.hadoop("exec", "words", "--role", "sw", failing)
    expect(some.stdout.trim().split("\n").sort()).toEqual(workers.map((id) => `${id}: a  b`).sort())
    for (const id of workers) expect(some.stderr).toContain(`${id}: c\n`)
    expect(some.stderr).not.toContain(first ?? "")
    expect(some.stderr).toContain("not 0 on 2 of 2 nodes")
    expect(some.code).toBe(7)
    const json = await room.hadoop("exec", "--json", "--role=sm,shs", "words", "echo", "--all")
    expect(JSON.parse(json.stdout).nodes).toMatchObject([{ id: first, code: 0, stdout: "--all\n" }])
    expect((await room.hadoop("exec", "words", "--role", "nn", "id")).stderr).toContain("has the role nn")
  })

  test("push --all copies to every node", async () => {
    const file = join(room.home, "everywhere.txt")
    writeFileSync(file, "here")
    expect((await room.hadoop("push", "words", file, "--all")).code).toBe(0)
    for (const machine of machines())
      expect(machine.inside("cat", "/home/hadoop/everywhere.txt")).toBe("here")
    const missing = await room.hadoop("push", "--role", "sw", "words", join(room.home, "none"))
    expect(missing.stderr).toMatch(/i-\w+: .*No such file/)
    expect(missing.code).not.toBe(0)
  })

  test("push and pull copy files, odd names included", async () => {
    const file = join(room.home, "a: b'c.txt")
    writeFileSync(file, "content")
    expect((await room.hadoop("push", "words", file)).code).toBe(0)
    expect((await room.hadoop("pull", "words", "a: b'c.txt", join(room.home, "back"))).code).toBe(0)
    expect(readFileSync(join(room.home, "back"), "utf8")).toBe("content")
    expect((await room.hadoop("push", "words", "nowhere")).code).not.toBe(0)
  })

  test("the workers' list is on the master, and its own key opens the workers", async () => {
    const workers = machines()
      .slice(1)
      .map(({ privateIp }) => privateIp)
    expect(master().inside("cat", "/etc/hadoop-ec2/conf/workers").trim().split("\n").sort()).toEqual(
      workers.sort(),
    )
    const { stdout } = await room.hadoop(
      ...["exec", "words", "ssh", "-o", "StrictHostKeyChecking=accept-new", workers[0] ?? "", "hostname"],
    )
    expect(stdout).toStartWith("node-")
    expect(master().inside("ls", "/home/hadoop/.ssh")).not.toContain(readFileSync(lab.privateKey, "utf8"))
  })

  test("running the boot script again changes nothing that is right", async () => {
    const look = () =>
      master().inside(
        ...[
          "bash",
          "-c",
          "cat /etc/hadoop-ec2/daemons.env /home/hadoop/.ssh/id_ed25519.pub; pgrep -f 'Master|http.server'",
        ],
      )
    const before = look()
    master().inside("/opt/hadoop-ec2/boot.sh")
    expect(look()).toBe(before)
    expect(master().inside("cat", "/var/lib/hadoop-ec2/status")).toContain("ready done")
  })

  test("stopped, it is listed with what it costs, and nothing is launched beside it", async () => {
    const stopped = await room.hadoop("stop", "words")
    expect(stopped.stdout.match(/^Stopping i-/gm)).toHaveLength(3)
    expect(stopped.code).toBe(0)
    expect((await room.hadoop("list")).stdout).toMatch(
      /^words\t1\+2\t[^\t]+\tstopped\t\$0\.00\d+ per hour\n$/,
    )
    const launched = await room.hadoop("launch-cluster", "words", "1", "sm", "2", "sw")
    expect(launched.stderr).toMatch(
      /has 3 instances already, 3 of them stopped \(hadoop-ec2 start words .*ec2-active --start/,
    )
    expect(launched.code).toBe(1)
    expect((await room.hadoop("exec", "words", "true")).stderr).toContain(
      '"words" is stopped (hadoop-ec2 start words)',
    )
    expect((await room.hadoop("stop", "words")).stdout).toBe("words is stopped already.\n")
  })

  test("started by one admission, it is ready with its services, its host keys and its files from before", async () => {
    const known = () => readFileSync(join(room.home, ".hadoop-cloud/words/known_hosts"), "utf8")
    const before = known()
    const addresses = machines().map(({ publicIp }) => publicIp)
    room.course.configure({ limits: { budget: 0.05 } })
    const refused = await room.hadoop("start", "words")
    expect(refused.stderr).toContain("(none of the 3 instances is started)")
    expect(refused.code).toBe(3)
    expect(JSON.parse((await room.hadoop("list", "--json")).stdout)).toMatchObject([
      { name: "words", stopped: 3 },
    ])
    room.course.configure({})
    const { stdout, stderr, code } = await room.hadoop("start", "words", "--timeout", "120s")
    if (code !== 0) for (const machine of machines()) console.error(stderr, machine.bootLog())
    expect(stdout.match(/^Starting i-/gm)).toHaveLength(3)
    expect(code).toBe(0)
    expect(known()).toBe(before)
    for (const address of machines().map(({ publicIp }) => publicIp)) expect(addresses).not.toContain(address)
    const status = await bootedStatus()
    expect(status.services).toEqual({ spark: { up: true, members: 2, expected: 2 } })
  })

  test("after a stop and a start, a job runs on all workers", async () => {
    const counted = await room.hadoop("exec", "words", "spark-submit", "count.py", "again and again")
    expect(counted.stdout).toBe("2 again\n1 and\non 2 hosts\n")
  })

  test("proxy prints two lines to eval, with ssh's pid, once the port listens", async () => {
    const port = 20_000 + (process.pid % 20_000)
    const { stdout, code } = await room.hadoop("proxy", "words", "--proxy-port", String(port))
    expect(code).toBe(0)
    const [, pid] = /^export HADOOP_CLOUD_PROXY_PID=(\d+);\necho Proxy pid \1;\n$/.exec(stdout) ?? []
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toStartWith("ssh\0")
    try {
      const page = Bun.spawnSync([
        ...["curl", "-fsS", "-m", "20", "--socks5", `127.0.0.1:${port}`],
        `http://${master().privateIp}:8080/json/`,
      ])
      expect(JSON.parse(page.stdout.toString()).aliveworkers).toBe(2)
      const taken = await room.hadoop("proxy", "words", "--proxy-port", String(port))
      expect(taken.stderr).toContain(`port ${port} is taken`)
    } finally {
      process.kill(Number(pid))
    }
  })

  test("ui serves the pages to who has the secret, and takes its tunnel along", async () => {
    const ui = room.start(["ui", "words"])
    const link = await firstLink(ui.stdout)
    const cookie = (await fetch(link, { redirect: "manual" })).headers.get("set-cookie")?.split(";")[0] ?? ""
    const url = new URL(link)
    url.search = ""
    const page = await fetch(url, { headers: { cookie } })
    expect(await page.text()).toContain("Spark Master at")
    expect((await fetch(url)).status).toBe(401)
    ui.kill("SIGINT")
    expect(await ui.exited).toBe(0)
  })

  test("a worker that cannot boot is named with its phase and reason, as soon as it says so", async () => {
    const nowhere = "http://127.0.0.1:9"
    const env = ["SPARK_HOME=/opt/none", `MIRRORS=${nowhere}`, `CHECKSUM_ORIGINS=${nowhere}`]
    const { stderr, code } = await room.hadoop(
      ...["add-workers", "words", "1", ...env.flatMap((pair) => ["-e", pair])],
      ...["--timeout", "100s", "--on-failure", "terminate"],
    )
    expect(stderr).toMatch(
      /boot: i-\w+ \(sw\) failed in phase spark: no SHA-512 of spark\/\S+ is published \(hadoop-ec2 logs words i-\w+\); 1 instance of words launched and terminated again/,
    )
    expect(code).toBe(1)
  })

  test("a changed host key is refused, by name", async () => {
    master().inside(
      "bash",
      "-c",
      "ssh-keygen -q -t ed25519 -N '' -f /run/other_key; pkill -x sshd; sleep 0.5",
    )
    const other = join(master().directory, "sshd_config")
    writeFileSync(other, readFileSync(other, "utf8").replace(/^HostKey .*/m, "HostKey /run/other_key"))
    master().inside("/usr/sbin/sshd", "-f", other)
    const { stdout, stderr, code } = await room.hadoop("exec", "words", "id")
    expect(stdout).toBe("")
    expect(stderr).toContain("shows another host key than its console printed")
    expect(code).toBe(255)
  })

  test("delete-cluster ends everything, and repeating it is harmless", async () => {
    const { stdout, code } = await room.hadoop("delete-cluster", "words", "--yes")
    expect(stdout.match(/^i-\w+ terminated$/gm)).toHaveLength(3)
    expect(stdout).toContain(`security group ${login}-words deleted`)
    expect(code).toBe(0)
    const again = await room.hadoop("delete-cluster", "words", "--yes")
    expect(again).toMatchObject({ stdout: "words has nothing left.\n", code: 0 })
  })
})

async function firstLink(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ""
  const reader = stream.getReader()
  while (!/http:\S+\n/.test(text)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`no link in ${text}`)
    text += new TextDecoder().decode(value)
  }
  return /http:\S+/.exec(text)?.[0] ?? ""
}
