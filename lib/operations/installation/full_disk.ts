/** Reading where the disk is full: the databases come from copies in memory. */
import type { Config } from "../../base/config.ts"
import { isDiskFull } from "../../base/errors.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { UsersDb } from "../../db/users_db.ts"

export interface FullDiskDeps {
  readonly config: Config
  readonly usageDb: UsageDb
  readonly usersDb: UsersDb
  /** Both as they were when the disk became full; what is written to them is lost. */
  readonly usageDbInMemory: UsageDb
  readonly usersDbInMemory: UsersDb
}

/**
 * Runs `work`; where it fails because of a full disk, runs it again with databases in memory and `note`, a line that says so. `work` may
 * change nothing that has to last. Throws the first error where the second run fails, too.
 */
export async function alsoOnFullDisk<Deps extends FullDiskDeps, T>(
  deps: Deps,
  work: (deps: Deps, note: string | null) => Promise<T>,
): Promise<T> {
  try {
    return await work(deps, null)
  } catch (error) {
    if (!isDiskFull(error) || deps.config.database) throw error
    // A context opens what is used when it is used: only the databases are others.
    const reading: Deps = Object.create(deps, {
      usageDb: { get: () => deps.usageDbInMemory },
      usersDb: { get: () => deps.usersDbInMemory },
    })
    try {
      return await work(reading, `the disk of ${deps.config.paths.dataDir} is full: nothing new is recorded`)
    } catch {
      throw error
    }
  }
}
