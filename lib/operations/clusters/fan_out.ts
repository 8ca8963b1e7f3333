/** One command on many nodes at once, with what each of them says. */
import { Failed, messageOf } from "../../base/errors.ts"
import { parseRoles, type Role } from "../../decisions/clusters/roles.ts"
import type { ClusterSession } from "./deps.ts"
import { requireHostKeys } from "./host_keys.ts"
import { type ClusterNode, requireNodes } from "./nodes.ts"
import { sshFailed } from "./ssh.ts"

export interface NodeOutcome {
  id: string
  roles: Role[]
  /** ssh's, which is the remote command's; 255 where the node could not be reached. */
  code: number
  stdout: string
  stderr: string
}

/** A line that a node printed. */
export interface NodeLine {
  id: string
  stream: "stdout" | "stderr"
  text: string
}

/** The running nodes that have one of these roles (`sw`, `dn,nm`), or with null all of them; throws Failed where there are none. */
export async function nodesWith(session: ClusterSession, roles: string | null): Promise<ClusterNode[]> {
  const nodes = await requireNodes(session)
  if (roles === null) return nodes
  const wanted = parseRoles(roles).roles
  const chosen = nodes.filter((node) => node.roles.some((role) => wanted.includes(role)))
  if (chosen.length > 0) return chosen
  throw new Failed("role", `no node of ${session.name} has the role ${wanted.join(" or ")}`)
}

/** So many connections are open at a time. */
const width = 16

/** Runs each node's ssh or scp, some at a time. `onLine` hears each line at once; the outcomes come in the order of the nodes. */
export async function runOnEach(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  commandFor: (node: ClusterNode) => readonly string[],
  onLine: (line: NodeLine) => void,
): Promise<NodeOutcome[]> {
  const outcomes: NodeOutcome[] = []
  const queue = [...nodes.entries()]
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, node] = next
      outcomes[index] = await runOn(session, node, commandFor(node), onLine)
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return outcomes
}

async function runOn(
  session: ClusterSession,
  node: ClusterNode,
  argv: readonly string[],
  onLine: (line: NodeLine) => void,
): Promise<NodeOutcome> {
  const { id, roles } = node
  try {
    await requireHostKeys(session, node)
    const finished = await session.deps.programs.run(argv, {
      onLine: (text, stream) => onLine({ id, stream, text }),
    })
    return { id, roles, ...finished }
  } catch (error) {
    if (session.deps.interrupt.aborted) throw error
    // A node that cannot be reached must not keep the others from being asked.
    onLine({ id, stream: "stderr", text: messageOf(error) })
    return { id, roles, code: sshFailed, stdout: "", stderr: messageOf(error) }
  }
}
