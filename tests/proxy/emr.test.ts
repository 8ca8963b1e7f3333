/** `emr-proxy-into` as a command, before a real sshd: what it opens, how it ends, and what it says where it cannot. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs"
import net, { type AddressInfo } from "node:net"
import { join } from "node:path"
import { noteSkipped } from "../support/skips.ts"
import { finished, type RunningTool, type Workspace, workspace } from "../support/tools.ts"
import { type Backend, rawRequest, testBackend } from "./client.ts"
import { firstLine } from "./command.ts"

const missing = ["/usr/sbin/sshd", "ssh"].find((program) => !Bun.which(program))
if (missing) noteSkipped(`emr-proxy-into as a command: no ${missing} (Debian: apt install openssh-server)`)

let course: Workspace
let sshd: ChildProcess
let port: number
let backend: Backend
const file = (name: string) => join(course.directory, name)

beforeAll(async () => {
  if (missing) return
  course = workspace()
  for (const name of ["host", "other-host", "key", "wrong-key"])
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(name)])
  copyFileSync(file("key"), file("open-key"))
  chmodSync(file("open-key"), 0o644)
  port = await freePort()
  writeFileSync(
    file("sshd_config"),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${file("host")}\nAuthorizedKeysFile ${file("key")}.pub\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n`,
  )
  for (const [known, key] of [
    ["known", "host"],
    ["changed", "other-host"],
  ] as const) {
    writeFileSync(file(known), `[127.0.0.1]:${port} ${readFileSync(`${file(key)}.pub`, "utf8")}`)
  }
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true })
  sshd = spawn("/usr/sbin/sshd", ["-D", "-f", file("sshd_config")], { stdio: "ignore" })
  await until(() => accepts(port))
  backend = await testBackend((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end('<a href="/x">')
  })
})
afterAll(() => {
  sshd?.kill()
  backend?.close()
  course?.remove()
})

const words = ({ key = "key", known = "known", at = port, listen = "0" } = {}) => [
  ...["127.0.0.1", file(key), listen, "--json", "--user", spawnSync("id", ["-un"]).stdout.toString().trim()],
  ...["--allow", `127.0.0.1:${backend.port}`, "-o", `Port=${at}`],
  ...["-o", `UserKnownHostsFile=${file(known)}`, "-o", "StrictHostKeyChecking=yes"],
]

interface Opened {
  child: RunningTool
  /** Gets the backend's page, or what another sends in this time. */
  page(prefix?: string, ms?: number): Promise<string>
}

async function opened(more: string[] = []): Promise<Opened> {
  const child = course.start("emr_proxy_into", [...words(), ...more])
  const line = await firstLine(child.stdout)
  if (line === null) throw new Error(await new Response(child.stderr).text())
  const { url, port: own } = JSON.parse(line) as { url: string; port: number }
  const { host, searchParams } = new URL(url)
  const head = `Host: ${host}\r\nCookie: microproxy=${searchParams.get("token")}\r\nConnection: close\r\n\r\n`
  return {
    child,
    page: (prefix = backend.prefix, ms = 10_000) => rawRequest(own, `GET ${prefix}/ HTTP/1.1\r\n${head}`, ms),
  }
}

describe.skipIf(missing !== undefined)("emr-proxy-into", () => {
  test.each([["SIGTERM"], ["SIGINT"], ["SIGKILL"]] as const)(
    "%s takes its ssh processes with it",
    async (signal) => {
      const { child, page } = await opened()
      expect(await page()).toEndWith(`<a href="${backend.prefix}/x">`)
      const children = childrenOf(child.pid)
      expect(children.length).toBeGreaterThan(0)
      child.kill(signal)
      await child.exited
      await until(async () => children.every((pid) => !isRunning(pid)))
    },
  )

  test("SIGKILL takes them with it under a stream that its backend never ends, too", async () => {
    const held = new Set<net.Socket>()
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      held.add(socket.on("error", () => {}))
      socket.once("data", () =>
        socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n"),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const { child, page } = await opened(["--allow", address])
    const stream = page(`/${address.replace(":", "/")}`, 30_000)
    await until(async () => held.size > 0)
    const children = childrenOf(child.pid)
    const [, folder = ""] = /-S (\S+)\/c /.exec(runningWith(file("key"))[0] ?? "") ?? []
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    child.kill("SIGKILL")
    await stream
    await until(async () => children.every((pid) => !isRunning(pid)))
    await until(async () => !existsSync(folder))
    for (const socket of held) socket.destroy()
    server.close()
  })

  test("a master that goes away in the middle is one line and exit code 1", async () => {
    const { child } = await opened()
    for (const pid of childrenOf(child.pid)) process.kill(pid, "SIGKILL")
    const errors = await new Response(child.stderr).text()
    expect(errors).toMatch(/^emr_proxy_into: ssh: 127\.0\.0\.1: [^\n]+\n$/)
    expect(await child.exited).toBe(1)
  })

  test.each([
    ["a wrong key", () => words({ key: "wrong-key" }), {}, /Permission denied/],
    ["a key that others can read", () => words({ key: "open-key" }), {}, /open to others.*chmod 600/],
    ["a key that is not there", () => words({ key: "no-key" }), {}, /KEYFILE: .*no-key.*no such file/i],
    [
      "a host key that changed",
      () => words({ known: "changed" }),
      {},
      /host key is not the one seen before.*ssh-keygen -R/,
    ],
    ["a port where nothing listens", () => words({ at: 1 }), {}, /Connection refused/],
    ["no ssh", () => words(), { PATH: "/nonexistent" }, /there is no ssh here/],
  ])("%s is one line and exit code 1", async (_, args, env, said) => {
    const { stdout, stderr, code } = await course.run("emr_proxy_into", args(), { env })
    expect(stderr).toMatch(said)
    expect(stderr.trimEnd().split("\n")).toHaveLength(1)
    expect([stdout, code]).toEqual(["", 1])
  })

  test("a port that is taken is one line, and ssh is not left behind", async () => {
    const taken = net.createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const { port: listen } = taken.address() as AddressInfo
    const child = course.start("emr_proxy_into", words({ listen: String(listen) }))
    const { stderr, code } = await finished(child)
    expect(stderr).toMatch(new RegExp(`^emr_proxy_into: listen: 127\\.0\\.0\\.1:${listen}: .*in use.*\n$`))
    expect(code).toBe(1)
    await until(async () => runningWith(file("key")).length === 0)
    taken.close()
  })
})

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`)
  const text = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")).join(" ")
  return text.split(" ").filter(Boolean).map(Number)
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

/** ssh processes whose arguments name this file. */
function runningWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "latin1").replace(/\0/g, " ")]
      } catch {
        return []
      }
    })
    .filter((line) => line.startsWith("ssh ") && line.includes(text))
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as AddressInfo
      server.close(() => resolve(free))
    })
  })
}

function accepts(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(at, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it does not come to hold")
    await Bun.sleep(50)
  }
}
