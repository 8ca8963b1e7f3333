/** A little of what `npm run soak` does a lot of. */
import { afterAll, expect, test } from "bun:test"
import { crowd, killed } from "../../support/crowd.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())

test("defect: two launches at once both passed", async () => {
  const { launched, refused, wrong } = await crowd(emulator, {
    launches: 10,
    users: 1,
    room: 4,
    unprepared: true,
  })
  expect(wrong).toEqual([])
  expect([launched, refused]).toEqual([4, 6])
}, 60_000)

test("launches by several users at once do not hinder each other", async () => {
  const { wrong } = await crowd(emulator, { launches: 10, users: 5, room: 2, unprepared: false })
  expect(wrong).toEqual([])
}, 60_000)

test("launches killed at random times are settled to the instance", async () => {
  let state = 1
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  expect((await killed(emulator, { kills: 10, within: 700, random })).wrong).toEqual([])
}, 60_000)
