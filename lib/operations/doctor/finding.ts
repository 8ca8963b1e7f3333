/** What a check found: one line for the administrator, with what to do. */
import { messageOf, Refused } from "../../base/errors.ts"
import { adviceOn } from "./advice.ts"

export interface Finding {
  level: "ok" | "warning" | "error"
  /** What was looked at. */
  what: string
  /** What is. */
  found: string
  /** What to do about it; empty when all is well. */
  todo: string
}

export function ok(what: string, found: string): Finding {
  return { level: "ok", what, found, todo: "" }
}

export function warning(what: string, found: string, todo: string): Finding {
  return { level: "warning", what, found, todo }
}

export function failing(what: string, found: string, todo: string): Finding {
  return { level: "error", what, found, todo }
}

/**
 * A check that throws has found something, too, unless it is the caller who is refused. `todo` is what to do where the failure itself
 * does not say it.
 */
export async function attempt(
  what: string,
  todo: string,
  check: () => Finding[] | Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof Refused) throw error
    return [failing(what, messageOf(error), adviceOn(error, todo))]
  }
}

/** The worst level that occurs. */
export function worstOf(findings: Finding[]): Finding["level"] {
  if (findings.some(({ level }) => level === "error")) return "error"
  return findings.some(({ level }) => level === "warning") ? "warning" : "ok"
}
