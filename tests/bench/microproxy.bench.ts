/** microproxy beside nginx with sub_filter, on the same pages, by the same client, in one go. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Bench, mebibytes, ratio } from "./support/figures.ts"
import { drive, ports, rssMb, type Site, startMicroproxy } from "./support/proxy_load.ts"
import { median } from "./support/timing.ts"

export const bench: Bench = {
  what: "pages through microproxy beside nginx sub_filter, and 1,000 idle WebSockets",
  async run() {
    if (spawnSync("nginx", ["-v"]).error) {
      console.log("SKIPPED: microproxy: no nginx (Debian: apt install nginx-light)")
      return []
    }
    const folder = mkdtempSync(join(tmpdir(), "bench-proxy-"))
    const children: ChildProcess[] = []
    try {
      writePages(folder)
      const nginx = startNginx(folder, "proxy", subFilter)
      children.push(startNginx(folder, "backend", filesOf(folder)), nginx)
      const { child, host, cookie } = await startMicroproxy()
      children.push(child)
      const ours: Side = {
        port: ports.proxy,
        prefix: `/127.0.0.1/${ports.backend}`,
        host,
        cookie,
        process: child,
      }
      const theirs: Side = {
        port: ports.subFilter,
        prefix: "",
        host: "127.0.0.1",
        cookie: "",
        process: nginx,
      }
      await drive(ours, "/page.html", 32, 20_000) // what runs once is compiled later
      await drive(theirs, "/page.html", 32, 2000)
      const rested = rssMb(child)
      const small = await beside(ours, theirs, "/page.html", 1, 2000)
      const many = await beside(ours, theirs, "/page.html", 32, 20_000)
      const large = await beside(ours, theirs, "/large.html", 1, 100)
      const worked = rssMb(child)
      const sockets = await idleWebSockets(ours, 1000)
      const open = rssMb(child)
      for (const socket of sockets) socket.destroy()
      const nginxIs = (value: number): [string, number] => ["nginx", value]
      return [
        ratio("4.5 kB, 1 connection: p50", small.ours.p50, nginxIs(small.theirs.p50), 2),
        ratio("4.5 kB, 32 connections: time of a page", many.ours.each, nginxIs(many.theirs.each), 2),
        ratio("4.5 kB: processor time of a page", many.ours.cpu, nginxIs(many.theirs.cpu), 8),
        ratio("1.17 MB, 15,000 links: p50", large.ours.p50, nginxIs(large.theirs.p50), 2),
        ratio("1.17 MB: processor time of a page", large.ours.cpu, nginxIs(large.theirs.cpu), 5),
        ratio("memory after all that", worked, ["after its first pages", rested], 1.5, mebibytes),
        ratio("memory with 1,000 idle WebSockets", open, ["before them", worked], 1.5, mebibytes),
      ]
    } finally {
      for (const child of children) child.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** What is measured, and the process that answers there. */
interface Side extends Site {
  process: ChildProcess
}

interface Driven {
  /** Milliseconds: the median of an answer's, all the time by the number of answers, and of processors. */
  p50: number
  each: number
  cpu: number
}

/** The same requests to both, in three turns each. */
async function beside(ours: Side, theirs: Side, path: string, connections: number, requests: number) {
  const turns: Record<"ours" | "theirs", Driven[]> = { ours: [], theirs: [] }
  for (let turn = 0; turn < 3; turn++) {
    turns.ours.push(await driven(ours, path, connections, Math.ceil(requests / 3)))
    turns.theirs.push(await driven(theirs, path, connections, Math.ceil(requests / 3)))
  }
  const of = (name: "ours" | "theirs", what: keyof Driven) => median(turns[name].map((turn) => turn[what]))
  const whole = (name: "ours" | "theirs"): Driven => ({
    p50: of(name, "p50"),
    each: of(name, "each"),
    cpu: of(name, "cpu"),
  })
  return { ours: whole("ours"), theirs: whole("theirs") }
}

async function driven(side: Side, path: string, connections: number, requests: number): Promise<Driven> {
  const before = cpuMs(side.process)
  const { p50, perSecond } = await drive(side, path, connections, requests)
  return { p50, each: 1000 / perSecond, cpu: (cpuMs(side.process) - before) / requests }
}

function writePages(folder: string): void {
  const row = (i: number) =>
    `<tr><td><a href="http://10.0.0.${i % 250}:8042/node/${i}">node ${String(i).padStart(5)}</a></td></tr>\n`
  const page = (links: number) =>
    `<!doctype html><html><head><title>nodes</title></head><body><table>\n${Array.from({ length: links }, (_, i) => row(i)).join("")}</table></body></html>`
  chmodSync(folder, 0o755) // nginx drops to a user of its own
  mkdirSync(join(folder, "www"))
  writeFileSync(join(folder, "www", "page.html"), page(62))
  writeFileSync(join(folder, "www", "large.html"), page(15_000))
}

/** Each nginx is a process of its own, so that what it uses is the proxy's alone. */
function startNginx(folder: string, name: string, server: string): ChildProcess {
  const config = join(folder, `${name}.conf`)
  writeFileSync(
    config,
    `worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 10000000; types { text/html html; }
${server}
}`,
  )
  return spawn("nginx", ["-c", config], { stdio: "inherit" })
}

const filesOf = (folder: string) => `  server { listen 127.0.0.1:${ports.backend}; root ${folder}/www; }`

const subFilter = `  upstream backend { server 127.0.0.1:${ports.backend}; keepalive 64; }
  server { listen 127.0.0.1:${ports.subFilter};
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      sub_filter_once off; sub_filter 'href="http://10.' 'href="/10.'; sub_filter 'src="http://10.' 'src="/10.'; } }`

/** What it and its workers used of any processor since their start, all threads together, in ticks of 10 ms. */
function cpuMs({ pid }: ChildProcess): number {
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")
  return [String(pid), ...workers].filter(Boolean).reduce((sum, process) => {
    const fields = readFileSync(`/proc/${process}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return sum + (Number(fields[11]) + Number(fields[12])) * 10
  }, 0)
}

async function idleWebSockets(site: Site, count: number): Promise<net.Socket[]> {
  const backend = net.createServer((socket) => {
    socket.on("error", () => {})
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    )
  })
  await new Promise<void>((resolve) => backend.listen(ports.webSockets, "127.0.0.1", resolve))
  const sockets: net.Socket[] = []
  for (let i = 0; i < count; i += 50) {
    const opened = Array.from({ length: 50 }, () => {
      const socket = net.connect(site.port, "127.0.0.1")
      socket.write(
        `GET /127.0.0.1/${ports.webSockets}/ HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\nOrigin: http://${site.host}\r\n` +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      )
      sockets.push(socket)
      return new Promise((resolve) => socket.once("data", resolve))
    })
    await Promise.all(opened)
  }
  backend.unref()
  backend.close()
  return sockets
}
