import type { Iam } from "../../aws/iam/interfaces.ts"
import type { Ec2 } from "../../aws/interfaces.ts"
import type { Outcome } from "../../aws/outcome.ts"
import { messageOf, Refused } from "../../base/errors.ts"
import { isoUtc } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import type { HomeFiles } from "../../host/home/home.ts"
import { type SessionEnder, sessionEnder } from "./session_denials.ts"

type FromContext = "config" | "clock" | "interrupt" | "audit" | "usersDb" | "aws"

/** What the work on one login's identity needs. */
export interface IdentityDeps extends Pick<Context, FromContext> {
  /** Whose identity it is. */
  login: string
  /** Who asked; the same but for staff's tools. */
  actor: string
  home: HomeFiles
  /** Why the login is suspended; null where it is not. */
  suspension(): string | null
  /** Ends the sessions of an account that is removed. */
  sessions: SessionEnder
  /** Tells the person who waits what is going on. */
  progress(text: string): void
}

/** The caller's own. */
export function ownIdentity(context: Context, progress: (text: string) => void): IdentityDeps {
  const { config, clock, interrupt, audit, usersDb, aws, home, caller } = context
  const { login } = caller
  return {
    config,
    clock,
    interrupt,
    audit,
    usersDb,
    aws,
    home,
    progress,
    login,
    actor: login,
    sessions: sessionEnder(context, login),
    suspension: () =>
      context.usageDb.suspensions.current(login, config.course.termStartUtcMs)?.reason ?? null,
  }
}

export async function iamOf({ aws }: Pick<IdentityDeps, "aws">): Promise<Iam> {
  return aws.iam()
}

export async function ec2Of({ aws }: Pick<IdentityDeps, "aws">, region?: string): Promise<Ec2> {
  return aws.ec2(region)
}

/** The time as the database's old columns have it. */
export function nowIso({ clock }: Pick<IdentityDeps, "clock">): string {
  return isoUtc(clock.now())
}

/** Throws Refused while the login is suspended: whatever would give it working credentials asks here. */
export function requireNotSuspended({ login, suspension }: Pick<IdentityDeps, "login" | "suspension">): void {
  const reason = suspension()
  if (reason !== null)
    throw new Refused("account", `${login} is suspended (${reason}), see your course's staff`)
}

/** A call that changes something at AWS, with its intent in the audit log before it and its outcome after. */
export async function audited<T extends Outcome>(
  { audit, actor, login }: Pick<IdentityDeps, "audit" | "actor" | "login">,
  what: string,
  call: () => Promise<T>,
): Promise<T> {
  const subject = actor === login ? what : `${what} (of ${login})`
  audit.requireRoom(actor)
  audit.record(actor, `identity: ${subject}`)
  try {
    const outcome = await call()
    audit.record(actor, `identity: done: ${subject} (request ${outcome.requestId || "unknown"})`)
    return outcome
  } catch (error) {
    audit.record(actor, `identity: failed: ${subject}: ${messageOf(error)}`)
    throw error
  }
}
