/** What EC2 itself tells of an instance's latest transition: its state, and the reasons that come with it. */

import type { Instance } from "../../base/instance.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"

/** Whether it is billed. */
export function isOn(instance: Instance): boolean {
  const { state } = instance
  return state === "running" || state === "pending" || (state === "stopping" && isHibernation(instance))
}

export function isHibernation({ stateReasonCode }: Instance): boolean {
  return stateReasonCode === "Client.UserInitiatedHibernate"
}

/** Whether EC2 took it back. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-interruptions.html */
export function byEc2({ market, stateReasonCode }: Instance): boolean {
  return market === "spot" && /^Server\.SpotInstance(Termination|Shutdown)$/.test(stateReasonCode)
}

/** The date in `User initiated (2021-10-04 14:13:33 GMT)`; emulators write UTC. Null where there is none. */
export function reasonDate({ stateTransitionReason }: Pick<Instance, "stateTransitionReason">): UtcMs | null {
  const found = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(stateTransitionReason)
  const utcMs = found ? Date.parse(`${found[1]}T${found[2]}Z`) : Number.NaN
  return Number.isNaN(utcMs) ? null : utcMsOf(utcMs)
}
