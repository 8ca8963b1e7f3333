/** `npm run soak:hostile`: an hour of ten hostile students beside five honest ones, staff and cron. SOAK_SCALE shortens it. Needs root. */
import { whyNoNamespaces } from "../boundary/host.ts"
import { attackForAWhile, judge } from "../support/hostile_crowd.ts"

const reason = whyNoNamespaces()
if (reason !== null) {
  console.error(`soak:hostile: ${reason}`)
  process.exit(1)
}
const seconds = 3600 * Number(process.env.SOAK_SCALE ?? 1)
const report = await attackForAWhile({ seconds, hostile: 10, honest: 5, seed: 11 })
console.log(JSON.stringify(report, null, 2))
const wrong = judge(report)
for (const line of wrong) console.log(`WRONG: ${line}`)
process.exit(wrong.length > 0 ? 1 : 0)
