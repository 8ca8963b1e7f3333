/** The lazy composition root: what an operation may need, opened at first use; a test replaces a field. */
import type { Clock } from "./base/time.ts"
import { systemClock } from "./host/clock.ts"

export interface Context {
  readonly tool: string
  readonly clock: Clock
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly interrupt: AbortSignal
  /** EC2_WRAPPERS_DEBUG=1, never behind the wrapper. */
  readonly debug: boolean
  close(): void
}

export function openContext(tool: string, interrupt: AbortSignal): Context {
  return {
    tool,
    interrupt,
    debug: process.env.EC2_WRAPPERS_DEBUG === "1",
    clock: systemClock,
    close() {},
  }
}
