/** From which networks the course's login hosts reach instances: as the config says, else as AWS sees these hosts. */
import { hostname } from "node:os"
import { later, msPerDay, msPerMinute } from "../../base/time.ts"
import { clientAddress } from "../../host/web.ts"
import type { LaunchDeps } from "./deps.ts"

const askAgainMs = msPerDay
/** A host that cannot be told its address is not asked at each launch. */
const tryAgainMs = 10 * msPerMinute
/** A host that nobody launched from for so long has lost its place. */
const hostKeptMs = 14 * msPerDay
const patienceMs = 4_000

/** IPv4 networks, sorted; empty where the config names none and no host knows its public address. */
export async function loginHostNetworks({
  config,
  usageDb,
  clock,
}: Pick<LaunchDeps, "config" | "usageDb" | "clock">): Promise<string[]> {
  if (config.launch.sshFrom !== null) return [...config.launch.sshFrom].sort()
  const now = clock.now()
  const host = hostname()
  const known = usageDb.lookups.get<string>("address", host, later(now, -askAgainMs))
  const isFresh = known !== null && known !== ""
  const failedLately =
    known === "" && usageDb.lookups.get<string>("address", host, later(now, -tryAgainMs)) !== null
  if (!isFresh && !failedLately) {
    const address = await clientAddress(config.aws.endpoint, patienceMs).catch(() => "")
    usageDb.transaction(() => usageDb.lookups.set("address", host, address, now))
  }
  const addresses = usageDb.lookups.all<string>("address", later(now, -hostKeptMs))
  return [...new Set(addresses.filter((address) => address !== ""))].map((address) => `${address}/32`).sort()
}
