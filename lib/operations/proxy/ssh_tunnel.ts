/**
 * Backends through a cluster's master: one ssh connection, and `ssh -W` over its private control socket for each connection to
 * a backend. No port is opened: a SOCKS port (`ssh -D`) on a shared host serves every local user.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Failed } from "../../base/errors.ts"
import { hostInUrl } from "../../decisions/proxy/host.ts"
import { ChildStream } from "./child_stream.ts"
import { type Dial, refuseDenied } from "./dial.ts"
import { type MasterFacts, readFacts, reportMasterFacts } from "./emr_master_facts.ts"
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

export async function openSshTunnel({ options, destination, signal }: SshTunnelOptions): Promise<SshTunnel> {
  const folder = mkdtempSync(join(tmpdir(), "microproxy-")) // mode 0700
  const control = join(folder, "c")
  const master = spawn(
    "ssh",
    [
      "-M",
      "-S",
      control,
      ...tunnelSshOptions("ControlPersist=no", "ServerAliveInterval=15"),
      "-T",
      ...options,
      "--",
      destination,
      `sh -c ${quotedForShell(reportMasterFacts)}`,
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  )
  let lastWords = ""
  master.stderr.on("data", (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000)
  })
  master.stdin.on("error", () => {})
  const heir = heirOf(folder, destination)
  const children = new Set<ChildStream>()
  const close = () => {
    heir.kill()
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
          ...tunnelSshOptions("ControlMaster=no", "ProxyCommand=false", "BatchMode=yes"),
          "-S",
          control,
          "-W",
          `${hostInUrl(host)}:${port}`,
          "--",
          destination,
        ]),
      )
      children.add(child)
      child.once("close", () => children.delete(child))
      return child
    },
  }
}

/**
 * Ends ssh where we are killed and cannot: a stream that its backend holds open would keep it for ever. Its input ends with
 * us.
 */
function heirOf(folder: string, destination: string): ChildProcess {
  const script = 'read -r _; ssh -S "$0/c" -O exit -- "$1"; rm -rf -- "$0"'
  const heir = spawn("sh", ["-c", script, folder, destination], { stdio: ["pipe", "ignore", "ignore"] })
  heir.on("error", () => {})
  return heir
}

/** What ssh said, in one line that says what to do where ssh needs many. */
function explained(said: string, destination: string): string {
  if (/HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    return `its host key is not the one seen before: the host is another, or somebody is in between (ssh-keygen -R ${destination} forgets the old key)`
  }
  if (/UNPROTECTED PRIVATE KEY FILE/.test(said)) {
    return "the key's file is open to others, and ssh uses no such key (chmod 600 mends it)"
  }
  if (/executable not found|ENOENT/i.test(said))
    return "there is no ssh here (Debian: apt install openssh-client)"
  return said.trim().split("\n").at(-1) ?? ""
}

/** Settings of ssh, each as an `-o` of its own. */
export function tunnelSshOptions(...settings: string[]): string[] {
  return settings.flatMap((setting) => ["-o", setting])
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

function quotedForShell(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`
}
