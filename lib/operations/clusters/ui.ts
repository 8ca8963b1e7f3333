/**
 * `ui`: the cluster's pages through the microproxy, each connection by `ssh -W` over a control socket that only its owner can
 * open. No port of this host leads into the cluster but the proxy's, which wants its secret.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import { pagesOf } from "../../decisions/clusters/roles.ts"
import { refuseDenied } from "../proxy/dial.ts"
import { aborted } from "../proxy/run.ts"
import { newToken, startProxy } from "../proxy/start.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, removeFile, writeText } from "./files.ts"
import { type ClusterNode, findNodes, requireMaster, requireNodes } from "./nodes.ts"
import { sshCommand } from "./ssh.ts"

export interface Ui {
  links: { title: string; url: string }[]
  /** Ends the proxy and the tunnel with it. */
  untilInterrupted(): Promise<void>
}

const deadlineMs = 30_000

export async function serveUi(session: ClusterSession): Promise<Ui> {
  const { deps, name: cluster } = session
  const nodes = await requireNodes(session)
  const master = requireMaster(cluster, nodes)
  await prepareConnection(session, master)
  const directory = mkdtempSync(join(tmpdir(), "hadoop-ec2-"))
  const socket = join(directory, "control")
  const tunnel = await startControl(session, master, socket).catch((error) => {
    rmSync(directory, { recursive: true, force: true })
    throw error
  })
  const end = () => {
    tunnel.end()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const proxy = await startProxy(
      {
        dial: async (host, port, _policy, signal) => {
          refuseDenied(host)
          signal.throwIfAborted()
          const target = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
          const extra = ["-S", socket, "-o", "ControlMaster=no", "-W", target]
          return deps.programs.openStream(sshCommand(session, master, [], { batch: true, extra }))
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
      links: pagesOfCluster(nodes).map(({ title, host, port }) => ({
        title: `${title} (${host})`,
        url: proxy.linkTo({ scheme: "http", host, port }),
      })),
      async untilInterrupted() {
        await Promise.race([aborted(deps.interrupt), tunnel.exited])
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

/** The pages that the nodes serve. */
export function pagesOfCluster(
  nodes: readonly ClusterNode[],
): { title: string; host: string; port: number }[] {
  return nodes.flatMap((node) =>
    pagesOf(node.roles).map(({ title, port }) => ({ title, host: node.privateIp, port })),
  )
}

function hostsOf(nodes: readonly ClusterNode[]): string[] {
  return nodes.flatMap(({ privateIp, privateDns }) => [privateIp, privateDns]).filter((host) => host !== "")
}

/** One authenticated connection, which all others then share. */
async function startControl(session: ClusterSession, master: ClusterNode, socket: string) {
  const { deps } = session
  const log = clusterFile(session, "uiLog")
  writeText(log, "")
  const extra = ["-M", "-S", socket, "-N", "-o", "ControlPersist=no"]
  const tunnel = deps.programs.startDetached(sshCommand(session, master, [], { batch: true, extra }), log)
  const deadline = deps.clock.now() + (deps.timeoutMs ?? deadlineMs)
  const check = sshCommand(session, master, [], { batch: true, extra: ["-S", socket, "-O", "check"] })
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
