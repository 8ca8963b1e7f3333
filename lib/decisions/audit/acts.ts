/** What was done in the account by CloudTrail, joined to the audit log's rows by AWS's request ids. */
import type { UtcMs } from "../../base/time.ts"

/** What a row names: each, once AWS has answered, the ids of its requests. */
export interface NamedRequest {
  requestId: string
  rowNo: number
  atUtcMs: UtcMs
}

/** `launched …: i-1 (request ID)`, `… (requests ID, ID)`. */
export function requestIdsIn(message: string): string[] {
  const ids: string[] = []
  for (const [, list = ""] of message.matchAll(/\(requests? ([\w-]+(?:, [\w-]+)*)\)/g))
    ids.push(...list.split(", ").filter((id) => id !== "unknown"))
  return ids
}

/** The reservation of a launch's intent: it is the request's client token, by which a launch is explained whose reply was lost. */
export function reservationIn(message: string): string | null {
  return /^launch ([0-9a-f]{8}-[0-9a-f-]{27}): /.exec(message)?.[1] ?? null
}

interface Act {
  eventId: string
  atUtcMs: UtcMs
  requestId: string
  clientToken: string
}

export interface JoinedActs<T extends Act> {
  explained: number
  /** Acts that no row explains, the oldest first. */
  unexplained: T[]
  /** Requests of rows that CloudTrail does not have although it should by now, the oldest first. */
  withoutAct: NamedRequest[]
}

/** `judgedFromUtcMs` and `judgedToUtcMs`: of which rows CloudTrail has to have the act by now. */
export function joinActs<T extends Act>(
  acts: readonly T[],
  requests: readonly NamedRequest[],
  reservations: ReadonlySet<string>,
  [judgedFromUtcMs, judgedToUtcMs]: [from: UtcMs, to: UtcMs],
): JoinedActs<T> {
  const named = new Set(requests.map(({ requestId }) => requestId))
  const once = [...new Map(acts.map((act) => [act.eventId, act])).values()]
  const isExplained = ({ requestId, clientToken }: Act) =>
    (requestId !== "" && named.has(requestId)) || (clientToken !== "" && reservations.has(clientToken))
  const seen = new Set(once.map(({ requestId }) => requestId))
  return {
    explained: once.filter(isExplained).length,
    unexplained: once.filter((act) => !isExplained(act)).toSorted((a, b) => a.atUtcMs - b.atUtcMs),
    withoutAct: requests.filter(
      ({ requestId, atUtcMs }) =>
        atUtcMs >= judgedFromUtcMs && atUtcMs <= judgedToUtcMs && !seen.has(requestId),
    ),
  }
}
