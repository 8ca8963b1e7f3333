/** [notify]: what staff is told, by a real server that speaks TLS; once, and within five seconds, whatever it does. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const tls = join(import.meta.dir, "../fixtures/tls")
const emulator = await startEmulator()
let answer: (request: Request) => Response | Promise<Response> = () => new Response("ok")
let posted: { path: string; body: string; authorization: string | null }[] = []
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  tls: { cert: readFileSync(join(tls, "certificate.pem")), key: readFileSync(join(tls, "key.pem")) },
  async fetch(request) {
    const { pathname, search } = new URL(request.url)
    const authorization = request.headers.get("authorization")
    posted.push({ path: pathname + search, body: await request.text(), authorization })
    return answer(request)
  },
})
const secret = "T0SECRET"
const address = `https://127.0.0.1:${server.port}/services/${secret}`

let day: CourseDay
beforeEach(async () => {
  posted = []
  answer = () => new Response("ok")
  day = await courseDay(emulator, {
    aws: { ca_file: join(tls, "certificate.pem") },
    limits: { budget: 20, course_budget: 100 },
    notify: { digest_hour: 0, about: ["freezes", "requests", "budgets", "failures", "strangers"] },
  })
})
afterEach(() => day.close())
afterAll(async () => {
  emulator.stop()
  await server.stop(true)
})

function webhooks(text: string, mode = 0o400): void {
  const path = join(day.course.dataDir, "webhooks")
  rmSync(path, { force: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}
const cron = () => day.run("usage_cron", [], { as: "cs61c" })
const bodies = () => posted.map(({ body }) => body).join("\n")

describe("[notify]", () => {
  test("tells of freezes and requests once, and never from a student's run", async () => {
    webhooks(`# staff\nteam slack ${address}\nown webhook ${address}/own\n`)
    await day.run("ec2_util", ["--request", "budget=30", "--reason", "<!channel> more"])
    await day.run("course_freeze", ["--yes", "--reason", "exam"], { as: "cs61c" })
    expect(posted).toEqual([])
    expect(await cron()).toEqual({ stdout: "", stderr: "", code: 0 })
    expect(posted.map(({ path }) => path).toSorted()).toEqual([
      `/services/${secret}`,
      `/services/${secret}/own`,
    ])
    const slack = posted.find(({ path }) => path === `/services/${secret}`)
    expect(JSON.parse(slack?.body ?? "").blocks[0].text).toEqual({
      type: "plain_text",
      text:
        "cs61c: cs61c-aa asks for budget $30.00 (request 1): <!channel> more\n" +
        "cs61c: the course is frozen, by cs61c: exam",
      emoji: false,
    })
    expect((await cron()).stderr).toBe("")
    expect(posted).toHaveLength(2)
  })

  test("sends Zulip's key as a header, to the stream of the address", async () => {
    webhooks(`z zulip https://bot%40x:key@127.0.0.1:${server.port}/api/v1/messages?to=staff&topic=ec2\n`)
    await day.run("ec2_util", ["--request", "budget=30", "--reason", "more"])
    expect((await cron()).stderr).toBe("")
    expect(posted[0]).toMatchObject({
      path: "/api/v1/messages",
      authorization: `Basic ${Buffer.from("bot@x:key").toString("base64")}`,
    })
  })

  test("follows no redirect, tries again what did not arrive, and says no address", async () => {
    webhooks(`team mattermost ${address}\n`)
    answer = () => Response.redirect(`${address}/elsewhere`, 307)
    await day.run("ec2_util", ["--request", "budget=30", "--reason", "more"])
    const refused = await cron()
    expect(refused.stderr).toBe(
      "usage_cron: notify team: answers with a redirect (HTTP 307), which is not followed; the next run tries again\n",
    )
    expect(posted).toHaveLength(1)
    answer = () => new Response("no", { status: 500 })
    expect((await cron()).stderr).toBe("")
    answer = () => new Response("ok")
    await cron()
    expect(posted).toHaveLength(3)
    await cron()
    expect(posted).toHaveLength(3)
    for (const file of ["audit-log", "usage.db"])
      expect(readFileSync(join(day.course.dataDir, file)).includes(secret)).toBe(false)
  })

  test("waits five seconds for all of them together, and sends nothing twice that may have arrived", async () => {
    webhooks(`one slack ${address}/1\ntwo discord ${address}/2\n`)
    answer = () => new Promise<Response>(() => {})
    await day.run("ec2_util", ["--request", "budget=30", "--reason", "more"])
    const late = await cron()
    expect(late.stderr.split("\n").toSorted()).toEqual([
      "",
      "usage_cron: notify one: did not answer in time; whether it arrived is not known, and it is not sent again",
      "usage_cron: notify two: did not answer in time; whether it arrived is not known, and it is not sent again",
    ])
    answer = () => new Response("ok")
    await cron()
    expect(bodies().match(/asks for budget/g)).toHaveLength(3)
  }, 60_000)

  test("is told of budgets at each percentage once, and has a digest a day", async () => {
    webhooks(`team discord ${address}\n`)
    day.course.configure({
      limits: { budget: 0.001, course_budget: 100, warn_percent: [80, 100] },
      notify: { digest_hour: 0, about: ["budgets", "digest"] },
    })
    const usageDb = day.usageDb()
    const now = Date.now()
    usageDb.transaction(() => {
      usageDb.ledger.sums.know(student)
      usageDb.ledger.flatRates.put({
        ...{
          flatRateId: "vol-1",
          kind: "volume",
          login: student,
          region: "us-east-1",
          description: "gp3 10 GiB",
        },
        ...{ microUsdPerHour: 1000 as never, priceSource: null, goesWithInstance: "" },
        ...{ startEarliestUtcMs: (now - 7_200_000) as never, startLatestUtcMs: (now - 7_200_000) as never },
        ...{ endEarliestUtcMs: (now - 3_600_000) as never, endLatestUtcMs: (now - 3_600_000) as never },
        seenUtcMs: (now - 3_600_000) as never,
      })
    })
    expect((await cron()).stderr).toBe("")
    expect(bodies()).toContain("cs61c-aa has spent $0.00 of $0.00 (100 %)")
    expect(bodies()).toMatch(
      /cs61c: \d{4}-\d\d-\d\d: \$0\.00 spent yesterday, \$0\.00 this term of \$100\.00 \(0 %\)/,
    )
    expect(bodies()).toContain("suspended: 0; open requests: 0")
    const before = posted.length
    await cron()
    expect(posted).toHaveLength(before)
  })

  test.each([
    ["team slack http://127.0.0.1/x\n", 0o400, "line 1 has no https:// address"],
    [
      "team irc https://127.0.0.1/x\n",
      0o400,
      "line 1 has none of the kinds slack, mattermost, zulip, discord, webhook",
    ],
    ["team slack https://127.0.0.1/SECRET\n", 0o640, "has mode 0640, wanted 0400"],
  ])("refuses %j of mode %o, and keeps the messages", async (text, mode, why) => {
    webhooks(text, mode)
    await day.run("ec2_util", ["--request", "budget=30", "--reason", "more"])
    const refused = await cron()
    expect(refused.stderr).toContain(why)
    expect(refused.stderr).not.toContain("SECRET")
    webhooks(`team slack ${address}\n`)
    await cron()
    expect(bodies()).toContain("asks for budget")
  })
})
