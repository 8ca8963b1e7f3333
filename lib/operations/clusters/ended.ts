/** How a launch that is under way hears that its cluster was ended by another command: it launches nothing more then. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { messageOf } from "../../base/errors.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, writeText } from "./files.ts"

/** Whether the cluster was ended since this was called. */
export function endingsFrom(session: ClusterSession): () => boolean {
  const path = clusterFile(session, "ended")
  const before = readText(path)
  return () => readText(path) !== before
}

/** Tells a launch that is under way that its cluster is ended. */
export function tellEnding(session: ClusterSession): void {
  const { deps } = session
  const path = clusterFile(session, "ended")
  // Who launches makes the directory first of all.
  if (!existsSync(dirname(path))) return
  try {
    writeText(path, `${crypto.randomUUID()}\n`)
  } catch (error) {
    // A full disk must keep nobody from ending a cluster.
    deps.terminal.warn(messageOf(error))
  }
}
