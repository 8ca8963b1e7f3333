/**
 * Backends through a cluster's master: one ssh connection, and `ssh -W` over its private control socket for each connection to
 * a backend. No port is opened: a SOCKS port (`ssh -D`) on a shared host serves every local user.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { Duplex } from "node:stream"
import { Failed } from "../../base/errors.ts"
import { hostInUrl } from "../../decisions/links/host.ts"
import { type Dial, refuseDenied } from "./dial.ts"
import { ProxyFailure } from "./failures.ts"

export interface SshTunnelOptions {
  /** What ssh needs before the destination: `-i KEY`, `-l USER`, `-p PORT`, `-o …`. */
  options: readonly string[]
  destination: string
  /** Ends the attempt to connect. */
  signal: AbortSignal
}

export interface SshTunnel {
  dial: Dial
  /** What the master says of itself and its nodes, anew each time. */
  facts(): Promise<MasterFacts>
  /** Resolves when ssh has ended, with its last words. */
  ended: Promise<string>
  close(): void
}

export interface MasterFacts {
  /** Its names and addresses, the fully qualified name first. */
  names: string[]
  /** Hosts of the nodes that YARN knows. */
  nodes: string[]
  /** TCP ports on which something listens. */
  ports: number[]
}

/** Printed by the master at the start and at each line it gets; ends when we do, since its input then ends. */
const report = `report() {
  echo "name $(hostname -f 2>/dev/null || hostname)"; echo "name $(hostname)"
  for a in $(hostname -I 2>/dev/null); do echo "name $a"; done
  (ss -ltnH 2>/dev/null || netstat -ltn 2>/dev/null) | awk '{ n = split($4, p, ":"); print "port " p[n] }'
  curl -s -m 3 "http://$(hostname -f):8088/ws/v1/cluster/nodes" 2>/dev/null | tr ',{}' '\\n\\n\\n' |
    sed -n 's/^"nodeHostName":"\\([^"]*\\)".*/node \\1/p'
  echo ready
}
report
while read -r _; do report; done`

export async function openSshTunnel({ options, destination, signal }: SshTunnelOptions): Promise<SshTunnel> {
  const folder = mkdtempSync(join(tmpdir(), "microproxy-")) // mode 0700
  const control = join(folder, "c")
  const master = spawn(
    "ssh",
    [
      ...["-M", "-S", control, "-o", "ControlPersist=no", "-o", "ServerAliveInterval=15", "-T"],
      ...options,
      ...["--", destination, `sh -c ${quotedForShell(report)}`],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  )
  let lastWords = ""
  master.stderr.on("data", (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000)
  })
  master.stdin.on("error", () => {})
  const children = new Set<ChildStream>()
  const close = () => {
    master.kill()
    for (const child of children) child.destroy()
    rmSync(folder, { recursive: true, force: true })
  }
  const ended = new Promise<string>((resolve) => {
    master.once("error", (error) => resolve(explained(error.message, destination)))
    master.once("close", () => resolve(explained(lastWords, destination)))
  }).finally(close)
  const lines = createInterface({ input: master.stdout })
  const stop = () => master.kill()
  signal.addEventListener("abort", stop, { once: true })
  const first = await Promise.race([readFacts(lines), ended])
  signal.removeEventListener("abort", stop)
  if (typeof first === "string") throw new Failed("ssh", `${destination}: ${first || "the connection ended"}`)
  let facts: MasterFacts | null = first
  return {
    ended,
    close,
    async facts() {
      const known = facts
      facts = null
      if (known) return known
      const answer = readFacts(lines)
      master.stdin.write("\n")
      return await answer
    },
    async dial(host, port, { allowed }) {
      refuseDenied(host)
      if (!allowed.permits(host, port)) throw new ProxyFailure(403, "not allowed")
      const child = new ChildStream(
        spawn("ssh", [
          // Without its master it must fail rather than connect by itself, with other options.
          ...["-S", control, "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-o", "BatchMode=yes"],
          ...["-W", `${hostInUrl(host)}:${port}`, "--", destination],
        ]),
      )
      children.add(child)
      child.once("close", () => children.delete(child))
      return child
    },
  }
}

/** What ssh said, in one line that says what to do where ssh needs many. */
function explained(said: string, destination: string): string {
  if (/HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    return `its host key is not the one seen before: the host is another, or somebody is in between (ssh-keygen -R ${destination} forgets the old key)`
  }
  if (/executable not found|ENOENT/i.test(said))
    return "there is no ssh here (Debian: apt install openssh-client)"
  return said.trim().split("\n").at(-1) ?? ""
}

/** How strictly to check host keys where the user's configuration says nothing: never not at all. */
export async function hostKeyOptions(destination: string, mayAsk: boolean): Promise<string[]> {
  const configured = await new Promise<string>((resolve) => {
    const child = spawn("ssh", ["-G", "--", destination], { stdio: ["ignore", "pipe", "ignore"] })
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once("error", () => resolve(""))
    child.once("close", () => resolve(/^stricthostkeychecking (.*)$/m.exec(text)?.[1] ?? ""))
  })
  if (configured === "yes" || configured === "true" || configured === "accept-new") return []
  if (configured === "ask" && mayAsk) return []
  // A key that changed is refused; one that was never seen is taken and remembered.
  return ["-o", "StrictHostKeyChecking=accept-new"]
}

/** A child's input and output as one stream, as `node:http` wants its sockets. */
class ChildStream extends Duplex {
  #errors = ""

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    super()
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-1000)
    })
    child.stdin.on("error", () => {})
    child.once("error", (error) => this.destroy(error))
    child.once("close", (code) => {
      if (code === 0 || this.#errors === "") this.push(null)
      else this.destroy(this.#failure())
    })
  }

  override _read(): void {
    this.child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.child.stdin.write(chunk)) done()
    else this.child.stdin.once("drain", () => done())
  }

  override _final(done: () => void): void {
    this.child.stdin.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.child.kill()
    done(error)
  }

  #failure(): Error {
    const said = this.#errors
    if (/refused/i.test(said))
      return new ProxyFailure(502, "nothing listens there: the connection was refused")
    if (/name or service not known|could not resolve|name resolution/i.test(said)) {
      return new ProxyFailure(502, "the master does not know the name")
    }
    return new ProxyFailure(502, `ssh: ${said.trim().split("\n").at(-1) ?? "failed"}`)
  }

  // What node:http does to sockets that it keeps; a pipe has none of it.
  setKeepAlive(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

function readFacts(lines: Interface): Promise<MasterFacts> {
  return new Promise((resolve) => {
    const found = { name: new Set<string>(), node: new Set<string>(), port: new Set<string>() }
    const take = (line: string) => {
      const [, kind, value] = /^(name|node|port) (\S+)$/.exec(line) ?? []
      if (kind && value) found[kind as keyof typeof found].add(value)
      if (line !== "ready") return
      lines.off("line", take)
      const ports = [...found.port].map(Number).filter((port) => port > 0)
      resolve({ names: [...found.name], nodes: [...found.node], ports })
    }
    lines.on("line", take)
  })
}

function quotedForShell(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`
}
