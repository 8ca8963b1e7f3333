/**
 * One of several processes that admit launches as fast as they can, each time for another login:
 *
 *     bun admit_many.ts CONFIG SEED MILLISECONDS
 *
 * Prints how many. Only the transaction is run: nothing is asked of AWS.
 */
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { reserveLaunch } from "../../../lib/operations/launches/admission.ts"
import type { LaunchPlan } from "../../../lib/operations/launches/plan.ts"
import { depsOf } from "../../support/deps.ts"

const [configPath = "", seed = "", milliseconds = ""] = process.argv.slice(2)
const deps = depsOf({ configPath }, { login: "cs61c-aa" })
const order = toOrder({ key_name: "default", image_id: "ami-1", instance_type: "m1.small" })
const rates = {
  usageOperation: "",
  microUsdPerHour: microUsdOf(85_000),
  storageMicroUsdPerHour: microUsdOf(900),
  addressMicroUsdPerHour: microUsdOf(5_000),
}
const plan: LaunchPlan = {
  request: {
    instanceType: "m1.small",
    count: 1,
    keyName: "k",
    spotMaxMicroUsdPerHour: null,
  } as LaunchPlan["request"],
  image: "ami-1",
  candidates: [{ instanceType: "m1.small", isFallback: false, rates, spotMax: null }],
  zones: [null],
  rates,
  worst: microUsdOf(400_000),
  leaseEndsAtUtcMs: utcMsOf(Date.now() + 14_400_000),
  notes: [],
}
const end = Date.now() + Number(milliseconds)
let admitted = 0
while (Date.now() < end) {
  const letters = admitted % 676
  const login = `cs61c-${String.fromCharCode(97 + Math.floor(letters / 26), 97 + (letters % 26))}`
  const caller = deps.as(login)
  const own = { instances: [], listedAtUtcMs: utcMsOf(Date.now()), orphans: new Map() }
  const asked = { plan, own, id: `${seed}-${admitted}`, quotas: new Map() }
  deps.usageDb.transaction(() => reserveLaunch(caller, order, asked))
  admitted += 1
}
console.log(admitted)
