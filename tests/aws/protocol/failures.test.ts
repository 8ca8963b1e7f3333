/** What the tools say and do when AWS, or the way to it, fails: one line, never a short list, never a thing done twice. */

import { afterEach, describe, expect, test } from "bun:test"
import { openAws } from "../../../lib/aws/aws.ts"
import type { LaunchRequest } from "../../../lib/aws/interfaces.ts"
import { AwsError } from "../../../lib/aws/protocol/errors.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { settingsFor } from "../../support/aws_settings.ts"
import { type ScriptedServer, type Step, startScriptedServer } from "../../support/scripted_server.ts"

let server: ScriptedServer | undefined
afterEach(() => server?.stop())

async function serve(...steps: Step[]) {
  server = await startScriptedServer(...steps)
  const settings = settingsFor(server.endpoint)
  return { aws: openAws(() => settings), settings, received: server.received }
}

const failureOf = async (promise: Promise<unknown>): Promise<AwsError> => {
  const error = await promise.then(
    () => new Error("nothing failed"),
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(AwsError)
  expect(error.message).not.toInclude("\n")
  return error
}

const instance = (id: string, state = "running") =>
  `<item><instancesSet><item><instanceId>${id}</instanceId><instanceState><name>${state}</name></instanceState>` +
  `<launchTime>2026-11-22T19:00:00.000Z</launchTime></item></instancesSet></item>`
const describeReply = (content: string, token = "") =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">` +
  `<requestId>11111111-aaaa</requestId><reservationSet>${content}</reservationSet>` +
  `${token && `<nextToken>${token}</nextToken>`}</DescribeInstancesResponse>`
const refusal = (code: string, message: string, status = 400): Step => ({
  status,
  body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>22222222-bbbb</RequestID></Response>`,
})
const whole = { body: describeReply(instance("i-1")) }
const half = { body: whole.body.slice(0, -60) }
const page = "<!DOCTYPE html><html><body><h1>503</h1><br>Back soon</body></html>"

const launch: LaunchRequest = {
  clientToken: "reservation-1",
  imageId: "ami-1",
  instanceType: "t3.micro",
  count: 1,
  keyName: "cs61c-aa-default",
  zone: null,
  placementGroup: null,
  subnetId: null,
  securityGroupIds: ["sg-1"],
  userData: null,
  blockDevices: [],
  spotMaxMicroUsdPerHour: null,
  instanceProfile: null,
  standardCredits: false,
  shutdownBehavior: "terminate",
  tags: {},
}

describe("a listing", () => {
  test.each<[what: string, step: Step, code: string, says: RegExp, attempts: number]>([
    ["resets", "reset", "ConnectionReset", /closed the connection in the middle: try again/, 3],
    [
      "promises more than it sends",
      { ...whole, cutAfter: 100 },
      "ConnectionReset",
      /closed the connection/,
      3,
    ],
    ["sends half a page", half, "GarbledReply", /unusable: it ends in the middle: nothing is concluded/, 3],
    ["sends nothing", { body: "" }, "GarbledReply", /it is empty/, 3],
    ["sends a web page with 200", { body: page }, "GarbledReply", /unusable/, 3],
    ["sends well-formed HTML with 200", { body: "<html></html>" }, "GarbledReply", /it is <html>/, 3],
    [
      "sends a web page with 500",
      { status: 500, body: page },
      "ServiceFailure",
      /fails \(HTTP 500\): try again later/,
      3,
    ],
    ["sends a page of well-formed HTML with 503", { status: 503, body: "<html/>" }, "Unknown", /HTTP 503/, 3],
    ["sends no list", { body: "<DescribeInstancesResponse/>" }, "GarbledReply", /no <reservationSet>/, 3],
    [
      "sends an instance without an id",
      { body: describeReply(instance("")) },
      "GarbledReply",
      /has no id/,
      1,
    ],
    [
      "sends a state of its own",
      { body: describeReply(instance("i-1", "on")) },
      "GarbledReply",
      /no known state/,
      1,
    ],
    ["fails inside", refusal("InternalError", "An internal error", 500), "InternalError", /EC2 fails/, 3],
    [
      "throttles",
      refusal("RequestLimitExceeded", "Request limit exceeded.", 503),
      "RequestLimitExceeded",
      /throttling the account: try again in a minute/,
      5,
    ],
    [
      "does not know the key",
      refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
      "AuthFailure",
      /does not accept the access key: .*root_access_key/,
      1,
    ],
    [
      "doubts the signature",
      refusal("SignatureDoesNotMatch", "The canonical string was: x", 403),
      "SignatureDoesNotMatch",
      /is the secret in .*root_access_key right/,
      1,
    ],
    [
      "says expired",
      refusal("ExpiredToken", "The token has expired"),
      "ExpiredToken",
      /expired: renew them/,
      1,
    ],
    [
      "forbids",
      refusal(
        "UnauthorizedOperation",
        "You are not authorized. Encoded authorization failure message: AbCdEf",
        403,
      ),
      "UnauthorizedOperation",
      /not allowed to do that .*: You are not authorized \(/,
      1,
    ],
    [
      "redirects",
      { status: 302, headers: { location: "http://127.0.0.1:1/" }, body: "<a/>" },
      "Unknown",
      /answers HTTP 302 and not like AWS/,
      1,
    ],
  ])("of an EC2 that %s is one error", async (_what, step, code, says, attempts) => {
    const { aws, received } = await serve(step)
    const error = await failureOf((await aws.ec2()).instances())
    expect(error.message).toStartWith("describe instances: ")
    expect(error.message).toMatch(says)
    expect(error.code).toBe(code)
    expect(received).toHaveLength(attempts)
  })

  test("of an EC2 that is down is one error", async () => {
    const { aws } = await serve("reset")
    server?.stop()
    const error = await failureOf((await aws.ec2()).instances())
    expect(error.message).toMatch(
      /cannot be reached \(ECONNREFUSED\): check the network and \[aws\] endpoint/,
    )
    expect(error.mayHaveHappened).toBe(false)
  })

  test.each<[string, Step]>([
    ["a reset", "reset"],
    ["half a page", half],
    ["a throttle", refusal("Throttling", "Rate exceeded")],
    ["an error page", { status: 502, body: page }],
  ])("survives %s", async (_what, step) => {
    const { aws, received } = await serve(step, whole)
    expect((await (await aws.ec2()).instances()).map(({ id }) => id)).toEqual(["i-1"])
    expect(received).toHaveLength(2)
  })

  test("is complete or fails: a page that stays half, a token that comes twice", async () => {
    const first = { body: describeReply(instance("i-1"), "next") }
    const { aws } = await serve(first, half)
    await failureOf((await aws.ec2()).instances())
    server?.stop()
    const again = await serve(first)
    const error = await failureOf((await again.aws.ec2()).instances())
    expect(error.message).toInclude("same page token twice")
  })

  test("goes on from page to page", async () => {
    const { aws, received } = await serve(
      { body: describeReply(instance("i-1"), "a&amp;b") },
      { body: describeReply("") },
    )
    expect(await (await aws.ec2()).instances()).toHaveLength(1)
    expect(new URLSearchParams(received[1]?.body).get("NextToken")).toBe("a&b")
  })

  test("of IAM is complete or fails, too", async () => {
    const users = (content: string) =>
      `<ListUsersResponse><ListUsersResult>${content}</ListUsersResult></ListUsersResponse>`
    const { aws } = await serve(
      {
        body: users(
          "<IsTruncated>true</IsTruncated><Marker>m</Marker><Users><member><UserName>cs61c-aa</UserName><Arn>arn</Arn></member></Users>",
        ),
      },
      { body: users("<IsTruncated>false</IsTruncated>") },
    )
    expect((await failureOf((await aws.iam()).users())).message).toInclude("lacks what was asked for")
  })

  test("does not wait longer than it may, whatever AWS asks for", async () => {
    const { settings } = await serve({
      status: 503,
      headers: { "retry-after": "3600" },
      body: "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>",
    })
    const error = await failureOf((await openAws(() => settings).ec2()).instances())
    expect(error.code).toBe("RequestLimitExceeded")
    expect(server?.received).toHaveLength(1)
  })

  test("gives up on an endpoint that says nothing", async () => {
    const { settings } = await serve("silence")
    const patience = {
      throttled: { most: 1, delayMs: 1 },
      failed: { most: 2, delayMs: 1 },
      totalMs: 10_000,
      attemptMs: 50,
    }
    const error = await failureOf((await openAws(() => ({ ...settings, patience })).ec2()).instances())
    expect(error.code).toBe("Timeout")
    expect(error.message).toInclude("does not answer in time")
    expect(server?.received).toHaveLength(2)
  })

  test("ends at an interrupt with the interrupt's own error", async () => {
    const { settings, received } = await serve("silence")
    const interrupt = new AbortController()
    const asking = (await openAws(() => ({ ...settings, interrupt: interrupt.signal })).ec2()).instances()
    while (received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    interrupt.abort(new Error("by SIGINT"))
    await expect(asking).rejects.toThrow("by SIGINT")
  })
})

describe("the host's clock", () => {
  const hourAhead = new Date(Date.now() + 3_600_000)
  const expired = {
    ...(refusal("RequestExpired", "Request has expired") as object),
    headers: { date: hourAhead.toUTCString() },
  }

  test("being wrong is corrected by AWS's", async () => {
    const { aws, received } = await serve(expired, whole)
    await (await aws.ec2()).instances()
    const signedAt = received[1]?.headers["x-amz-date"] ?? ""
    expect(signedAt.slice(0, 11)).toBe(hourAhead.toISOString().replace(/[-:]/g, "").slice(0, 11))
  })

  test("being wrong for good is said", async () => {
    const { aws } = await serve(refusal("RequestExpired", "Request has expired"))
    expect((await failureOf((await aws.ec2()).instances())).message).toInclude("set this host's clock (NTP)")
  })
})

describe("what must not be done twice", () => {
  const launched = {
    body: `<RunInstancesResponse><requestId>r</requestId><instancesSet>${instance("i-1").slice(20, -22)}</instancesSet></RunInstancesResponse>`,
  }

  test("a launch whose reply is lost is asked for again with the same client token", async () => {
    const { aws, received } = await serve("reset", { ...launched, cutAfter: 30 }, launched)
    expect((await (await aws.ec2()).launch(launch)).instances.map(({ id }) => id)).toEqual(["i-1"])
    const tokens = received.map(({ body }) => new URLSearchParams(body).get("ClientToken"))
    expect(tokens).toEqual(["reservation-1", "reservation-1", "reservation-1"])
  })

  test("a launch whose reply stays lost may have happened", async () => {
    const { aws } = await serve("reset")
    expect((await failureOf((await aws.ec2()).launch(launch))).mayHaveHappened).toBe(true)
  })

  test("a dry run is refused where a launch would be", async () => {
    const { aws } = await serve(refusal("UnauthorizedOperation", "You are not authorized", 403))
    const error = await failureOf((await aws.ec2()).launch(launch, { dryRun: true }))
    expect(error.message).toStartWith("try a launch: ")
  })

  test("a launch that AWS refused has not happened", async () => {
    const { aws } = await serve(
      refusal("InsufficientInstanceCapacity", "We do not have sufficient t3.micro capacity"),
    )
    const error = await failureOf((await aws.ec2()).launch(launch))
    expect(error.mayHaveHappened).toBe(false)
    expect(error.message).toMatch(/^launch: We do not have .* try another zone or instance type, or later/)
    expect(error.requestId).toBe("22222222-bbbb")
  })

  test("an access key, a user, a key pair are asked for once when the reply is lost", async () => {
    for (const create of [
      async (aws: ReturnType<typeof openAws>) => (await aws.iam()).createAccessKey("cs61c-aa"),
      async (aws: ReturnType<typeof openAws>) => (await aws.iam()).createUser("cs61c-aa", "/cs61c/", {}),
      async (aws: ReturnType<typeof openAws>) => (await aws.ec2()).createKeyPair("cs61c-aa-default", {}),
    ]) {
      const { aws, received } = await serve("reset")
      expect((await failureOf(create(aws))).mayHaveHappened).toBe(true)
      expect(received).toHaveLength(1)
      server?.stop()
    }
  })

  test("but again when they were throttled", async () => {
    const { aws, received } = await serve(
      { status: 400, body: "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>" },
      {
        body: "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>",
      },
    )
    expect((await (await aws.iam()).createAccessKey("cs61c-aa")).id).toBe("AKIA1")
    expect(received).toHaveLength(2)
  })

  test("IAM's quota is no throttling, and not asked for again", async () => {
    const { aws, received } = await serve({
      status: 409,
      body: "<ErrorResponse><Error><Type>Sender</Type><Code>LimitExceeded</Code><Message>Cannot exceed quota for AccessKeysPerUser: 2</Message></Error></ErrorResponse>",
    })
    const error = await failureOf((await aws.iam()).createAccessKey("cs61c-aa"))
    expect(error.code).toBe("LimitExceeded")
    expect(received).toHaveLength(1)
  })

  test("a key that does not work yet is no failure, an IAM that is down is one", async () => {
    const { aws } = await serve({
      status: 403,
      body: "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>",
    })
    expect(await (await aws.iam()).accessKeyWorks("AKIA1", "s")).toBe(false)
    server?.stop()
    await failureOf((await aws.iam()).accessKeyWorks("AKIA1", "s"))
  })
})

describe("services that speak JSON", () => {
  const json = (body: string, status = 200): Step => ({
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body,
  })

  test.each<[string, Step]>([
    ["half a reply", json('{"Parameter": {"Na')],
    ["an empty reply", json("{}")],
    ["a web page", { body: page }],
  ])("%s is an error", async (_what, step) => {
    const { aws } = await serve(step)
    const error = await failureOf((await aws.ssm()).parameter("/aws/service/x"))
    expect(error.code).toBe("GarbledReply")
  })

  test("a price that is no number is an error, one that is none is left out", async () => {
    const product = (usd: string, unit = "Hrs") =>
      JSON.stringify({
        product: { attributes: { instanceType: "t3.micro", operation: "RunInstances" } },
        terms: { OnDemand: { a: { priceDimensions: { b: { unit, pricePerUnit: { USD: usd } } } } } },
      })
    const list = (...products: string[]) => json(JSON.stringify({ PriceList: products }))
    const prices = async (step: Step) => {
      const { aws } = await serve(step)
      const all = []
      for await (const page of (await aws.pricing()).onDemandPrices("us-east-1")) all.push(...page)
      server?.stop()
      return all
    }
    expect(
      await prices(list(product("0.0104000000"), product("0.0000000000"), product("1", "Quantity"))),
    ).toEqual([
      {
        instanceType: "t3.micro",
        usageOperation: "RunInstances",
        microUsdPerHour: microUsdOf(10_400),
        effectiveUtcMs: null,
      },
    ])
    await failureOf(prices(list(product("free"))))
    await failureOf(prices(json('{"PriceList": ["{\\"product\\""]}')))
  })

  test("quotas are listed over all pages", async () => {
    const { aws } = await serve(
      json('{"Quotas": [{"QuotaCode": "L-1216C47A", "QuotaName": "vCPUs", "Value": 64}], "NextToken": "n"}'),
      json('{"Quotas": [{"QuotaCode": "L-34B43A08", "Value": 5}]}'),
    )
    expect(await (await aws.quotas()).ec2Quotas()).toEqual([
      { code: "L-1216C47A", name: "vCPUs", value: 64 },
      { code: "L-34B43A08", name: "", value: 5 },
    ])
  })

  test("CloudTrail is asked at most twice a second", async () => {
    const { settings } = await serve(json('{"Events": [], "NextToken": "n"}'), json('{"Events": []}'))
    const waits: number[] = []
    const clock = { now: () => utcMsOf(1_000_000), sleep: async (ms: number) => void waits.push(ms) }
    const trail = await openAws(() => ({ ...settings, clock })).cloudTrail()
    await trail.instanceEvents("i-1", utcMsOf(0), utcMsOf(1))
    expect(waits).toEqual([500])
  })

  test("CloudTrail's refused calls are no evidence", async () => {
    const event = (name: string, at: number, detail: object) => ({
      EventName: name,
      EventTime: at,
      EventId: `e-${at}`,
      Username: "root",
      CloudTrailEvent: JSON.stringify(detail),
    })
    const { aws } = await serve(
      json(
        JSON.stringify({
          Events: [
            event("RunInstances", 100, {}),
            event("TerminateInstances", 200, { errorCode: "Client.UnauthorizedOperation" }),
            event("StopInstances", 300, {}),
            event("DescribeInstances", 400, {}),
          ],
        }),
      ),
    )
    const events = await (await aws.cloudTrail()).instanceEvents("i-1", utcMsOf(0), utcMsOf(500_000))
    expect(events.map(({ name, atUtcMs }) => [name, atUtcMs])).toEqual([
      ["StopInstances", utcMsOf(300_000)],
      ["RunInstances", utcMsOf(100_000)],
    ])
  })
})
