/** `proxy`: a SOCKS port that ssh serves and that outlives us, announced only once it listens. */
import { connect } from "node:net"
import { Failed } from "../../base/errors.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, removeFile, writeText } from "./files.ts"
import type { ClusterNode } from "./nodes.ts"
import { sshCommand } from "./ssh.ts"

const deadlineMs = 60_000

/** Starts it and returns ssh's process id. */
export async function startSocksTunnel(session: ClusterSession, node: ClusterNode): Promise<number> {
  const { deps, settings } = session
  const port = settings.proxyPort
  if (await listens(port)) {
    throw new Failed("proxy", `port ${port} is taken by something else (--proxy-port chooses another)`)
  }
  await prepareConnection(session, node)
  const log = clusterFile(session, "proxyLog")
  writeText(log, "")
  const tunnel = deps.programs.startDetached(socksCommand(session, node), log)
  const deadline = deps.clock.now() + (deps.timeoutMs ?? deadlineMs)
  try {
    while (!(await listens(port))) {
      if (tunnel.code() !== null || deps.clock.now() > deadline) {
        const reason = (readText(log) ?? "").trim().split("\n").at(-1)
        throw new Failed("proxy", reason || `ssh ended with ${tunnel.code() ?? "nothing"}`)
      }
      await deps.clock.sleep(100, deps.interrupt)
    }
    return tunnel.pid
  } catch (error) {
    tunnel.end()
    throw error
  } finally {
    removeFile(log)
  }
}

/** The ssh command line of the SOCKS port. */
export function socksCommand(session: ClusterSession, node: ClusterNode): string[] {
  const { settings } = session
  const extra = ["-N", "-D", `127.0.0.1:${settings.proxyPort}`, "-o", "ExitOnForwardFailure=yes"]
  return sshCommand(session, node, [], { batch: true, extra })
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}
