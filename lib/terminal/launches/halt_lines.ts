/** Who is frozen: since when, by whom and why. */
import { escapeControls } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { Halts } from "../../operations/launches/halts.ts"

/** A line for the course, where it is frozen, and one for each suspended login; none where nobody is halted. */
export function haltedLines(course: string, { freeze, suspensions }: Halts): string[] {
  return [
    ...(freeze
      ? [
          `${course} is frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy}: ${escapeControls(freeze.reason)}`,
        ]
      : []),
    ...suspensions.map(
      ({ login, suspendedAtUtcMs, suspendedBy, reason }) =>
        `${login} is suspended since ${isoUtc(suspendedAtUtcMs)} by ${suspendedBy}: ${escapeControls(reason)}`,
    ),
  ]
}

/** The same, and a line that says so where nobody is halted. */
export function statusLines(course: string, login: string | null, halts: Halts): string[] {
  const lines = haltedLines(course, halts)
  if (lines.length > 0) return lines
  return [login === null ? `${course} is not frozen, nobody is suspended` : `${login} is not suspended`]
}

export function statusJson({ freeze, suspensions }: Halts): object {
  return {
    frozen: freeze && {
      since: isoUtc(freeze.frozenAtUtcMs),
      by: freeze.frozenBy,
      reason: freeze.reason,
    },
    suspended: suspensions.map(({ login, suspendedAtUtcMs, suspendedBy, reason, deactivatedKeys }) => ({
      user: login,
      since: isoUtc(suspendedAtUtcMs),
      by: suspendedBy,
      reason,
      inactive_keys: deactivatedKeys.length,
    })),
  }
}
