/** Who may launch, restart and extend at all. */
import { Refused } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { keyNameOf } from "../../decisions/identities/key_name.ts"
import { requireAccount } from "../../host/caller/caller.ts"
import type { LaunchDeps } from "./deps.ts"

/** Throws Refused unless the caller may launch with a key; returns the key's full name. */
export function requireAccess(deps: LaunchDeps, asked: string): string {
  const { caller, usersDb } = deps
  requireHasKeys(deps)
  const keyName = keyNameOf(caller.login, asked)
  if (!usersDb.sshKeys.get(caller.login, keyName)) {
    throw new Refused(
      "key",
      `${quoted(keyName)} is not a key of ${caller.login} (ec2-util --list shows them)`,
    )
  }
  return keyName
}

/** Throws Refused unless the caller is an account of the course, with access keys where it is not one with sessions. */
export function requireHasKeys({ caller, config, usersDb }: LaunchDeps): void {
  requireAccount(caller, config.course)
  if (credentialModeOf(config, caller.login) === "sessions") return
  if (usersDb.accessKeys.ofUser(caller.login).length > 0) return
  throw new Refused("caller", `${caller.login} has no access keys; ec2-util --init makes them`)
}

/** Throws Refused where the course is frozen or the caller suspended; inside the admission's transaction. */
export function requireNotHalted(
  { usageDb, config }: Pick<LaunchDeps, "usageDb" | "config">,
  login: string,
): void {
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
}

/**
 * The last moment before AWS is asked: a process that was held up since its admission (Ctrl-Z will do) must not launch for somebody
 * who has been suspended meanwhile. Gives the reservation back and throws Refused, or marks it as sent.
 */
export function markSent(
  deps: Pick<LaunchDeps, "usageDb" | "config" | "clock" | "audit">,
  { id, login }: Pick<NewReservation, "id" | "login">,
): void {
  const { usageDb, clock, audit } = deps
  const refusal = usageDb.transaction(
    () => {
      try {
        requireNotHalted(deps, login)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        usageDb.reservations.finish(id, "released", error.message, clock.now())
        return error
      }
      usageDb.reservations.sent(id, clock.now())
      return null
    },
    () => requireNotHalted(deps, login),
  )
  if (refusal === null) return
  audit.record(login, `${id} not sent: ${refusal.message}`)
  throw refusal
}
