/** kill -9 at some system calls of each operation, by strace; `npm run soak syscalls` takes all of them. */
import { afterAll, expect, test } from "bun:test"
import { startEmulator } from "../../support/emulator.ts"
import { noteSkipped } from "../../support/skips.ts"
import {
  courseToKillIn,
  disagreementsAfterSettling,
  killAtEach,
  operations,
  strace,
} from "../../support/syscall_kills.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())
if (!strace) noteSkipped("kill -9 at system calls: strace is not installed")

/** From the first that may matter, so many calls apart. */
const sample = {
  pwrite64: { first: 18, step: 40 },
  fsync: { first: 3, step: 4 },
  sendto: { first: 1, step: 1 },
}

for (const operation of operations) {
  test.skipIf(!strace)(
    `${operation}, killed at its system calls, is settled to the instance`,
    async () => {
      const day = await courseToKillIn(emulator)
      let killed = 0
      for (const [syscall, which] of Object.entries(sample)) {
        killed += await killAtEach(day, emulator.fixtures.image, operation, syscall, which)
      }
      expect(killed).toBeGreaterThan(1)
      expect(await disagreementsAfterSettling(day)).toEqual([])
      day.close()
    },
    120_000,
  )
}
