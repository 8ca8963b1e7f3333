/** All of AWS. Each client is loaded (`await import`, a chunk of its own in the binary) and built when first asked for. */

import type { UtcMs } from "../base/time.ts"
import type { Aws } from "./interfaces.ts"
import type { AwsSettings } from "./protocol/connection.ts"
import { tooLate } from "./protocol/errors.ts"

export type { AwsSettings } from "./protocol/connection.ts"

/** Reads the credentials only when a client is asked for. */
export function openAws(settings: () => AwsSettings): Aws {
  const opened = new Map<string, Promise<unknown>>()
  let known: AwsSettings | undefined
  let offsetMs: number | null = null
  let closing: AbortController | undefined
  let beforeSending: (() => void) | undefined

  function once<T>(
    service: string,
    region: string | undefined,
    open: (settings: AwsSettings) => Promise<T>,
  ): Promise<T> {
    if (!known) {
      const given = settings()
      closing = new AbortController()
      const noteDate = (aws: UtcMs, asked: UtcMs, answered: UtcMs) => {
        offsetMs = clockOffset(aws, asked, answered)
      }
      known = {
        ...given,
        noteDate,
        beforeSending: () => beforeSending?.(),
        interrupt: AbortSignal.any([given.interrupt, closing.signal]),
      }
    }
    const here = region === undefined ? known : { ...known, region }
    const name = `${service} ${here.region}`
    const client = (opened.get(name) as Promise<T> | undefined) ?? open(here)
    opened.set(name, client)
    return client
  }

  return {
    ec2: (region) => once("ec2", region, async (s) => (await import("./ec2/ec2.ts")).openEc2(s)),
    iam: () => once("iam", undefined, async (s) => (await import("./iam/iam.ts")).openIam(s)),
    sts: () => once("sts", undefined, async (s) => (await import("./sts.ts")).openSts(s)),
    signIn: () => once("sign-in", undefined, async (s) => (await import("./sign_in.ts")).openSignIn(s)),
    ssm: () => once("ssm", undefined, async (s) => (await import("./ssm.ts")).openSsm(s)),
    pricing: () => once("pricing", undefined, async (s) => (await import("./pricing.ts")).openPricing(s)),
    cloudTrail: (region) =>
      once("cloudtrail", region, async (s) => (await import("./cloudtrail.ts")).openCloudTrail(s)),
    scheduler: (region) =>
      once("scheduler", region, async (s) => (await import("./scheduler.ts")).openScheduler(s)),
    quotas: (region) => once("quotas", region, async (s) => (await import("./quotas.ts")).openQuotas(s)),
    regions: async () => {
      const list = await once("regions", undefined, async (s) => {
        const { enabledRegions } = await import("./leftovers/regions.ts")
        return () => enabledRegions(s)
      })
      return list()
    },
    leftovers: async (region, prices, options) => {
      const open = await once("leftovers", region, async (s) => {
        const { openLeftovers } = await import("./leftovers/leftovers.ts")
        return (withIam: boolean) => openLeftovers(s, prices, { withIam })
      })
      return open(options.withIam)
    },
    s3: () => once("s3", undefined, async (s) => (await import("./s3.ts")).openS3(s)),
    bucket: (place) =>
      once(`s3 ${JSON.stringify(place)}`, undefined, async (s) =>
        (await import("./bucket.ts")).openBucket(s, place),
      ),
    serverTime: async () => {
      const ask = await once("time", undefined, async (s) => {
        const { serverTime } = await import("./protocol/server_time.ts")
        return () => serverTime(s)
      })
      return ask()
    },
    clockOffsetMs: () => offsetMs,
    async guarded(isAllowed, work) {
      let sent = 0
      beforeSending = () => {
        if (!isAllowed()) throw tooLate(sent > 0)
        sent += 1
      }
      try {
        return await work()
      } finally {
        beforeSending = undefined
      }
    },
    close() {
      closing?.abort(new Error("closed"))
      opened.clear()
    },
  }
}

/** A Date is cut off to the second, and was written at some time between question and answer. */
export function clockOffset(dateUtcMs: UtcMs, askedUtcMs: UtcMs, answeredUtcMs: UtcMs): number {
  const [least, most] = [dateUtcMs - answeredUtcMs, dateUtcMs + 1000 - askedUtcMs]
  return least <= 0 && most >= 0 ? 0 : Math.round((least + most) / 2)
}
