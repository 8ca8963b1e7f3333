/** Whether a sweep may remove something: by the ledger's id and the tags that AWS shows now, never by a tag alone. */
import { tagOf } from "../../base/instance.ts"
import { duration, isoUtc, msPerHour, msPerMinute, type UtcMs } from "../../base/time.ts"
import type { Leftover } from "./leftover.ts"

/** `ours`: --apply removes it. `tagged`: --apply ID does. `kept`: nothing does. */
export type SweepVerdict = "ours" | "tagged" | "nobody's" | "kept"

export interface SweepEvidence {
  /** By the ledger's row of that id; null where it has none. */
  ledger: { login: string; createdAtUtcMs: UtcMs } | null
  /** Why its owner may still want it; null where its owner is gone. */
  whyWanted(login: string): string | null
  /** When a sweep first found it; null: only now. */
  firstSeenUtcMs: UtcMs | null
  isKept: boolean
  /** Why not all of its region could be listed; null where all was. */
  unlisted: string | null
}

export interface Judged {
  verdict: SweepVerdict
  /** "" is nobody's. */
  owner: string
  because: string
}

/** Copies, images and other installations carry our tags, too; the ledger's ids are of what was made through us. */
export function judgeLeftover(
  found: Leftover,
  evidence: SweepEvidence,
  course: string,
  nowUtcMs: UtcMs,
): Judged {
  const { ledger } = evidence
  const isTagged = found.tags[tagOf.course] === course
  const owner = found.tags[tagOf.owner] ?? ledger?.login ?? ""
  const judged = (verdict: SweepVerdict, because: string): Judged => ({ verdict, owner, because })
  if (!isTagged && !ledger)
    return { verdict: "nobody's", owner: "", because: "no tag of the course and no row of the ledger" }
  if (evidence.isKept) return judged("kept", "--keep")
  if (found.usedBy !== "") return judged("kept", `used by ${found.usedBy}`)
  const since = found.createdAtUtcMs ?? evidence.firstSeenUtcMs
  if (since === null) return judged("kept", "AWS does not say since when it is there; look again in an hour")
  if (nowUtcMs - since < youngMs)
    return judged("kept", `is ${duration(nowUtcMs - since)} old, less than an hour`)
  if (evidence.unlisted !== null)
    return judged("kept", `not all of ${found.region || "IAM"} could be listed: ${evidence.unlisted}`)
  const wanted = owner === "" ? null : evidence.whyWanted(owner)
  if (wanted !== null) return judged("kept", wanted)
  if (!isTagged) return judged("tagged", "the ledger has its id, but AWS shows no tag of the course")
  if (!ledger) return judged("tagged", "a tag of the course, and no row of the ledger")
  const apart = Math.abs((found.createdAtUtcMs ?? Number.POSITIVE_INFINITY) - ledger.createdAtUtcMs)
  if (apart > agreesMs) return judged("tagged", "the ledger has its id with another time of creation")
  return judged(
    "ours",
    `the ledger has it since ${isoUtc(ledger.createdAtUtcMs)}, its tags agree, and its owner is gone`,
  )
}

const youngMs = msPerHour
/** Clocks differ, and the ledger may have seen it a moment after AWS made it. */
const agreesMs = 10 * msPerMinute
