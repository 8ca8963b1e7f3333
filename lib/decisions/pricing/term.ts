/** From when on spending counts: logins are reused from term to term. */

import type { Config } from "../../base/config.ts"
import type { UtcMs } from "../../base/time.ts"

/** Null: from the first. A term to come has not begun: until then all counts, so that nobody spends without bound before it. */
export function termBegan({ termStartUtcMs }: Config["course"], nowUtcMs: UtcMs): UtcMs | null {
  return termStartUtcMs !== null && termStartUtcMs <= nowUtcMs ? termStartUtcMs : null
}
