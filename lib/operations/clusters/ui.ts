/**
 * `ui`: the cluster's pages through the microproxy, each connection by `ssh -W` over a control socket that only its owner can
 * open. No port of this host leads into the cluster but the proxy's, which wants its secret.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import { pagesOf } from "../../decisions/clusters/roles.ts"
import type { Background } from "../../host/processes/programs.ts"
import { refuseDenied } from "../proxy/dial.ts"
import { aborted } from "../proxy/run.ts"
import { newToken, startProxy } from "../proxy/start.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, removeFile, writeText } from "./files.ts"
import { type ClusterNode, findNodes, requireMaster, requireNodes } from "./nodes.ts"
import { requireRemote, sshCommand } from "./ssh.ts"

export interface Ui {
  links: { title: string; url: string }[]
  /** Ends the proxy and the tunnel with it. */
  untilInterrupted(): Promise<void>
}

const deadlineMs = 30_000

/** Where the `jupyter` role's token lies, for the login user alone. */
const jupyterTokenFile = "/var/lib/hadoop-ec2/jupyter_token"

/**
 * Opens the tunnels and starts the proxy. A page on its machine's loopback, JupyterLab's, is reached from that machine; all others
 * from the master. Throws Failed where ssh does not connect.
 */
export async function serveUi(session: ClusterSession): Promise<Ui> {
  const { deps, name: cluster } = session
  const nodes = await requireNodes(session)
  const master = requireMaster(cluster, nodes)
  const own = new Map(
    nodes.flatMap((node) =>
      pagesOf(node.roles)
        .filter(({ onLoopback }) => onLoopback)
        .map(({ port }) => [`${node.privateIp}:${port}`, node] as const),
    ),
  )
  const directory = mkdtempSync(join(tmpdir(), "hadoop-ec2-"))
  const socketOf = (node: ClusterNode) => join(directory, node.id)
  const tunnels: Background[] = []
  const end = () => {
    for (const tunnel of tunnels) tunnel.end()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    for (const node of new Set([master, ...own.values()])) {
      await prepareConnection(session, node)
      tunnels.push(await startControl(session, node, socketOf(node)))
    }
    const pages: (Page & { rest: string })[] = []
    for (const page of pagesOfCluster(nodes)) {
      const node = own.get(`${page.host}:${page.port}`)
      pages.push({ ...page, rest: node ? `/lab?token=${await jupyterToken(session, node)}` : "/" })
    }
    const proxy = await startProxy(
      {
        dial: async (host, port, _policy, signal) => {
          refuseDenied(host)
          signal.throwIfAborted()
          const node = own.get(`${host}:${port}`)
          const shown = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
          const target = node ? `127.0.0.1:${port}` : shown
          const extra = ["-S", socketOf(node ?? master), "-o", "ControlMaster=no", "-W", target]
          return deps.programs.openStream(sshCommand(session, node ?? master, [], { batch: true, extra }))
        },
        log: ({ cause }) => {
          if (cause) deps.terminal.note(String(cause))
        },
        now: () => deps.clock.now(),
        nodes: async () => hostsOf(await findNodes(session)),
      },
      {
        listen: { address: "127.0.0.1", port: 0 },
        token: newToken(),
        allow: [],
        legacyHosts: false,
        defaultSite: null,
        shim: true,
        tls: { ca: null, insecure: false },
      },
    )
    return {
      links: pages.map(({ title, host, port, rest }) => ({
        title: `${title} (${host})`,
        url: proxy.linkTo({ scheme: "http", host, port }, rest),
      })),
      async untilInterrupted() {
        await Promise.race([aborted(deps.interrupt), ...tunnels.map(({ exited }) => exited)])
        await proxy.close()
        end()
        if (!deps.interrupt.aborted) throw new Failed("ui", "ssh has ended: is the cluster still there?")
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

/** Through ssh, whose output nobody else sees: the token stands in no argument and no environment of this host. */
async function jupyterToken(session: ClusterSession, node: ClusterNode): Promise<string> {
  const token = await requireRemote(session, node, ["cat", jupyterTokenFile])
  if (/^[0-9a-f]{48}$/.test(token)) return token
  throw new Failed("ui", `${node.id} has no token of JupyterLab (hadoop-ec2 logs ${session.name} ${node.id})`)
}

export interface Page {
  title: string
  /** The node's private address. */
  host: string
  port: number
}

/** The pages that the nodes serve. */
export function pagesOfCluster(nodes: readonly ClusterNode[]): Page[] {
  return nodes.flatMap((node) =>
    pagesOf(node.roles).map(({ title, port }) => ({ title, host: node.privateIp, port })),
  )
}

function hostsOf(nodes: readonly ClusterNode[]): string[] {
  return nodes.flatMap(({ privateIp, privateDns }) => [privateIp, privateDns]).filter((host) => host !== "")
}

/** One authenticated connection to the node, which all others then share. */
async function startControl(session: ClusterSession, node: ClusterNode, socket: string): Promise<Background> {
  const { deps } = session
  const log = clusterFile(session, "uiLog")
  writeText(log, "")
  const extra = ["-M", "-S", socket, "-N", "-o", "ControlPersist=no"]
  const tunnel = deps.programs.startDetached(sshCommand(session, node, [], { batch: true, extra }), log)
  const deadline = deps.clock.now() + (deps.timeoutMs ?? deadlineMs)
  const check = sshCommand(session, node, [], { batch: true, extra: ["-S", socket, "-O", "check"] })
  try {
    while ((await deps.programs.run(check)).code !== 0) {
      if (tunnel.code() !== null || deps.clock.now() > deadline) {
        throw new Failed("ui", (readText(log) ?? "").trim().split("\n").at(-1) || "ssh does not connect")
      }
      await deps.clock.sleep(100, deps.interrupt)
    }
    return tunnel
  } catch (error) {
    tunnel.end()
    throw error
  } finally {
    removeFile(log)
  }
}
