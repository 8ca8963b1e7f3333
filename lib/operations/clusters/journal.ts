/**
 * What a launch has asked for so far, on disk before it is asked: after a crash or a lost reply, `--resume` asks again with the
 * same tokens, and gets the same instances instead of further ones.
 */
import * as v from "valibot"
import { msPerMinute } from "../../base/time.ts"
import type { Role } from "../../decisions/clusters/roles.ts"
import { isAlive } from "../../host/processes/process_identity.ts"
import type { ClusterSession } from "./deps.ts"
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
export function readJournal(session: ClusterSession): JournalEntry[] {
  const text = readText(clusterFile(session, "launch"))
  if (text === null) return []
  try {
    const entries: unknown = JSON.parse(text)
    return Array.isArray(entries) ? entries.filter((one) => v.is(entry, one)) : []
  } catch {
    return []
  }
}

/** Replaces the journal, on disk once this returns; throws Failed where it cannot be written. */
export function writeJournal(session: ClusterSession, entries: readonly JournalEntry[]): void {
  writeText(clusterFile(session, "launch"), `${JSON.stringify(entries, null, 1)}\n`)
}

/** How many nodes are being launched just now, also for who was killed meanwhile. */
export function countComing(session: ClusterSession): number {
  return readJournal(session)
    .filter(({ ids, launcher }) => ids === null && launcher && isAlive(launcher, { anybodys: true }))
    .reduce((sum, { count }) => sum + count, 0)
}

/** Where nothing is resumed: what was asked a moment ago may still come, so the same request keeps its token. */
export function forgetSettled(session: ClusterSession): void {
  const { deps } = session
  const since = deps.clock.now() - underWayMs
  const open = readJournal(session).filter(({ ids, askedAtUtcMs }) => ids === null && askedAtUtcMs > since)
  if (open.length > 0) writeJournal(session, open)
  else removeJournal(session)
}

/** Forgets every request: all of the launch is done. */
export function removeJournal(session: ClusterSession): void {
  removeFile(clusterFile(session, "launch"))
}
