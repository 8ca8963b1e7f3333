/** `npm run soak:hostile`: an hour of ten hostile students beside five honest ones, staff and cron. SOAK_SCALE shortens it. Needs root. */
import { whyNoNamespaces } from "../boundary/host.ts"
import { attackForAWhile } from "../support/hostile_crowd.ts"

const reason = whyNoNamespaces()
if (reason !== null) {
  console.error(`soak:hostile: ${reason}`)
  process.exit(1)
}
const seconds = 3600 * Number(process.env.SOAK_SCALE ?? 1)
const report = await attackForAWhile({ seconds, hostile: 10, honest: 5, seed: 11 })
console.log(JSON.stringify(report, null, 2))
const { slowestMs, failed, grownBytes } = report
console.log(
  `slowest: ${JSON.stringify(slowestMs)}; failed: ${failed.length}; ${Math.round(grownBytes / 1024)} KiB more`,
)
// The databases' logs may have 4 MiB each, whatever the time.
const isBad = Math.max(...Object.values(slowestMs)) > 10_000 || failed.length > 0 || grownBytes > 20_000_000
process.exit(isBad ? 1 : 0)
