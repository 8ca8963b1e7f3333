/** microproxy beside nginx with sub_filter, on the same pages, by the same client, in one go. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Bench, Figure } from "./support/figures.ts"

const microproxy = join(import.meta.dir, "../../dist/libexec/microproxy")
const ports = { backend: 28601, subFilter: 28602, proxy: 28603 }

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
      children.push(startNginx(folder))
      const { child, host, cookie } = await startMicroproxy()
      children.push(child)
      const ours = { port: ports.proxy, prefix: `/127.0.0.1/${ports.backend}`, host, cookie }
      const theirs = { port: ports.subFilter, prefix: "", host: "127.0.0.1", cookie: "" }
      const figures: Figure[] = []
      await drive(ours, "/page.html", 32, 6000) // what runs once is compiled later
      await drive(theirs, "/page.html", 32, 2000)
      const one = [
        await drive(ours, "/page.html", 1, 2000),
        await drive(theirs, "/page.html", 1, 2000),
      ] as const
      figures.push(
        absolute(
          "4.5 kB, 1 connection: p50",
          one[0].p50,
          0.6,
          " ms",
          "at most",
          `${one[1].p50.toFixed(2)} ms`,
        ),
      )
      const before = cpuMs(child)
      const many = [
        await drive(ours, "/page.html", 32, 20_000),
        await drive(theirs, "/page.html", 32, 20_000),
      ] as const
      figures.push(
        absolute(
          "4.5 kB, 32 connections",
          many[0].perSecond,
          5000,
          "/s",
          "at least",
          `${many[1].perSecond.toFixed(0)}/s`,
        ),
      )
      const cpu = (cpuMs(child) - before) / 20_000
      figures.push(absolute("4.5 kB: processor time of ours", cpu, 0.2, " ms", "at most", ""))
      const beforeLarge = cpuMs(child)
      const large = [
        await drive(ours, "/large.html", 1, 100),
        await drive(theirs, "/large.html", 1, 100),
      ] as const
      figures.push(
        absolute(
          "1.17 MB, 15,000 links: p50",
          large[0].p50,
          12,
          " ms",
          "at most",
          `${large[1].p50.toFixed(1)} ms`,
        ),
      )
      const cpuLarge = (cpuMs(child) - beforeLarge) / 100
      figures.push(absolute("1.17 MB: processor time of ours", cpuLarge, 12, " ms", "at most", ""))
      figures.push(absolute("memory after all that", rssMb(child), 100, " MB", "at most", ""))
      const sockets = await idleWebSockets(ours, 1000)
      figures.push(absolute("memory with 1,000 idle WebSockets", rssMb(child), 150, " MB", "at most", ""))
      for (const socket of sockets) socket.destroy()
      return figures
    } finally {
      for (const child of children) child.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

export interface Site {
  port: number
  prefix: string
  host: string
  cookie: string
}

function absolute(
  what: string,
  value: number,
  target: number,
  unit: string,
  wanted: "at most" | "at least",
  nginx: string,
): Figure {
  const measured = `${value.toFixed(value < 10 ? 2 : 0)}${unit}`
  return { what, measured, reference: nginx && `nginx ${nginx}`, value, target, unit, wanted }
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

function startNginx(folder: string): ChildProcess {
  writeFileSync(
    join(folder, "nginx.conf"),
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 4096; }
http { access_log off; keepalive_requests 10000000; types { text/html html; }
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream backend { server 127.0.0.1:${ports.backend}; keepalive 64; }
  server { listen 127.0.0.1:${ports.backend}; root ${folder}/www; }
  server { listen 127.0.0.1:${ports.subFilter};
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      sub_filter_once off; sub_filter 'href="http://10.' 'href="/10.'; sub_filter 'src="http://10.' 'src="/10.'; } }
}`,
  )
  return spawn("nginx", ["-c", join(folder, "nginx.conf")], { stdio: "inherit" })
}

/** Its log goes to `errors`. */
export async function startMicroproxy(errors: "inherit" | "ignore" = "inherit") {
  const allow = [`127.0.0.1:${ports.backend}`, "127.0.0.1:28604", "10.0.0.0/24"]
  const command = existsSync(microproxy)
    ? [microproxy]
    : ["bun", join(import.meta.dir, "../../scripts/microproxy.ts")]
  const args = [String(ports.proxy), "--json", "--quiet", ...allow.flatMap((one) => ["--allow", one])]
  const child = spawn(command[0] as string, [...command.slice(1), ...args], {
    stdio: ["ignore", "pipe", errors],
  })
  const line = await new Promise<string>((resolve) =>
    child.stdout.once("data", (chunk) => resolve(chunk.toString())),
  )
  const { url, origin } = JSON.parse(line) as { url: string; origin: string }
  return { child, host: new URL(origin).host, cookie: `microproxy=${new URL(url).searchParams.get("token")}` }
}

/** What it used of any processor since its start, all threads together: on a shared machine this says more than the time. */
function cpuMs(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10 // ticks of 10 ms
}

export function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** Kept connections that ask one after another; a client of our own, so that both are asked alike. */
export async function drive(site: Site, path: string, connections: number, requests: number) {
  const request = Buffer.from(
    `GET ${site.prefix}${path} HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\n\r\n`,
  )
  const times: number[] = []
  let left = requests
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const socket = net.connect({ port: site.port, host: "127.0.0.1", noDelay: true })
      let sentAt = 0
      let reader = answerReader()
      const next = () => {
        if (left-- <= 0) {
          socket.destroy()
          resolve()
          return
        }
        reader = answerReader()
        sentAt = performance.now()
        socket.write(request)
      }
      socket.on("connect", next)
      socket.on("error", reject)
      socket.on("data", (chunk: Buffer) => {
        const state = reader(chunk)
        if (state === "failed") reject(new Error(`not 200: ${chunk.toString("latin1", 0, 200)}`))
        else if (state === "whole") {
          times.push(performance.now() - sentAt)
          next()
        }
      })
      return promise
    }),
  )
  times.sort((a, b) => a - b)
  return {
    p50: times[Math.floor(times.length / 2)] as number,
    perSecond: (times.length * 1000) / (performance.now() - started),
  }
}

/** Counts an answer's bytes by its Content-Length, or to its last chunk. */
function answerReader(): (chunk: Buffer) => "more" | "whole" | "failed" {
  let left: number | null = null
  let tail = ""
  let chunked = false
  return (chunk) => {
    if (left === null && !chunked) {
      const head = chunk.toString("latin1", 0, 4096)
      const end = head.indexOf("\r\n\r\n")
      if (!head.startsWith("HTTP/1.1 200") || end < 0) return "failed"
      const length = /^content-length: (\d+)/im.exec(head.slice(0, end))?.[1]
      if (length === undefined) chunked = true
      else left = Number(length) + end + 4
    }
    if (left !== null) left -= chunk.length
    else tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 7))).slice(-7)
    return left === 0 || (chunked && tail === "\r\n0\r\n\r\n") ? "whole" : "more"
  }
}

async function idleWebSockets(site: Site, count: number): Promise<net.Socket[]> {
  const backend = net.createServer((socket) => {
    socket.on("error", () => {})
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    )
  })
  await new Promise<void>((resolve) => backend.listen(28604, "127.0.0.1", resolve))
  const sockets: net.Socket[] = []
  for (let i = 0; i < count; i += 50) {
    const opened = Array.from({ length: 50 }, () => {
      const socket = net.connect(site.port, "127.0.0.1")
      socket.write(
        `GET /127.0.0.1/28604/ HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\nOrigin: http://${site.host}\r\n` +
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
