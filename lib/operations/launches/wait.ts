/** Waiting until instances are as they were asked to be. */
import { Failed } from "../../base/errors.ts"
import { hasEnded, type Instance, type InstanceState } from "../../base/instance.ts"
import { plural } from "../../base/text.ts"
import { duration, msPerMinute } from "../../base/time.ts"
import { whyEnded } from "../../decisions/launches/why_ended.ts"
import type { LaunchDeps } from "./deps.ts"

const firstPollMs = 500
const longestPollMs = 8_000
const patienceMs = 10 * msPerMinute

type WaitDeps = Pick<LaunchDeps, "clock" | "aws"> & { readonly interrupt: AbortSignal }

/** How the person who waits is told. */
export interface WaitTold {
  progress(text: string): void
  note(text: string): void
}

/** Waits until all are in `wanted`, and says so; throws Failed where one ends instead, or it takes more than ten minutes. */
export async function waitFor(
  deps: WaitDeps,
  ids: readonly string[],
  wanted: InstanceState,
  told: WaitTold,
): Promise<Instance[]> {
  const ec2 = await deps.aws.ec2()
  const begun = deps.clock.now()
  let pollMs = firstPollMs
  for (;;) {
    const shown = ids.length === 0 ? [] : await ec2.instances({ ids: [...ids] })
    const there = shown.filter(({ state }) => state === wanted)
    if (there.length === ids.length) {
      if (ids.length > 0)
        told.note(`${plural(ids.length, "instance")} ${wanted} after ${duration(deps.clock.now() - begun)}`)
      return shown
    }
    const ended = shown.find((instance) => hasEnded(instance) && wanted !== "terminated")
    if (ended) throw new Failed("wait", `${ended.id} is ${ended.state}: ${whyEnded(ended)}`)
    const elapsed = deps.clock.now() - begun
    if (elapsed > patienceMs) {
      throw new Failed(
        "wait",
        `${there.length} of ${plural(ids.length, "instance")} ${wanted} after ${duration(elapsed)}`,
      )
    }
    told.progress(`${there.length} of ${plural(ids.length, "instance")} ${wanted} after ${duration(elapsed)}`)
    await deps.clock.sleep(pollMs, deps.interrupt)
    pollMs = Math.min(pollMs * 2, longestPollMs)
  }
}
