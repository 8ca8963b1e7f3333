/** Asks CloudTrail, in each region of the course, what was done in the account, and which row of the audit log explains it. */
import type { Aws } from "../../aws/interfaces.ts"
import type { TrailAct } from "../../aws/record_interfaces.ts"
import type { Config } from "../../base/config.ts"
import { matchesGlob } from "../../base/login.ts"
import { type Clock, later, latestOf, msPerDay, msPerMinute, type UtcMs } from "../../base/time.ts"
import { joinActs, type NamedRequest, requestIdsIn, reservationIn } from "../../decisions/audit/acts.ts"
import type { AuditEntry } from "../../decisions/audit/chain.ts"

export interface ExplainedActs {
  sinceUtcMs: UtcMs
  untilUtcMs: UtcMs
  explained: number
  withoutAct: NamedRequest[]
  /** By nobody of the course's students. */
  unexplained: TrailAct[]
  /** With a student's own credentials, which the student policy allows. */
  ofStudents: TrailAct[]
}

/** How far back CloudTrail's event history goes, and within what time an act is in it. */
const historyMs = 90 * msPerDay
const lagMs = 20 * msPerMinute
/** Where IAM and other services without a region have their events. */
const globalRegion = "us-east-1"

/** What the rows name; give it every row. */
export function namedRequests() {
  const requests: NamedRequest[] = []
  const reservations = new Set<string>()
  let firstUtcMs: UtcMs | null = null
  return {
    add({ rowNo, atUtcMs, message }: AuditEntry & { rowNo: number }): void {
      firstUtcMs ??= atUtcMs
      for (const requestId of requestIdsIn(message)) requests.push({ requestId, rowNo, atUtcMs })
      const reservation = reservationIn(message)
      if (reservation) reservations.add(reservation)
    },
    requests,
    reservations,
    firstUtcMs: () => firstUtcMs,
  }
}

/** From the first row on, or `sinceUtcMs` where that is later; at most 90 days. */
export async function explainActs(
  { config, aws, clock }: { config: Config; aws: Aws; clock: Clock },
  named: ReturnType<typeof namedRequests>,
  sinceUtcMs: UtcMs | null,
): Promise<ExplainedActs> {
  const untilUtcMs = clock.now()
  const fromUtcMs = latestOf(
    later(untilUtcMs, -historyMs),
    sinceUtcMs ?? named.firstUtcMs() ?? untilUtcMs,
    named.firstUtcMs() ?? untilUtcMs,
  )
  const acts: TrailAct[] = []
  for (const region of new Set([...config.aws.regions, globalRegion])) {
    const trail = await aws.cloudTrail(region)
    for await (const page of trail.acts(fromUtcMs, untilUtcMs)) acts.push(...page)
  }
  const joined = joinActs(acts, named.requests, named.reservations, [fromUtcMs, later(untilUtcMs, -lagMs)])
  const isOfStudent = ({ login }: TrailAct) => matchesGlob(config.course.accounts, login)
  return {
    sinceUtcMs: fromUtcMs,
    untilUtcMs,
    explained: joined.explained,
    withoutAct: joined.withoutAct,
    unexplained: joined.unexplained.filter((act) => !isOfStudent(act)),
    ofStudents: joined.unexplained.filter(isOfStudent),
  }
}
