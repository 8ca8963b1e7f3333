import type { Outcome } from "../../aws/outcome.ts"
import type { IdentityDeps } from "./deps.ts"

/** All but the home: staff remove identities whose homes they do not reach. */
export type RemovalDeps = Omit<IdentityDeps, "home" | "suspension">

/** One thing that goes. */
export interface Removable {
  what: string
  remove(): Promise<Outcome>
  /** The row that is only true as long as the thing is there. */
  forget?(): void
  /** For some seconds, AWS may think that something still hangs on it. */
  mayNeedTime?: boolean
}
