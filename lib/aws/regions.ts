/** Regions, each of which stands by itself: one that does not answer keeps nobody from hearing the others. */
import { messageOf } from "../base/errors.ts"
import { hasCode } from "./protocol/errors.ts"

export interface RegionFailure {
  region: string
  error: unknown
}

/** A region that did not answer, where another one did. */
export interface SilentRegion {
  region: string
  /** With the region's name, and what to do where it is only not enabled. */
  reason: string
  /** The account has not enabled it: nothing of the account's is there. */
  isNotEnabled: boolean
  error: unknown
}

/**
 * Asks each region. Throws the first failure where none answers: then it is not the region, but the key or the network. Where one does,
 * a key that another region does not know tells only that the account has not enabled that region.
 */
export async function acrossRegions<T>(
  regions: readonly string[],
  ask: (region: string) => Promise<T>,
): Promise<{ answers: Map<string, T>; silent: SilentRegion[] }> {
  const answers = new Map<string, T>()
  const failures: RegionFailure[] = []
  await Promise.all(
    regions.map(async (region) => {
      try {
        answers.set(region, await ask(region))
      } catch (error) {
        failures.push({ region, error })
      }
    }),
  )
  if (answers.size === 0 && failures[0]) throw firstOf(regions, failures).error
  return { answers, silent: failures.map(silentRegion) }
}

/** In the order of the config: what is said must not hang on who failed first. */
function firstOf(regions: readonly string[], failures: readonly RegionFailure[]): RegionFailure {
  const byRegion = new Map(failures.map((failure) => [failure.region, failure]))
  const first = regions.flatMap((region) => byRegion.get(region) ?? [])[0]
  return first ?? (failures[0] as RegionFailure)
}

/** What a region's failure means where others answer with the same key. */
export function silentRegion({ region, error }: RegionFailure): SilentRegion {
  const isNotEnabled = hasCode(error, "AuthFailure", "OptInRequired", "InvalidClientTokenId")
  const reason = isNotEnabled
    ? `${region} is not enabled for the account; enable it in the account's settings, or take it out of [aws] regions`
    : `${region}: ${messageOf(error)}`
  return { region, reason, isNotEnabled, error }
}
