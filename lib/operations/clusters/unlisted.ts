/** Waiting until AWS lists what was launched a moment ago: what is counted before that would be launched twice. */
import { plural } from "../../base/text.ts"
import { inOrder, type Role } from "../../decisions/clusters/roles.ts"
import type { ClusterSession } from "./deps.ts"
import { type JournalEntry, readJournal, underWayMs } from "./journal.ts"
import { type ClusterNode, findNodes } from "./nodes.ts"
import { invisibleMs, pause, waitingFrom } from "./wait.ts"

/** Returns once all is listed, or after as long as AWS may take: what is not there by then is gone. */
export async function waitUntilListed(session: ClusterSession, timeoutMs: number): Promise<void> {
  const { deps, name: cluster } = session
  const since = deps.clock.now()
  const waiting = waitingFrom(deps, timeoutMs)
  const entries = recentEntries(session)
  while (entries.length > 0 && deps.clock.now() - since <= invisibleMs) {
    // With the terminated ones, which are listed too.
    const unlisted = countUnlisted(entries, await findNodes(session, { terminated: true }))
    if (unlisted === 0) return
    await pause(deps, waiting, 1, `AWS to list ${plural(unlisted, "instance")} more of ${cluster}`)
  }
}

/** What ec2-run has launched a moment ago and AWS does not list yet. */
export function unlistedIds(session: ClusterSession, listed: readonly ClusterNode[]): string[] {
  return answeredIds(recentEntries(session)).filter((id) => listed.every((node) => node.id !== id))
}

function recentEntries(session: ClusterSession): JournalEntry[] {
  const { deps } = session
  const since = deps.clock.now() - underWayMs
  return readJournal(session).filter(({ askedAtUtcMs }) => askedAtUtcMs > since)
}

const answeredIds = (entries: readonly JournalEntry[]) => [
  ...new Set(entries.flatMap(({ ids }) => ids ?? [])),
]

function countUnlisted(entries: readonly JournalEntry[], nodes: readonly ClusterNode[]): number {
  const answered = new Set(answeredIds(entries))
  const listed = new Set(nodes.map(({ id }) => id))
  let unlisted = [...answered].filter((id) => !listed.has(id)).length
  for (const [roles, { count, askedAtUtcMs }] of lastUnanswered(entries)) {
    const fresh = nodes.filter(
      (node) =>
        !answered.has(node.id) &&
        rolesOf(node) === roles &&
        // By AWS's clock, which need not be ours.
        node.launchedAtUtcMs > askedAtUtcMs - invisibleMs,
    )
    // AWS launches all of a request or nothing. Where it lists nothing, the same token tells.
    if (fresh.length > 0) unlisted += Math.max(0, count - fresh.length)
  }
  return unlisted
}

/** By roles. One before it was refused, or is what this one asks for again. */
function lastUnanswered(entries: readonly JournalEntry[]): Map<string, JournalEntry> {
  return new Map(entries.filter(({ ids }) => ids === null).map((entry) => [rolesOf(entry), entry]))
}

const rolesOf = ({ roles }: { roles: Role[] }) => inOrder(roles).join()
