/** What importing a roster, and finishing an import, work with. */

import type { HaltDeps } from "../enforcement/suspend.ts"
import type { SessionEnder } from "../identities/session_denials.ts"

export interface RosterDeps extends HaltDeps {
  readonly sessions: SessionEnder
}
