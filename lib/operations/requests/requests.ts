/** Asking for more and answering: rows in the ledger, audited, and told to the student. */
import type { Config } from "../../base/config.ts"
import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { isoUtc, later, msPerDay, type UtcMs } from "../../base/time.ts"
import type { LimitRequest } from "../../db/requests/limit_requests.ts"
import { type LimitAsked, limitText } from "../../decisions/requests/limit_request.ts"
import type { Caller } from "../../host/caller/caller.ts"
import type { Notifier } from "../../host/people/notifier.ts"
import type { LaunchDeps } from "../launches/deps.ts"

export type AskDeps = Pick<LaunchDeps, "caller" | "usageDb" | "audit" | "clock">

export interface AnswerDeps extends AskDeps {
  readonly config: Config
  readonly notifier: Notifier
}

/** More would let one student fill staff's channel. */
const mostADay = 5

/** Returns the request's id. Throws Refused where one is open. */
export function askForMore(deps: AskDeps, asked: LimitAsked, reason: string): number {
  const { caller, usageDb, audit, clock } = deps
  const { login } = caller
  audit.requireRoom(login)
  const id = usageDb.transaction(() => {
    const nowUtcMs = clock.now()
    const open = usageDb.limitRequests.openOf(login)
    if (open)
      throw new Refused("request", `${describe(open)} is open; ec2-util --request withdraw takes it back`)
    if (usageDb.limitRequests.countSince(login, later(nowUtcMs, -msPerDay)) >= mostADay)
      throw new Refused(
        "request",
        `${plural(mostADay, "request")} within a day are enough; ask your course's staff`,
      )
    const id = usageDb.limitRequests.add({ login, ...asked, reason, createdAtUtcMs: nowUtcMs })
    const text = `${login} asks for ${limitText(asked)} (request ${id}): ${reason}`
    usageDb.messages.add({ about: `request ${id}`, topic: "requests", text, createdAtUtcMs: nowUtcMs })
    return id
  })
  audit.record(login, `request ${id}: ${limitText(asked)}: ${reason}`)
  return id
}

/** Returns what was withdrawn. Throws Refused where nothing is open. */
export function withdrawRequest({ caller, usageDb, audit, clock }: AskDeps): LimitRequest {
  const { login } = caller
  const open = usageDb.transaction(() => {
    const request = usageDb.limitRequests.openOf(login)
    if (!request) throw new Refused("request", "none is open")
    const decidedAtUtcMs = clock.now()
    usageDb.limitRequests.decide(request.id, {
      state: "withdrawn",
      decidedBy: login,
      decidedAtUtcMs,
      answer: null,
    })
    return request
  })
  audit.record(login, `request ${open.id} withdrawn`)
  return open
}

export interface Granting {
  endsAtUtcMs: UtcMs
  /** Null: as it was asked for. */
  amount: number | null
}

/** Grants a request. Throws Refused where it is answered already, or the caller's own. */
export async function grantRequest(
  deps: AnswerDeps,
  id: number,
  { endsAtUtcMs, amount }: Granting,
): Promise<string> {
  const { usageDb, clock, audit, caller } = deps
  const nowUtcMs = clock.now()
  if (endsAtUtcMs <= nowUtcMs) throw new UsageError("options", `the end ${isoUtc(endsAtUtcMs)} has passed`)
  audit.requireRoom(caller.login)
  const { request, given } = usageDb.transaction(() => {
    const request = answerable(deps, id)
    const given = { limit: request.limit, amount: amount ?? request.amount }
    decide(deps, request, "granted", `until ${isoUtc(endsAtUtcMs)}`)
    usageDb.grants.add({
      ...{ requestId: id, login: request.login, ...given, grantedBy: actorOf(caller) },
      ...{ beginsAtUtcMs: nowUtcMs, endsAtUtcMs },
    })
    return { request, given }
  })
  const text = `request ${id} is granted: ${limitText(given)} until ${isoUtc(endsAtUtcMs)}`
  audit.record(caller.login, `${text}, to ${request.login} by ${actorOf(caller)}`)
  await tell(deps, request.login, text)
  return `${request.login}: ${text}`
}

/** Throws Refused where it is answered already. */
export async function denyRequest(deps: AnswerDeps, id: number, answer: string): Promise<string> {
  const { usageDb, audit, caller } = deps
  audit.requireRoom(caller.login)
  const request = usageDb.transaction(() => {
    const request = answerable(deps, id)
    decide(deps, request, "denied", answer)
    return request
  })
  const text = `request ${id} (${limitText(request)}) is denied${answer === "" ? "" : `: ${answer}`}`
  audit.record(caller.login, `${text}, to ${request.login} by ${actorOf(caller)}`)
  await tell(deps, request.login, text)
  return `${request.login}: ${text}`
}

/** Ends a grant early: what was admitted runs to its lease's end. */
export async function endGrant(deps: AnswerDeps, id: number): Promise<string> {
  const { usageDb, clock, audit, caller } = deps
  audit.requireRoom(caller.login)
  const grant = usageDb.transaction(() => {
    const grant = usageDb.grants.get(id)
    if (!grant) throw new Refused("grant", `${id} does not exist; requests list shows them`)
    if (!usageDb.grants.end(id, clock.now())) throw new Refused("grant", `${id} has ended`)
    return grant
  })
  const text = `grant ${id} of ${limitText(grant)} has ended`
  audit.record(caller.login, `${text}, of ${grant.login} by ${actorOf(caller)}`)
  await tell(deps, grant.login, text)
  return `${grant.login}: ${text}`
}

/** Inside the transaction of the answer. */
function answerable({ usageDb, caller }: AnswerDeps, id: number): LimitRequest {
  const request = usageDb.limitRequests.get(id)
  if (!request) throw new Refused("request", `${id} does not exist; requests list shows them`)
  if (request.state !== "open")
    throw new Refused("request", `${id} is ${request.state} by ${request.decidedBy ?? "somebody"}`)
  if ([caller.login, caller.sudoLogin].includes(request.login))
    throw new Refused("request", `${id} is ${request.login}'s own; somebody else of the staff answers it`)
  return request
}

function decide(
  { usageDb, clock, caller }: AnswerDeps,
  { id }: LimitRequest,
  state: "granted" | "denied",
  answer: string,
): void {
  const decided = { state, decidedBy: actorOf(caller), decidedAtUtcMs: clock.now(), answer }
  if (!usageDb.limitRequests.decide(id, decided))
    throw new Failed("request", `${id} could not be answered; try again`)
}

function actorOf({ login, sudoLogin }: Caller): string {
  return sudoLogin === undefined || sudoLogin === login ? login : `${login} (${sudoLogin})`
}

/** By the next of our tools that the student runs, and by mail and `write` where these work. */
async function tell({ usageDb, clock, notifier }: AnswerDeps, login: string, text: string): Promise<void> {
  const nowUtcMs = clock.now()
  usageDb.transaction(() =>
    usageDb.notices.add({
      ...{ login, about: text, text: `Your ${text}` },
      ...{ createdAtUtcMs: nowUtcMs, expiresAtUtcMs: later(nowUtcMs, 14 * msPerDay) },
    }),
  )
  await notifier.tell(login, "Your request", `Your ${text}`)
}

export function describe(request: Pick<LimitRequest, "id" | "limit" | "amount">): string {
  return `request ${request.id} (${limitText(request)})`
}
