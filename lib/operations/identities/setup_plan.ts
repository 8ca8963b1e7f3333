/** What the plans for the group and for the role are made of. */
import type { Outcome } from "../../aws/outcome.ts"
import type { IdentityDeps } from "./deps.ts"

export interface SetupDeps extends Pick<IdentityDeps, "aws" | "audit" | "config" | "actor" | "login"> {
  /** Brings the role's denials to what the databases say; true where that took a change. */
  writeDenials(): Promise<boolean>
  /** What marks the course as this installation's; throws Refused where it is another's. */
  planMark(): Promise<{ actions: SetupAction[]; notes: string[] }>
}

/** One change at AWS, in words and as a call. */
export interface SetupAction {
  what: string
  act(): Promise<Outcome>
}

/** A policy of group or role that is not ours. */
export interface OtherPolicy {
  what: string
  remove(): Promise<Outcome>
}
