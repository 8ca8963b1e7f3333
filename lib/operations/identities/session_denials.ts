/** The denials of the students' role, brought to what the databases say. See lib/decisions/identities/session_denials.ts. */
import { hasCode } from "../../aws/protocol/errors.ts"
import { later, msPerMinute } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import { credentialModeOf, usesMode } from "../../decisions/identities/credential_mode.ts"
import { isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { type SessionDenials, sessionDenials } from "../../decisions/identities/session_denials.ts"
import { studentPolicyName } from "../../decisions/identities/student_policy.ts"
import { denialPolicyName, rolePolicyRoom, studentRoleName } from "../../decisions/identities/student_role.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"

export type DenialDeps = Pick<
  Context,
  "config" | "clock" | "interrupt" | "audit" | "usersDb" | "usageDb" | "aws"
>

/** No login has a blank in it. */
const lockName = "denials of sessions"
/** Clocks may differ, and AWS's ends are to the second. */
const marginMs = 5 * msPerMinute

/**
 * Notes that what AWS has issued to a login so far is to be denied, and forgets its session. Committed at once: from then on no tool
 * hands that session out. `writeDenials` tells AWS.
 */
export function endSessionsOf({ config, clock, usersDb, aws }: DenialDeps, login: string): void {
  const now = clock.now()
  usersDb.transaction(() => {
    if (!sessionsMayLive({ config, clock, usersDb })) return
    const longestMs = Math.max(config.identity.sessionMs, longestLeft({ usersDb, clock }, login))
    usersDb.sessions.remove(login)
    usersDb.endedSessions.put({
      login,
      issuedBeforeUtcMs: later(now, aws.clockOffsetMs() ?? 0),
      keptUntilUtcMs: later(now, longestMs + marginMs),
    })
  })
}

/** Ends what AWS has issued, for whoever removes accounts: many at once, and then AWS is told once. */
export interface SessionEnder {
  /** See endSessionsOf. */
  end(login: string): void
  /** See writeDenials. */
  deny(): Promise<void>
}

export function sessionEnder(deps: DenialDeps, actor: string): SessionEnder {
  return {
    end: (login) => endSessionsOf(deps, login),
    deny: async () => void (await writeDenials(deps, actor)),
  }
}

/** Whether anybody may hold a session of the role: a course that never used sessions asks AWS about no role. */
export function sessionsMayLive({
  config,
  clock,
  usersDb,
}: Pick<DenialDeps, "config" | "clock" | "usersDb">): boolean {
  return (
    usesMode(config, "sessions") ||
    usersDb.sessions.logins().length > 0 ||
    usersDb.endedSessions.current(clock.now()).length > 0
  )
}

/**
 * Brings the role's denials to what the databases say; true where that took a change. One at a time: two that read before either
 * wrote would lose one's login. AWS needs seconds, sometimes minutes, until it is so everywhere.
 */
export async function writeDenials(deps: DenialDeps, actor: string): Promise<boolean> {
  const { config, usersDb, clock, audit, aws } = deps
  for (const login of usersDb.sessions.logins())
    if (credentialModeOf(config, login) !== "sessions") usersDb.sessions.remove(login)
  if (!sessionsMayLive(deps)) return false
  return withLoginLock(config.paths.dataDir, lockName, deps, async () => {
    const iam = await aws.iam()
    const role = studentRoleName(config.course.name)
    const shared = await policyOf(role, studentPolicyName)
    if (shared === undefined) return false
    const found = await policyOf(role, denialPolicyName)
    const { document, everybodyBeforeUtcMs } = wantedDenials(deps, shared ?? "")
    // Before AWS is told: no tool may hand out a session that is about to be denied.
    if (everybodyBeforeUtcMs !== null) {
      const keptUntilUtcMs = later(clock.now(), config.identity.sessionMs + marginMs)
      usersDb.endedSessions.put({ login: "", issuedBeforeUtcMs: everybodyBeforeUtcMs, keptUntilUtcMs })
    }
    if (document === null ? found === null : isSamePolicy(found ?? null, policyText(document))) return false
    audit.record(actor, `sessions: write policy ${denialPolicyName} of role ${role}`)
    const { requestId } = await (document === null
      ? iam.deleteRolePolicy(role, denialPolicyName)
      : iam.putRolePolicy(role, denialPolicyName, policyText(document)))
    audit.record(
      actor,
      `sessions: done: write policy ${denialPolicyName} (request ${requestId || "unknown"})`,
    )
    return true

    /** Null: none of that name; undefined: no such role, or we may not know of any. */
    async function policyOf(name: string, policy: string): Promise<string | null | undefined> {
      try {
        return (await iam.rolePolicy(name, policy)) ?? ((await iam.role(name)) ? null : undefined)
      } catch (error) {
        if (hasCode(error, "AccessDenied") && !usesMode(config, "sessions")) return undefined
        throw error
      }
    }
  })
}

/** The denials as they should be, beside a shared policy of that text. */
export function wantedDenials(
  { config, clock, usersDb, usageDb }: Pick<DenialDeps, "config" | "clock" | "usersDb" | "usageDb">,
  shared: string,
): SessionDenials {
  const suspended = usageDb.suspensions
    .all(config.course.termStartUtcMs)
    .toSorted((a, b) => b.suspendedAtUtcMs - a.suspendedAtUtcMs)
    .map(({ login }) => login)
  const all = usersDb.endedSessions.current(clock.now())
  const room = rolePolicyRoom - shared.replace(/\s/g, "").length
  return sessionDenials(
    suspended,
    all.filter(({ login }) => login !== ""),
    room,
  )
}

/** How long the session of a login that was issued with another `session_hours` has left, at most. */
function longestLeft({ usersDb, clock }: Pick<DenialDeps, "usersDb" | "clock">, login: string): number {
  const endsAtUtcMs = usersDb.sessions.endOf(login)
  return endsAtUtcMs === null ? 0 : endsAtUtcMs - clock.now()
}
