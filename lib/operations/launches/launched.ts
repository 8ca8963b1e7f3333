/** What a launch came to. */
import type { Instance } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import type { Headroom } from "../../decisions/launches/admission.ts"

export interface Launched {
  /** Empty for a dry run. */
  instances: Instance[]
  /** Of all that was asked. */
  microUsdPerHour: MicroUsd
  worst: MicroUsd
  leaseEndsAtUtcMs: UtcMs
  /** After this launch; null where the launch was made before, by the same token. */
  left: Headroom | null
  /** For the caller's eyes. */
  notes: string[]
}
