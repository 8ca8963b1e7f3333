/** `/_emulator/…`: what tests do with the proxy's object, for people and programs outside of this process. JSON in and out. */
import type { AwsProxy } from "./aws_proxy.ts"
import { type FaultKind, faultKinds } from "./faults.ts"
import { resetMoto } from "./moto.ts"
import type { World } from "./world.ts"

export const controlPrefix = "/_emulator/"

export interface ControlReply {
  status: number
  body: unknown
}

/** Said to the caller with status 400. */
class WrongRequest extends Error {}

type Order = Record<string, unknown>
type Action = (proxy: AwsProxy, order: Order) => unknown

const actions: Record<string, Action> = {
  "GET calls": ({ calls }) => calls,
  "GET bill": ({ world }) => ({
    lines: world.bill.lines(),
    total_usd: world.bill.total() / 1e6,
  }),
  "GET knobs": ({ world }) => world.knobs,
  "POST knobs": ({ world }, order) => turnKnobs(world, order),
  "POST faults": ({ faults }, order) => {
    faults.add(faultOf(order))
    return { scripted: order }
  },
  "DELETE faults": ({ faults }) => {
    faults.clear()
    return {}
  },
  "POST advance": async (proxy, { minutes }) => {
    if (typeof minutes !== "number" || !(minutes > 0 && minutes <= 525_600))
      throw new WrongRequest("minutes is not a number from 0 to 525600 (a year)")
    await proxy.advance(minutes * 60_000)
    return { now: new Date(proxy.world.clock.now()).toISOString() }
  },
  "POST reset": async (proxy) => {
    await resetMoto(proxy.world.moto.endpoint)
    proxy.reset()
    return {}
  },
}

/** Answers a request to `/_emulator/NAME`; the body is a JSON object or empty. */
export async function control(
  proxy: AwsProxy,
  method: string,
  path: string,
  body: string,
): Promise<ControlReply> {
  const action = actions[`${method} ${path.slice(controlPrefix.length)}`]
  if (action === undefined) return { status: 404, body: { error: "unknown", wanted: Object.keys(actions) } }
  try {
    return { status: 200, body: await action(proxy, orderOf(body)) }
  } catch (error) {
    if (!(error instanceof WrongRequest)) throw error
    return { status: 400, body: { error: error.message } }
  }
}

function orderOf(body: string): Order {
  if (body.trim() === "") return {}
  try {
    const order: unknown = JSON.parse(body)
    if (typeof order === "object" && order !== null && !Array.isArray(order)) return order as Order
  } catch {}
  throw new WrongRequest("the body is not a JSON object")
}

function faultOf({ kind, action, service, times, skip, delayMs }: Order) {
  if (!faultKinds.includes(kind as FaultKind))
    throw new WrongRequest(`kind is none of ${faultKinds.join(", ")}`)
  return {
    kind: kind as FaultKind,
    ...(action !== undefined && { action: String(action) }),
    ...(service !== undefined && { service: String(service) }),
    ...(times !== undefined && { times: countOf("times", times) }),
    ...(skip !== undefined && { skip: countOf("skip", skip) }),
    ...(delayMs !== undefined && { delayMs: countOf("delayMs", delayMs) }),
  }
}

function turnKnobs({ knobs }: World, order: Order): World["knobs"] {
  for (const [name, value] of Object.entries(order)) {
    const present = knobs[name as keyof typeof knobs]
    if (present === undefined) throw new WrongRequest(`${name} is none of ${Object.keys(knobs).join(", ")}`)
    if (typeof value !== typeof present) throw new WrongRequest(`${name} is not a ${typeof present}`)
  }
  return Object.assign(knobs, order)
}

function countOf(name: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 0) return Number(value)
  throw new WrongRequest(`${name} is not a whole number`)
}
