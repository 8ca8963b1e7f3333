/** What a sweep asks of an account: everything of a kind, whoever's it is, and the removal of one. */
import type { Leftover } from "../../decisions/sweep/leftover.ts"
import type { Outcome } from "../outcome.ts"

/** One listing of one service; each may fail by itself. */
export interface LeftoverListing {
  /** `volumes`, `load balancers`. */
  what: string
  list(): Promise<Leftover[]>
}

export interface Leftovers {
  readonly listings: LeftoverListing[]
  /** Removes one; throws AwsError where AWS refuses, and Failed for a kind that is not removed here. */
  remove(leftover: Pick<Leftover, "kind" | "id">): Promise<Outcome>
}
