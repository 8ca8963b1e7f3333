/** Debian's faketime: moves the clock of compiled tools, and of SQLite in them, to an instant at which it stands still. */

import { existsSync } from "node:fs"
import type { UtcMs } from "../../lib/base/time.ts"

const libraries = ["x86_64", "aarch64"].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`)

/** Null where it is not installed. */
export const faketimeLibrary = libraries.find((path) => existsSync(path)) ?? null

/** The environment of a process for which it is that second; with `ticking` its time goes on from there. */
export function atTime(utcMs: UtcMs, { ticking = false } = {}): Record<string, string> {
  const instant = new Date(utcMs).toISOString().slice(0, 19).replace("T", " ")
  return {
    LD_PRELOAD: faketimeLibrary ?? "",
    FAKETIME: ticking ? `@${instant}` : instant,
    TZ: "UTC",
    // timers go by the monotonic clock, and have to go off
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    // what is killed would leave its semaphore behind
    FAKETIME_DISABLE_SHM: "1",
    NO_FAKE_STAT: "1",
  }
}
