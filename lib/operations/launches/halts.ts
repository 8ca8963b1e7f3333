/** Who may launch nothing now: the whole course, or single logins. */
import type { Config } from "../../base/config.ts"
import type { Freeze } from "../../db/enforcement/freezes.ts"
import type { Suspension } from "../../db/identities/suspensions.ts"
import type { UsageDb } from "../../db/usage_db.ts"

export interface Halts {
  /** Of the whole course; null where it is not frozen. */
  freeze: Freeze | null
  /** Of this term, by login. */
  suspensions: Suspension[]
}

/** `login`: the course's freeze and this login's suspension only; null: everybody's. */
export function haltsNow(
  { usageDb, config }: { usageDb: UsageDb; config: Pick<Config, "course"> },
  login: string | null,
): Halts {
  return {
    freeze: usageDb.freezes.current(),
    suspensions: usageDb.suspensions
      .all(config.course.termStartUtcMs)
      .filter((suspension) => login === null || suspension.login === login),
  }
}
