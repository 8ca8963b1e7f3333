/** Servers that other people wrote: nginx, a WebSocket server of npm's `ws` under Node, OpenSSH. */
import { afterAll, describe, expect, test } from "bun:test"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import net, { type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSshTunnel } from "../../lib/operations/proxy/ssh_tunnel.ts"
import { testBackend, testProxy } from "./client.ts"

const folder = mkdtempSync(join(tmpdir(), "real-servers-"))
chmodSync(folder, 0o755)
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill()
  rmSync(folder, { recursive: true, force: true })
})

function skipWithout(program: string, args: string[], what: string): boolean {
  const missing = spawnSync(program, args).error !== undefined
  if (missing && process.env.TEST_SKIPS) appendFileSync(process.env.TEST_SKIPS, `${what}: no ${program}\n`)
  return missing
}

describe.skipIf(skipWithout("nginx", ["-v"], "microproxy before nginx"))("nginx", () => {
  test("its pages, ranges, conditions and compression pass", async () => {
    const port = await freePort()
    mkdirSync(join(folder, "www"))
    writeFileSync(
      join(folder, "www/page.html"),
      `<p>${"text ".repeat(500)}<a href="http://127.0.0.1:${port}/x">`,
    )
    writeFileSync(join(folder, "www/file.bin"), "0123456789")
    writeFileSync(
      join(folder, "nginx.conf"),
      `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; types { text/html html; } gzip on; gzip_proxied any; server { listen 127.0.0.1:${port}; root ${folder}/www; location /old { return 301 /page.html; } } }`,
    )
    children.push(spawn("nginx", ["-c", join(folder, "nginx.conf")], { stdio: "ignore" }))
    await listens(port)
    const proxy = await testProxy({ allow: [`127.0.0.1:${port}`] })
    const prefix = `/127.0.0.1/${port}`
    const page = await proxy.get(`${prefix}/page.html`, { "Accept-Encoding": "gzip" })
    expect(page.text).toEndWith(`<a href="${prefix}/x">`)
    expect(page.headers["content-encoding"]).toBeUndefined()
    const etag = page.headers.etag?.[0] ?? ""
    expect(etag).toStartWith("W/")
    expect(
      (await proxy.get(`${prefix}/page.html`, { "If-None-Match": etag, "Accept-Encoding": "gzip" })).status,
    ).toBe(304)
    expect((await proxy.get(`${prefix}/file.bin`, { Range: "bytes=3-5" })).text).toBe("345")
    expect((await proxy.get(`${prefix}/old`)).headers.location?.[0]).toBe(`${prefix}/page.html`)
    expect((await proxy.get(`${prefix}/missing`)).status).toBe(404)
    await proxy.close()
  })
})

describe.skipIf(skipWithout("node", ["--version"], "microproxy before npm's ws"))(
  "npm's ws under Node",
  () => {
    test("its messages pass both ways, and a refused handshake stays one", async () => {
      const script = `
      const { WebSocketServer } = require("ws")
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/ws" })
      server.on("listening", () => console.log(server.address().port))
      server.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })))`
      const server = spawn("node", ["-e", script], {
        cwd: join(import.meta.dir, "../.."),
        stdio: ["ignore", "pipe", "inherit"],
      })
      children.push(server)
      const port = Number(
        await new Promise((resolve) => server.stdout.once("data", (chunk) => resolve(String(chunk)))),
      )
      const proxy = await testProxy({ allow: [`127.0.0.1:${port}`] })
      const headers = { Host: proxy.host, Cookie: `microproxy=${proxy.token}`, Origin: proxy.proxy.origin }
      const open = (path: string) =>
        new WebSocket(`ws://127.0.0.1:${proxy.proxy.port}/127.0.0.1/${port}${path}`, { headers } as never)
      const socket = open("/ws")
      const large = "x".repeat(300_000)
      const answers = new Promise<string[]>((resolve, reject) => {
        const got: string[] = []
        socket.onerror = reject
        socket.onopen = () => {
          socket.send("hello")
          socket.send(large)
        }
        socket.onmessage = ({ data }) => {
          got.push(String(data))
          if (got.length === 2) resolve(got)
        }
      })
      expect(await answers).toEqual(["hello", large])
      socket.close()
      const refused = open("/elsewhere")
      await new Promise((resolve) => {
        refused.onerror = resolve
        refused.onclose = resolve
      })
      await proxy.close()
    })
  },
)

const noSshd =
  skipWithout("/usr/sbin/sshd", ["-V"], "emr-proxy-into") || skipWithout("ssh", ["-V"], "emr-proxy-into")
describe.skipIf(noSshd)("OpenSSH", () => {
  test("carries each connection, opens no port, and ends with us", async () => {
    const [hostKey, key] = [join(folder, "host"), join(folder, "key")]
    for (const file of [hostKey, key]) spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file])
    const port = await freePort()
    writeFileSync(
      join(folder, "sshd_config"),
      `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nAuthorizedKeysFile ${key}.pub\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n`,
    )
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true })
    children.push(spawn("/usr/sbin/sshd", ["-D", "-f", join(folder, "sshd_config")], { stdio: "ignore" }))
    await listens(port)
    const backend = await testBackend((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end('<a href="/x">')
    })
    const options = (known: string) => [
      ...[
        "-p",
        String(port),
        "-i",
        key,
        "-l",
        spawnSync("id", ["-un"]).stdout.toString().trim(),
        "-o",
        "StrictHostKeyChecking=yes",
      ],
      ...["-o", `UserKnownHostsFile=${join(folder, known)}`, "-F", "none"],
    ]
    writeFileSync(
      join(folder, "wrong"),
      `[127.0.0.1]:${port} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtRZnVuRmFrZUtleUZvclRlc3RzT25seTAwMDAwMDAw\n`,
    )
    const signal = new AbortController().signal
    expect(openSshTunnel({ options: options("wrong"), destination: "127.0.0.1", signal })).rejects.toThrow()
    const hostPublic = await Bun.file(`${hostKey}.pub`).text()
    writeFileSync(join(folder, "known"), `[127.0.0.1]:${port} ${hostPublic}`)
    const tunnel = await openSshTunnel({ options: options("known"), destination: "127.0.0.1", signal })
    expect((await tunnel.facts()).ports).toContain(backend.port)
    const proxy = await testProxy({ allow: [`127.0.0.1:${backend.port}`, "127.0.0.1:9"], dial: tunnel.dial })
    expect((await proxy.get(`${backend.prefix}/`)).text).toBe(`<a href="${backend.prefix}/x">`)
    expect((await proxy.get("/127.0.0.1/9/")).text).toContain("refused")
    await proxy.close()
    tunnel.close()
    await tunnel.ended
    backend.close()
  })
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function listens(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1")
      socket.once("connect", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
