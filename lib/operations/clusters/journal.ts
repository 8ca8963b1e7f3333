/**
 * What a launch has asked for so far, on disk before it is asked: after a crash or a lost reply, `--resume` asks again with the
 * same tokens, and gets the same instances instead of further ones.
 */
import * as v from "valibot"
import { msPerMinute } from "../../base/time.ts"
import type { Role } from "../../decisions/clusters/roles.ts"
import { isAlive } from "../../host/processes/process_identity.ts"
import type { ClusterDeps } from "./deps.ts"
import { clusterFile, readText, removeFile, writeText } from "./files.ts"

const entry = v.object({
  token: v.string(),
  roles: v.array(v.custom<Role>((role) => typeof role === "string")),
  count: v.number(),
  /** The digest of the request: a changed one needs a new token. */
  digest: v.string(),
  /** Null until ec2-run has answered. */
  ids: v.nullable(v.array(v.string())),
  askedAtUtcMs: v.number(),
  /** ec2-run, which outlives us; absent until it has started. */
  launcher: v.exactOptional(v.string()),
})
export type JournalEntry = v.InferOutput<typeof entry>

/** So long ec2-run, which outlives us, may go on with what it was asked. */
export const underWayMs = 15 * msPerMinute

/** What is no entry is left out: the file is the student's to edit. */
export function readJournal(deps: ClusterDeps, cluster: string): JournalEntry[] {
  const text = readText(clusterFile(deps, cluster, "launch"))
  if (text === null) return []
  try {
    const entries: unknown = JSON.parse(text)
    return Array.isArray(entries) ? entries.filter((one) => v.is(entry, one)) : []
  } catch {
    return []
  }
}

export function writeJournal(deps: ClusterDeps, cluster: string, entries: readonly JournalEntry[]): void {
  writeText(clusterFile(deps, cluster, "launch"), `${JSON.stringify(entries, null, 1)}\n`)
}

/** How many nodes are being launched just now, also for who was killed meanwhile. */
export function countComing(deps: ClusterDeps, cluster: string): number {
  return readJournal(deps, cluster)
    .filter(({ ids, launcher }) => ids === null && launcher && isAlive(launcher, { anybodys: true }))
    .reduce((sum, { count }) => sum + count, 0)
}

/** Where nothing is resumed: what was asked a moment ago may still come, so the same request keeps its token. */
export function forgetSettled(deps: ClusterDeps, cluster: string): void {
  const since = deps.clock.now() - underWayMs
  const open = readJournal(deps, cluster).filter(
    ({ ids, askedAtUtcMs }) => ids === null && askedAtUtcMs > since,
  )
  if (open.length > 0) writeJournal(deps, cluster, open)
  else removeJournal(deps, cluster)
}

export function removeJournal(deps: ClusterDeps, cluster: string): void {
  removeFile(clusterFile(deps, cluster, "launch"))
}
