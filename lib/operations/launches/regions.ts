/** One region of AWS after the other: where one does not answer, the others have their turn all the same. */
import type { RegionFailure } from "../../aws/regions.ts"

/** Returns the regions in which `work` threw. */
export async function inEachRegion<T extends { region: string }>(
  things: readonly T[],
  work: (region: string, those: T[]) => Promise<void>,
): Promise<RegionFailure[]> {
  const failures: RegionFailure[] = []
  for (const [region, those] of Map.groupBy(things, (thing) => thing.region)) {
    try {
      await work(region, those)
    } catch (error) {
      failures.push({ region, error })
    }
  }
  return failures
}
