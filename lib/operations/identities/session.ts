/**
 * A login's session of the students' role: the recorded one while it lasts, else a new one of AWS's. However many ask at once, AWS
 * is asked once. A session is recorded before it is handed out, and handed out only after a last look at what forbids it.
 */
import type { SessionCredentials } from "../../aws/interfaces.ts"
import type { Outcome } from "../../aws/outcome.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { earliestOf, isoUtc, later, msPerHour, msPerMinute, msPerSecond } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import type { SessionRow } from "../../db/identities/sessions.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { accountOfArn, policyText } from "../../decisions/identities/policy_document.ts"
import { wholeSecondAfter } from "../../decisions/identities/session_denials.ts"
import { studentPolicy } from "../../decisions/identities/student_policy.ts"
import { isRoleSession, studentRoleArn, studentRoleName } from "../../decisions/identities/student_role.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { requireNotSuspended } from "./deps.ts"
import { whySessionRefused } from "./session_refusals.ts"

export interface SessionDeps
  extends Pick<Context, "config" | "clock" | "interrupt" | "audit" | "usersDb" | "aws"> {
  login: string
  /** Of the login: one that was given to somebody else has another. */
  uid: number
  /** Why the login is suspended; null where it is not. */
  suspension(): string | null
}

export interface SessionWanted {
  /** How much of the session must be left. */
  leastMs?: number
  /** Take none that was recorded longer ago. */
  recordedWithinMs?: number
}

/** A client that is given less would ask again before it has begun. */
const defaultLeastMs = 10 * msPerMinute
/** For so long a failure holds for whoever asks again: neither AWS nor the log is to be filled by a loop. */
const failureMs = 5 * msPerSecond

/**
 * The session to use now. Throws Refused where the login may have none, and Failed with one line that says whose turn it is where AWS
 * gives none.
 */
export async function currentSession(deps: SessionDeps, wanted: SessionWanted = {}): Promise<SessionRow> {
  requireMayHaveSession(deps)
  const recorded = usableSession(deps, wanted)
  if (recorded) return recorded
  const { config, login } = deps
  return withLoginLock(config.paths.dataDir, `${login} session`, deps, async () => {
    requireMayHaveSession(deps)
    const session = usableSession(deps, wanted) ?? (await newSession(deps))
    // Suspended, removed or changed while AWS was asked: whatever forbids it was recorded before it deletes what it finds here.
    try {
      requireMayHaveSession(deps)
    } catch (error) {
      deps.usersDb.sessions.remove(login)
      throw error
    }
    return session
  })
}

/** Throws Refused or Failed where this login has no sessions: another kind of credentials, no account, suspended. */
function requireMayHaveSession(deps: SessionDeps): void {
  const { config, login, usersDb } = deps
  if (credentialModeOf(config, login) !== "sessions") {
    if (usersDb.sessions.endOf(login) !== null) usersDb.sessions.remove(login)
    throw new Refused(
      "credentials",
      `${login} has an access key instead of sessions; ec2-util --init writes it into your home`,
    )
  }
  requireNotSuspended(deps)
  if (usersDb.users.get(login) === null) {
    throw new Failed("credentials", `${login} has no account yet; ec2-util --init makes it`)
  }
}

/** The recorded session if it may be handed out; ended ones are forgotten on the way. */
function usableSession(
  deps: SessionDeps,
  { leastMs = defaultLeastMs, recordedWithinMs = Number.POSITIVE_INFINITY }: SessionWanted,
): SessionRow | null {
  const { usersDb, clock, login } = deps
  const session = usersDb.sessions.get(login, bindingOf(deps))
  if (session === null || session.endsAtUtcMs - clock.now() <= leastMs) return null
  const ageMs = clock.now() - session.recordedAtUtcMs
  // Negative: the host's clock was set back, and tells nothing of the session's end.
  if (ageMs < 0 || ageMs > recordedWithinMs) return null
  const deniedBefore = usersDb.endedSessions.before(login)
  return deniedBefore !== null && session.issuedAtUtcMs < wholeSecondAfter(deniedBefore) ? null : session
}

/**
 * A session that was issued in the second of a denial would be denied for all its life: waits until that second is over by AWS's
 * clock.
 */
