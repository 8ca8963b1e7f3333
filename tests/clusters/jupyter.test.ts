/** A notebook of PySpark on a cluster: JupyterLab as the boot script installs and starts it, through `ui`, its kernel's Spark at work. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { RunningTool } from "../support/tools.ts"
import { type Lab, type LabMachine, saidLoudly, startLab, whyNoLab } from "./lab.ts"
import { sparkHome } from "./spark.ts"
import { type Classroom, openClassroom } from "./support.ts"
import { jupyterWheels } from "./wheels.ts"

setDefaultTimeout(600_000)
const spark = await sparkHome()
const wheels = spark === null ? null : await jupyterWheels()
const reason = saidLoudly(
  "a notebook of PySpark on a cluster",
  whyNoLab() ?? (wheels === null ? "Java, pyspark or JupyterLab's packages cannot be had" : null),
)

const notebook = `
from pyspark.sql import SparkSession
import defusedxml
spark = SparkSession.builder.getOrCreate()
def where(_):
    import defusedxml
    return defusedxml.__file__
words = spark.sparkContext.parallelize("to be or not to be".split(), 2)
print(sorted(words.countByValue().items()))
print(set(words.map(where).collect()))
print(spark.sparkContext.master)
`

describe.skipIf(reason !== null)("a jupyter role", () => {
  let room: Classroom
  let lab: Lab
  let ui: RunningTool
  let link: URL
  let cookie = ""
  const machine = () => [...lab.machines.values()][0] as LabMachine

  beforeAll(async () => {
    room = await openClassroom()
    lab = await startLab(room.emulator, { spark: spark ?? "", wheels: wheels ?? "" })
    lab.follow()
    room.clustersCfg(`[notes]\nprivate_key = ${lab.privateKey}\npip = ~/requirements.txt\n`)
    writeFileSync(join(room.home, "requirements.txt"), "# what the notebook imports\ndefusedxml>=0.7\n")
  })
  afterAll(async () => {
    ui?.kill("SIGKILL")
    await lab?.close()
    await room?.close()
  })

  /** Asks JupyterLab through the microproxy, by path, as curl would. */
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${link.port}${link.pathname.replace(/\/lab$/, "")}${path}`, {
      ...init,
      redirect: "manual",
      headers: { Host: link.host, Cookie: cookie, Authorization: `token ${token()}`, ...init.headers },
    })
  const token = () => link.searchParams.getAll("token")[0] ?? ""

  test("an option among the requirements is refused before anything is paid", async () => {
    const file = join(room.home, "bad.txt")
    writeFileSync(file, "numpy\n--index-url https://example.invalid/\n")
    const { stderr, code } = await room.hadoop("launch-cluster", "notes", "1", "sm", "--pip", file)
    expect(stderr).toContain(`pip: ${file}:2: "--index-url https://example.invalid/" is an option`)
    expect(code).toBe(2)
    expect(lab.machines.size).toBe(0)
  })

  test("is launched with Spark, its packages installed as the login user", async () => {
    const { stderr, code } = await room.hadoop(
      ...["launch-cluster", "notes", "1", "sm,sw,jupyter", "--timeout", "9m", "--on-failure", "keep"],
    )
    if (code !== 0) console.error(stderr, machine().bootLog().slice(-5000))
    expect(code).toBe(0)
    const owners = machine().inside(
      "stat",
      "-c",
      "%U",
      "/opt/hadoop-ec2/python/bin/pip",
      "/opt/hadoop-ec2/python/bin/jupyter-lab",
    )
    expect(owners).toBe("hadoop\nhadoop\n")
  })

  test("listens on its machine's loopback alone, as the login user, with a token that only that user reads", () => {
    const listening = machine().inside("bash", "-c", "cat /proc/net/tcp /proc/net/tcp6")
    const at8888 = listening.split("\n").filter((line) => / [0-9A-F]+:22B8 [0-9A-F]+:0000 0A /.test(line))
    expect(at8888).toHaveLength(1)
    expect(at8888[0]).toContain(" 0100007F:22B8 ")
    expect(machine().inside("stat", "-c", "%U %a", "/var/lib/hadoop-ec2/jupyter_token")).toBe("hadoop 600\n")
  })

  test("ui prints its link, and the token is in no argument of this host", async () => {
    ui = room.start(["ui", "notes"])
    link = new URL(await linkTitled("JupyterLab", ui.stdout))
    expect(token()).toBe(machine().inside("cat", "/var/lib/hadoop-ec2/jupyter_token"))
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) expect(read(`/proc/${pid}/${file}`)).not.toContain(token())
    }
    const entered = await fetch(`http://127.0.0.1:${link.port}${link.pathname}${link.search}`, {
      redirect: "manual",
      headers: { Host: link.host },
    })
    cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? ""
    expect(cookie).toStartWith("microproxy=")
    const status = await ask("/api/status")
    expect(status.status).toBe(200)
    const stranger = await ask("/api/contents", { headers: { Authorization: "token wrong" } })
    expect(stranger.status).toBe(403)
  })

  test("a notebook of PySpark runs, its kernel's Spark at work with the packages of --pip", async () => {
    const kernel = (await (await ask("/api/kernels", { method: "POST", body: "{}" })).json()) as {
      id: string
    }
    const printed = await run(kernel.id, notebook)
    expect(printed).toContain("[('be', 2), ('not', 1), ('or', 1), ('to', 2)]")
    expect(printed).toMatch(
      /\{'\/opt\/hadoop-ec2\/python\/lib\/python3\.\d+\/site-packages\/defusedxml\/__init__.py'\}/,
    )
    expect(printed).toContain(`spark://${machine().privateIp}:7077`)
    const ended = ui.exited
    ui.kill("SIGINT")
    expect(await ended).toBe(0)
  })

  /** Runs code in the kernel over its WebSocket; returns what it prints. */
  function run(kernel: string, code: string): Promise<string> {
    const path = `${link.pathname.replace(/\/lab$/, "")}/api/kernels/${kernel}/channels?token=${token()}`
    const socket = new WebSocket(`ws://127.0.0.1:${link.port}${path}`, {
      headers: { Host: link.host, Cookie: cookie, Origin: link.origin },
    })
    return new Promise((resolve, reject) => {
      let printed = ""
      socket.addEventListener("error", () => reject(new Error(`the WebSocket fails: ${printed}`)))
      socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}: ${printed}`)))
      socket.addEventListener("open", () => {
        const header = {
          msg_id: "1",
          msg_type: "execute_request",
          username: "",
          session: "s",
          version: "5.3",
        }
        const content = {
          code,
          silent: false,
          store_history: false,
          user_expressions: {},
          allow_stdin: false,
        }
        socket.send(JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content }))
      })
      socket.addEventListener("message", ({ data }) => {
        const { channel, header, content, parent_header } = JSON.parse(String(data))
        if (parent_header?.msg_id !== "1") return
        if (header.msg_type === "stream") printed += content.text
        if (header.msg_type === "error") printed += `${content.ename}: ${content.evalue}`
        if (channel !== "shell") return
        resolve(printed)
        socket.close()
      })
    })
  }
})

function read(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

async function linkTitled(title: string, stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ""
  const reader = stream.getReader()
  const wanted = new RegExp(`^${title}[^\\t]*\\t(http:\\S+)\\n`, "m")
  for (;;) {
    const found = wanted.exec(text)?.[1]
    if (found !== undefined) return found
    const { value, done } = await reader.read()
    if (done) throw new Error(`no link in ${text}`)
    text += new TextDecoder().decode(value)
  }
}
