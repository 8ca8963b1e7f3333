/**
 * `npm run soak [crowd|kills|term …]`: the long versions of tests/operations/launches, with the compiled tools. Prints what it found,
 * and ends with 1 where anything was wrong.
 */
import { microUsd, usd } from "../../lib/base/money.ts"
import { crowd, killed } from "../support/crowd.ts"
import { startEmulator } from "../support/emulator.ts"
import { maxima, simulateTerm } from "../support/term.ts"

process.env.TEST_TOOLS ??= "compiled"
const scale = Number(process.env.SOAK_SCALE ?? 1)
const wanted = process.argv.slice(2)
const emulator = await startEmulator()
const wrong: string[] = []
const portion = (count: number) => Math.max(1, Math.round(count * scale))

const soaks: Record<string, () => Promise<void>> = {
  async crowd() {
    const rounds = portion(200)
    const total = { launched: 0, refused: 0 }
    for (let round = 0; round < rounds; round += 1) {
      const users = round % 2 === 0 ? 1 : 50
      const result = await crowd(emulator, { launches: 50, users, room: users === 1 ? 20 : 1 })
      total.launched += result.launched
      total.refused += result.refused
      wrong.push(...result.wrong)
    }
    console.log(`crowd: ${rounds} rounds of 50 at once: ${total.launched} launched, ${total.refused} refused`)
  },
  async kills() {
    const kills = portion(1000)
    const total = { launched: 0, refused: 0 }
    for (let done = 0; done < kills; done += 50) {
      const result = await killed(emulator, {
        kills: Math.min(50, kills - done),
        within: 150,
        random: Math.random,
      })
      total.launched += result.launched
      total.refused += result.refused
      wrong.push(...result.wrong)
    }
    console.log(`kills: ${kills} runs: ${total.refused} killed, ${total.launched} too late`)
  },
  async term() {
    for (const withSwitches of [true, false]) {
      const options = {
        students: portion(60),
        days: portion(90),
        ...{ withSwitches, budget: 10, maxHourlyCost: 0.6, seed: 61, stepHours: 6 },
        outages: { hours: 48, every: 240 },
        say: (line: string) => console.error(line),
      }
      const result = await simulateTerm(emulator, options)
      const { billed, apart } = maxima(result)
      const outageHours = result.outageMs / 3_600_000
      const bound = options.budget + (withSwitches ? 0 : outageHours * options.maxHourlyCost)
      if (billed > microUsd(bound))
        wrong.push(`term: ${usd(billed)} billed, at most ${usd(microUsd(bound))} wanted`)
      if (apart !== 0) wrong.push(`term: the bill is ${usd(apart)} outside the ledger's bounds`)
      console.log(
        `term ${withSwitches ? "with" : "without"} switches: ${options.students} students, ${options.days} days, ${result.launches} launches, ${result.refusals} refusals, ${result.crashes} crashes, ${outageHours} h without cron: at most ${usd(billed)} billed of a budget of $${options.budget}`,
      )
    }
  },
}

for (const [name, soak] of Object.entries(soaks)) {
  if (wanted.length === 0 || wanted.includes(name)) await soak()
}
for (const line of wrong) console.log(`WRONG: ${line}`)
await emulator.stop()
process.exit(wrong.length === 0 ? 0 : 1)
