/** A little of what `npm run soak` does a lot of. */
import { afterAll, expect, test } from "bun:test"
import { courseDay } from "../../support/course_day.ts"
import { crowd, crowdOfVolumes, killed } from "../../support/crowd.ts"
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
})

test("of volumes asked for at once exactly what max_storage_gib takes is made", async () => {
  const { launched, refused, wrong } = await crowdOfVolumes(emulator, { requests: 8, room: 3 })
  expect(wrong).toEqual([])
  expect([launched, refused]).toEqual([3, 5])
})

test("launches by several users at once do not hinder each other", async () => {
  const { wrong } = await crowd(emulator, { launches: 10, users: 5, room: 2, unprepared: false })
  expect(wrong).toEqual([])
})

test("launches killed at random times are settled to the instance", async () => {
  let state = 1
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  expect((await killed(emulator, { kills: 10, within: 700, random })).wrong).toEqual([])
})

test.each([
  ["a user's budget", "budget", ["cs61c-aa"]],
  ["the course's budget", "course_budget", ["cs61c-aa", "cs61c-ab"]],
])(
  "%s of four worst cases takes four of six launches at once, whatever is settled in between",
  async (_, limit: string, logins: string[]) => {
    const day = await courseDay(emulator, { limits: { max_hourly_cost: 100 } }, logins)
    try {
      const launch = (index: number, ...more: string[]) =>
        day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small", ...more], {
          as: logins[index % logins.length] ?? "",
        })
      const { worst_case } = JSON.parse((await launch(0, "--dry-run", "--json")).stdout)
      day.course.configure({ limits: { max_hourly_cost: 100, [limit]: Math.round(worst_case * 4e6) / 1e6 } })
      const runs = [await launch(0), ...(await Promise.all([1, 2, 3, 4, 5].map((index) => launch(index))))]
      expect(runs.map(({ code }) => code).sort()).toEqual([0, 0, 0, 0, 3, 3])
    } finally {
      day.close()
    }
  },
  60_000,
)
