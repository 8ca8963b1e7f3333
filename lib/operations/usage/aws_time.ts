/** What time it is by AWS's clock: what EC2 dates is held against it, and the host's clock may be wrong. */

import type { Aws } from "../../aws/interfaces.ts"
import { type Clock, earliestOf, later, type UtcMs } from "../../base/time.ts"
import type { Observation } from "../../decisions/usage/observations.ts"

interface Clocks {
  aws: Pick<Aws, "clockOffsetMs">
  clock: Clock
}

/** The host's clock, put right by what AWS last said. */
export function awsNow({ aws, clock }: Clocks): UtcMs {
  return later(clock.now(), aws.clockOffsetMs() ?? 0)
}

/** How well the offset of a wrong clock is known: AWS tells the time to the second. */
const offsetMarginMs = 1000

/** A look that began at `begunUtcMs` by the host's clock, when AWS may not have said its time yet, and ends now. */
export function observationSince({ aws, clock }: Clocks, begunUtcMs: UtcMs): Observation {
  const offsetMs = aws.clockOffsetMs() ?? 0
  const marginMs = offsetMs === 0 ? 0 : offsetMarginMs
  const endedUtcMs = clock.now()
  return {
    fromUtcMs: later(earliestOf(begunUtcMs, endedUtcMs), offsetMs - marginMs),
    toUtcMs: later(endedUtcMs, offsetMs + marginMs),
    previousUtcMs: null,
  }
}
