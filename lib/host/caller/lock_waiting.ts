/** How a caller's process waits for locks: students give way to staff and enforcement, and only students' runs are ended. */
import { join } from "node:path"
import type { Config } from "../../base/config.ts"
import { matchesGlob } from "../../base/login.ts"
import type { LockWaiting } from "../processes/lock_wait.ts"
import type { Caller } from "./caller.ts"

declare const BUILD_SLOT_DIRECTORIES: string[] | undefined

export function lockWaiting({ paths, course }: Config, caller: Caller): LockWaiting {
  return {
    runs: { slotDirectories: slotDirectories(paths), isStaff: (login) => matchesGlob(course.staff, login) },
    first: caller.isStaff || !caller.behindWrapper,
    turnPath: join(paths.dataDir, "turn.lock"),
  }
}

/** Where wrappers lock slots: in the data directory, else in the spare directory, which lies on another disk. */
export function slotDirectories({ dataDir }: Config["paths"]): string[] {
  return typeof BUILD_SLOT_DIRECTORIES === "undefined" ? [join(dataDir, "slots")] : BUILD_SLOT_DIRECTORIES
}
