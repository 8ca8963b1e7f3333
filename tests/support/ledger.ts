/** Ledgers for tests: a new usage.db in a private temporary directory, and instances as EC2 shows them. */

import { join } from "node:path"
import type { Instance } from "../../lib/base/instance.ts"
import { microUsd } from "../../lib/base/money.ts"
import { type Clock, type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import type { UsageDb } from "../../lib/db/usage_db.ts"
import { usageDbAt } from "./databases.ts"
import { scratchDirectory } from "./scratch.ts"

/** A clock that stands until it is set. */
function standingClock(utcMs = utcMsOf(Date.UTC(2026, 8, 1))): Clock & { utcMs: UtcMs } {
  return {
    utcMs,
    now() {
      return this.utcMs
    },
    async sleep(ms) {
      this.utcMs = utcMsOf(this.utcMs + ms)
    },
  }
}

export function newLedger(clock: Clock = standingClock()): UsageDb {
  return usageDbAt({ path: join(scratchDirectory("ledger"), "usage.db"), clock, create: true })
}

/** Per second, 60 s minimum, an m1.small at the price of 2010. */
export const plainRules = {
  prices: { onDemand: { "m1.small": microUsd(0.085) }, spotFactor: 0.7 },
  billing: { granularity: "second" as const, minimumMs: 60_000 },
}

export function instanceWith(parts: Partial<Instance> & { id: string }): Instance {
  return {
    ...{ type: "m1.small", state: "running", market: "on-demand", region: "us-east-1", zone: "us-east-1a" },
    ...{ imageId: "ami-1", keyName: "cs61c-ab-default", launchedAtUtcMs: utcMsOf(Date.UTC(2026, 8, 1)) },
    ...{
      firstAttachedUtcMs: null,
      stateTransitionReason: "",
      stateReasonCode: "",
      usageOperation: "RunInstances",
    },
    ...{
      platform: "",
      spotRequestId: "",
      clientToken: "",
      privateIp: "",
      privateDns: "",
      publicIp: "",
      publicDns: "",
    },
    interfaceIds: [],
    ...{ subnetId: "", vpcId: "", securityGroups: [], volumes: [], hibernationConfigured: false, tags: {} },
    ...parts,
  }
}