async function pastDenials({ usersDb, clock, interrupt, aws, login }: SessionDeps): Promise<void> {
  const deniedBefore = usersDb.endedSessions.before(login)
  if (deniedBefore === null) return
  const waitMs = wholeSecondAfter(deniedBefore) - later(clock.now(), aws.clockOffsetMs() ?? 0)
  if (waitMs > 0 && waitMs <= longestWaitMs) await clock.sleep(waitMs, interrupt)
}

const longestWaitMs = 2 * msPerSecond

/** What a session holds for: it is no use to another uid or person of this login, nor under another policy. */
function bindingOf({ config, login, uid, usersDb }: SessionDeps): string {
  const { name, bucket, termStartUtcMs } = config.course
  const policy = policyText(studentPolicy({ partition: "", id: "" }, bucket, Object.keys(config.launch.tags)))
  const person = [termStartUtcMs, usersDb.users.get(login)?.createdAt]
  const parts = [login, uid, person, name, config.identity.sessionMs, policy]
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex")
}

/** Asks AWS, and records what it gives. */
async function newSession(deps: SessionDeps): Promise<SessionRow> {
  const { usersDb, clock, login } = deps
  const failure = usersDb.sessionFailures.get(login)
  const failedAgoMs = failure ? clock.now() - failure.failedAtUtcMs : Number.NaN
  if (failure && failedAgoMs >= 0 && failedAgoMs < failureMs) throw new Failed("credentials", failure.reason)
  try {
    const given = await assumed(deps)
    const now = clock.now()
    const offsetMs = deps.aws.clockOffsetMs() ?? 0
    const session: SessionRow = {
      login,
      boundTo: bindingOf(deps),
      accessKey: given.accessKeyId,
      secret: given.secretAccessKey,
      token: given.sessionToken,
      isChained: given.isChained ? 1 : 0,
      recordedAtUtcMs: now,
      issuedAtUtcMs: later(given.expiresAtUtcMs, -given.durationMs),
      // Never later than it can be, whatever end AWS's answer has.
      endsAtUtcMs: earliestOf(later(given.expiresAtUtcMs, -offsetMs), later(now, given.durationMs)),
      expiresAtUtcMs: given.expiresAtUtcMs,
    }
    usersDb.transaction(() => {
      usersDb.sessions.removeEnded(now)
      usersDb.sessionFailures.remove(login)
      usersDb.sessions.put(session)
    })
    return session
  } catch (error) {
    if (deps.interrupt.aborted) throw error
    const reason = whySessionRefused(error, studentRoleName(deps.config.course.name))
    noteFailure(deps, reason)
    throw new Failed("credentials", reason, { cause: error })
  }
}

/** A full disk takes no note of it, and must not hide the reason. */
function noteFailure({ usersDb, login, clock }: SessionDeps, reason: string): void {
  try {
    usersDb.sessionFailures.put(login, reason, clock.now())
  } catch {
    // the next caller finds out for itself
  }
}

/** AssumeRole, with its intent and outcome in the audit log. */
async function assumed(
  deps: SessionDeps,
): Promise<Outcome & SessionCredentials & { durationMs: number; isChained: boolean }> {
  const { audit, aws, config, login } = deps
  const sts = await aws.sts()
  const callerArn = await sts.callerArn()
  const role = studentRoleName(config.course.name)
  audit.requireRoom(login)
  // A session that came of a role's session lasts an hour; and the federation endpoint takes none that asked for a duration.
  const isChained = isRoleSession(callerArn)
  const durationMs = isChained ? msPerHour : config.identity.sessionMs
  await pastDenials(deps)
  audit.record(login, `identity: assume role ${role}`)
  try {
    const given = await sts.assumeRole({
      roleArn: studentRoleArn(accountOfArn(callerArn), config.course.name),
      sessionName: login,
      tags: { [tagOf.owner]: login },
      durationMs: isChained ? null : durationMs,
    })
    audit.record(
      login,
      `identity: done: assume role ${role}: session ${given.accessKeyId} until ${isoUtc(given.expiresAtUtcMs)} ` +
        `(request ${given.requestId || "unknown"})`,
    )
    return { ...given, durationMs, isChained }
  } catch (error) {
    audit.record(login, `identity: failed: assume role ${role}: ${messageOf(error)}`)
    throw error
  }
}
