/** What happened, one line a request: never a query, a cookie or another header. */

import { escapeControls } from "../../base/text.ts"
import type { UtcMs } from "../../base/time.ts"

export interface LogEntry {
  atUtcMs: UtcMs
  method: string
  /** Without the query, where tokens and names stand. */
  path: string
  status: number
  bytes: number
  tookMs: number
  /** Why it failed. */
  cause?: string
}

export function pathOf(url: string): string {
  const path = url.replace(/[?#].*$/s, "")
  return path.length > 300 ? `${path.slice(0, 300)}…` : path
}

export function logLine({ atUtcMs, method, path, status, bytes, tookMs, cause }: LogEntry): string {
  const facts = `${new Date(atUtcMs).toISOString()} ${method} ${path} ${status} ${bytes} B ${tookMs} ms`
  return escapeControls(cause === undefined ? facts : `${facts} (${cause})`)
}
