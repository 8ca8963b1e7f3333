/**
 * `npm run soak:proxy [MINUTES]`: a day's requests in some minutes (a page every second is 86,400): pages, large pages, files, errors,
 * clients that go away. Memory and descriptors must not grow.
 */
import { readdirSync } from "node:fs"
import http from "node:http"
import net from "node:net"
import { drive, rssMb, startMicroproxy } from "../bench/support/proxy_load.ts"

const minutes = Number(process.argv[2] ?? 4)
const page = '<tr><td><a href="http://10.0.0.5:8042/node">node</a></td></tr>\n'.repeat(70)
const backend = http.createServer((request, response) => {
  if (request.url === "/broken") response.socket?.destroy()
  else {
    const body = request.url === "/large" ? page.repeat(200) : page
    response.writeHead(200, { "Content-Type": "text/html", "Content-Length": body.length }).end(body)
  }
})
await new Promise<void>((resolve) => backend.listen(28601, "127.0.0.1", resolve))
const { child, host, cookie } = await startMicroproxy("ignore")
const site = { port: 28603, prefix: "/127.0.0.1/28601", host, cookie }
const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length

const rounds: { requests: number; mb: number; open: number }[] = []
let requests = 0
const until = Date.now() + minutes * 60_000
while (Date.now() < until || requests < 86_400) {
  await drive(site, "/page", 16, 4000)
  await drive(site, "/large", 2, 40)
  await Promise.all(Array.from({ length: 50 }, (_, i) => leave(i % 2 === 0 ? "/broken" : "/large")))
  requests += 4090
  await Bun.sleep(300)
  rounds.push({ requests, mb: Math.round(rssMb(child)), open: descriptors() })
  if (rounds.length % 5 === 0) console.log(rounds.at(-1))
}
child.kill()
const half = rounds.slice(Math.floor(rounds.length / 2))
const quarter = (from: number) => {
  const part = half.slice(Math.floor(half.length * from), Math.ceil(half.length * (from + 0.25)))
  return part.reduce((sum, { mb }) => sum + mb, 0) / part.length
}
const grown = quarter(0.75) - quarter(0)
const open = Math.max(...half.map((round) => round.open))
console.log(
  `${requests} requests; memory grew by ${grown.toFixed(1)} MB in the second half; at most ${open} descriptors`,
)
process.exit(grown > 10 || open > 150 ? 1 : 0)

/** A client that asks and goes away at once. */
function leave(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(site.port, "127.0.0.1")
    socket.on("error", () => {})
    socket.on("close", () => resolve())
    socket.write(`GET ${site.prefix}${path} HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\n\r\n`)
    setTimeout(() => socket.destroy(), 5)
  })
}
