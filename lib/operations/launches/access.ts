/** Who may launch, restart and extend at all. */
import { Failed, Refused } from "../../base/errors.ts"
import { didYouMean } from "../../base/nearest.ts"
import { quoted } from "../../base/text.ts"
import { duration, isoUtc, msPerMinute } from "../../base/time.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { keyNameOf } from "../../decisions/identities/key_name.ts"
import { attemptToken, type PlannedAttempt } from "../../decisions/launches/capacity.ts"
import { sendWithinMs } from "../../decisions/launches/settlement.ts"
import { requireAgreedConfig, requireNoSetback } from "../installation/agreed_config.ts"
import { requireOwnCourse } from "../installation/course_mark.ts"
import { requireMember, whyNotEnrolled } from "../roster/access.ts"
import type { LaunchDeps } from "./deps.ts"

/** Throws Refused unless the caller may launch with a key; returns the key's full name. */
export function requireAccess(deps: LaunchDeps, asked: string): string {
  const { caller, usersDb } = deps
  requireHasKeys(deps)
  const keyName = keyNameOf(caller.login, asked)
  if (usersDb.sshKeys.get(caller.login, keyName)) return keyName
  const own = usersDb.sshKeys.ofUser(caller.login).map((key) => key.name)
  throw new Refused(
    "key",
    `${quoted(keyName)} is not a key of ${caller.login}${didYouMean(keyName, own)} (ec2-util --list shows them)`,
  )
}

/** Throws Refused unless the caller is an account of the course, with access keys where it is not one with sessions. */
export function requireHasKeys(deps: LaunchDeps): void {
  const { caller, config, usersDb } = deps
  requireMember(deps)
  if (credentialModeOf(config, caller.login) === "sessions") return
  if (usersDb.accessKeys.ofUser(caller.login).length > 0) return
  throw new Refused("caller", `${caller.login} has no access keys; ec2-util --init makes them`)
}

/** Throws Refused where the course is another installation's; asks AWS once an hour. */
export const requireOwnInstallation = requireOwnCourse

/** Throws Refused where the course is frozen, the caller suspended, or this host's config another than the other hosts'; inside the admission's transaction. */
export function requireNotHalted(
  { usageDb, config, clock }: Pick<LaunchDeps, "usageDb" | "config" | "clock">,
  login: string,
): void {
  requireAgreedConfig({ usageDb, config, clock })
  requireNoSetback({ usageDb, config })
  const freeze = usageDb.freezes.current()
  if (freeze) {
    throw new Refused(
      config.course.name,
      `is frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy}: ${freeze.reason}`,
    )
  }
  const suspension = usageDb.suspensions.current(login, config.course.termStartUtcMs)
  if (suspension) {
    throw new Refused(
      login,
      `is suspended since ${isoUtc(suspension.suspendedAtUtcMs)} by ${suspension.suspendedBy}: ${suspension.reason}`,
    )
  }
  const unenrolled = whyNotEnrolled({ usageDb, config }, login)
  if (unenrolled !== null)
    throw new Refused(login, `may launch nothing: ${unenrolled}, see your course's staff`)
}

/** On a ledger of several hosts, what is sent and what is reserved go by one clock, which must be AWS's as far as this. */
const mostApartMs = msPerMinute

/**
 * The last moment before AWS is asked: a process that was held up since its admission (Ctrl-Z will do) must not launch for somebody
 * who has been suspended meanwhile, nor what another host has given back. Marks the reservation as sent, writes the `attempt` of a launch, and returns how long AWS may be
 * asked (see Aws.guarded); or gives it back and throws Refused, or Failed where the connection to the ledger was lost since the admission.
 */
export function markSent(
  deps: Pick<LaunchDeps, "usageDb" | "config" | "clock" | "audit" | "aws">,
  { id, login }: Pick<NewReservation, "id" | "login">,
  attempt?: PlannedAttempt,
): () => boolean {
  const { usageDb, clock, audit, aws } = deps
  const refusal = usageDb.transaction(
    () => {
      try {
        requireNotHalted(deps, login)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        usageDb.reservations.finish(id, "released", error.message, clock.now())
        return error
      }
      const aheadMs = -(aws.clockOffsetMs() ?? 0)
      if (usageDb.engine === "postgres" && Math.abs(aheadMs) > mostApartMs) {
        usageDb.reservations.finish(id, "released", "wrong clock", clock.now())
        const how = `${duration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"}`
        return new Failed(
          "ledger",
          `the database's clock is ${how} AWS's; set it by NTP, nothing is launched until then`,
        )
      }
      if (!usageDb.presence.isHeld(id)) {
        usageDb.reservations.finish(id, "released", "the connection was lost", clock.now())
        return new Failed("ledger", "the connection to the database was lost before AWS was asked; try again")
      }
      if (usageDb.reservations.sent(id, clock.now())) {
        if (attempt) {
          const clientToken = attemptToken(id, attempt.number)
          usageDb.attempts.add({ ...attempt, reservationId: id, clientToken, sentAtUtcMs: clock.now() })
        }
        return null
      }
      return new Failed("ledger", "the reservation was given back while this run was held up; try again")
    },
    () => requireNotHalted(deps, login),
  )
  if (refusal === null) return sendingAllowed(deps, id)
  audit.record(login, `${id} not sent: ${refusal.message}`)
  throw refusal
}

/**
 * Whether AWS may still be asked, from now on. Two clocks: one stands still while the machine is suspended, the other may be set. On a
 * ledger of several hosts the lock must be there, too.
 */
function sendingAllowed(
  { usageDb, clock }: Pick<LaunchDeps, "usageDb" | "clock">,
  id: string,
): () => boolean {
  const [since, sinceUtcMs] = [performance.now(), clock.now()]
  return () => {
    const heldUpMs = Math.max(performance.now() - since, clock.now() - sinceUtcMs)
    return heldUpMs <= sendWithinMs && usageDb.presence.isHeld(id)
  }
}
