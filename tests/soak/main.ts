/**
 * `npm run soak [crowd|kills|syscalls|oracle|term …]`: the long versions of tests/operations/launches, with the compiled tools. Prints what it found,
 * and ends with 1 where anything was wrong.
 */
import { microUsd, microUsdOf, usd } from "../../lib/base/money.ts"
import { crowd, crowdOfVolumes, killed } from "../support/crowd.ts"
import { startEmulator } from "../support/emulator.ts"
import { tryWorlds } from "../support/oracle/world.ts"
import {
  courseToKillIn,
  disagreementsAfterSettling,
  killAtEach,
  operations,
  strace,
  syscalls,
} from "../support/syscall_kills.ts"
import { boundOf, simulateTerm } from "../support/term.ts"

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
    let volumes = 0
    for (let round = 0; round < rounds; round += 1) {
      const users = round % 2 === 0 ? 1 : 50
      // every tenth pair of rounds comes before anything was looked up
      const unprepared = Math.floor(round / 2) % 10 === 0
      const result = await crowd(emulator, { launches: 50, users, room: users === 1 ? 20 : 1, unprepared })
      total.launched += result.launched
      total.refused += result.refused
      wrong.push(...result.wrong)
      if (round % 10 === 0) {
        const stored = await crowdOfVolumes(emulator, { requests: 50, room: 20 })
        wrong.push(...stored.wrong)
        volumes += stored.launched
      }
      const isLast = round === rounds - 1
      if (isLast || round % 10 === 9) {
        const sums = `${total.launched} launched, ${total.refused} refused, ${volumes} volumes made, ${wrong.length} wrong`
        const say = isLast ? console.log : console.error
        say(`crowd: ${round + 1} rounds of 50 at once: ${sums}`)
      }
    }
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
  async syscalls() {
    const step = Math.round(1 / scale)
    let killed = 0
    for (const operation of operations) {
      const day = await courseToKillIn(emulator)
      for (const syscall of strace ? syscalls : []) {
        killed += await killAtEach(day, emulator.fixtures.image, operation, syscall, { step })
        const disagreements = await disagreementsAfterSettling(day)
        wrong.push(...disagreements.map((line) => `${operation} killed at its ${syscall}: ${line}`))
      }
      day.close()
      console.error(`syscalls: ${operation} done, ${killed} killed`)
    }
    console.log(
      strace
        ? `syscalls: ${killed} runs killed, one at each ${syscalls.join(", ")} of ${operations.join(", ")}`
        : "syscalls: skipped, strace is not installed",
    )
  },
  async oracle() {
    const worlds = portion(1000)
    const found = await tryWorlds(1, 1 + worlds)
    wrong.push(...found.wrong)
    console.log(
      `oracle: ${found.histories} histories in ${worlds} courses, ${found.compared} comparisons with the bill, ${found.exact} known exactly`,
    )
  },
  async term() {
    for (const withSwitches of [true, false]) {
      const options = {
        students: portion(60),
        days: portion(90),
        ...{ withSwitches, budget: 20, maxHourlyCost: 0.6, seed: 61 },
        outages: { hours: 48, every: 240 },
        say: (line: string) => console.error(line),
      }
      const result = await simulateTerm(emulator, options)
      const { accounts, outageHours, longestOutageHours } = result
      const most = Math.max(...accounts.map(({ billed }) => billed))
      const bound = boundOf(options, result)
      wrong.push(...result.wrong)
      if (most > bound) wrong.push(`term: ${usd(microUsdOf(most))} billed, at most ${usd(bound)} wanted`)
      const sum = (what: "billed" | "exact" | "charges" | "exactCharges" | "endedByCalls" | "exactOfThose") =>
        accounts.reduce((total, account) => total + account[what], 0)
      const share = ((100 * sum("exact")) / sum("billed")).toFixed(1)
      console.log(
        `term ${withSwitches ? "with" : "without"} switches: ${options.students} students, ${options.days} days, ${result.processes} processes, ${result.killed} killed, ${result.launches} launches, ${result.refusals} refusals, ${outageHours} h without cron, ${longestOutageHours} h at the longest`,
      )
      console.log(
        `  at most ${usd(microUsdOf(most))} billed of a budget of ${usd(microUsd(options.budget))}, ${usd(bound)} allowed; ${usd(microUsdOf(sum("billed")))} billed in all, ${share} % of it known exactly and equal, the rest within the ledger's bounds (${sum("exactCharges")} of ${sum("charges")} charges exact; ${sum("exactOfThose")} of the ${sum("endedByCalls")} instances that calls ended)`,
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
