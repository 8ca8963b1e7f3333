/**
 * Students who attack the locks in every way that they have, at random, beside honest students, staff and cron, on an installed host.
 * What is measured is how long the others wait, and what the data directory grows by.
 */
import { dataDir, type Host } from "../boundary/host.ts"
import { launcher, makeTransactionHost, tool } from "../boundary/transaction_host.ts"
import { generator, pick } from "./random.ts"

export interface CrowdOptions {
  seconds: number
  hostile: number
  honest: number
  seed: number
}

export interface CrowdReport {
  attacks: Record<string, number>
  /** Of honest students, staff and cron together. */
  commands: number
  failed: string[]
  slowestMs: Record<"student" | "staff" | "cron", number>
  grownBytes: number
}

const hostileLogins = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `cs61c-h${number}` as "cs61c-h0")
const honestLogins = [0, 1, 2, 3, 4].map((number) => `cs61c-k${number}` as "cs61c-k0")

/** Busy loops on one processor, from the moment that a run has its lock. */
const starve = (loops: number, options: string) => `
  taskset -c 0 ${tool} --hold 50 2>/dev/null >/dev/null & run=$!
  for i in $(seq 200); do grep -q "POSIX.* WRITE $run " /proc/locks && break; done
  loops=; for i in $(seq ${loops}); do taskset -c 0 ${options} sh -c 'while :; do :; done' & loops="$loops $!"; done
  sleep 3; kill -9 $loops; wait $run`

const attacks: Record<string, () => string> = {
  "starve the run": () => starve(30, ""),
  "starve it with nice": () => `nice -n 5 sh -c '${starve(20, "").replaceAll("'", "'\\''")}'`,
  "nice 19": () => `nice -n 19 ${tool} --hold 50 >/dev/null 2>&1`,
  "hold the lock": () => `timeout -s KILL 8 ${tool} --hold 20000 >/dev/null 2>&1`,
  "hold the audit log": () => `${tool} --hold 4000 --lock audit-log >/dev/null 2>&1`,
  "keep staff's turn": () => `${tool} --hold 4000 --lock turn.lock >/dev/null 2>&1`,
  "ten at once": () => `for i in 1 2 3 4 5 6 7 8 9 10; do ${tool} --hold 100 >/dev/null 2>&1 & done; wait`,
  "never drain": () =>
    `mkfifo $$.p; exec 3<>$$.p; rm $$.p; timeout -s KILL 5 ${tool} --hold 1 --lines 50000 >&3 2>/dev/null`,
  "close all": () => `${tool} --hold 10 <&- >&- 2>&-`,
  "fill the log": () =>
    `for i in 1 2 3 4 5; do ${tool} --hold 1 --refuse ${"x".repeat(20_000)} >/dev/null 2>&1; done`,
}

export async function attackForAWhile({
  seconds,
  hostile,
  honest,
  seed,
}: CrowdOptions): Promise<CrowdReport> {
  const host = await makeTransactionHost()
  try {
    host.sh(`sed -i 's|^staff *=.*|staff = ["cs61c", "cs61c-ta"]|' /etc/ec2-wrappers/config.toml`)
    return await run(host, { seconds, hostile, honest, seed })
  } finally {
    host.stop()
  }
}

async function run(host: Host, { seconds, hostile, honest, seed }: CrowdOptions): Promise<CrowdReport> {
  const sizeNow = () => Number(host.sh(`du -sb ${dataDir} | cut -f1`).stdout)
  const before = sizeNow()
  const endsAt = performance.now() + seconds * 1000
  const isOver = () => performance.now() > endsAt
  const report: CrowdReport = {
    attacks: Object.fromEntries(Object.keys(attacks).map((name) => [name, 0])),
    commands: 0,
    failed: [],
    slowestMs: { student: 0, staff: 0, cron: 0 },
    grownBytes: 0,
  }

  async function attack(login: "cs61c-h0", number: number): Promise<void> {
    const random = generator(seed + number)
    while (!isOver()) {
      const [name, script] = pick(random, Object.entries(attacks))
      await host.as(login, [`chdir=/home/${login}`], ["/bin/sh", "-c", script()])
      report.attacks[name] = (report.attacks[name] ?? 0) + 1
    }
  }

  async function work(
    who: "student" | "staff" | "cron",
    command: () => ReturnType<Host["as"]>,
  ): Promise<void> {
    while (!isOver()) {
      const begun = performance.now()
      const { code, stderr } = await command()
      report.slowestMs[who] = Math.max(report.slowestMs[who], performance.now() - begun)
      report.commands += 1
      if (code !== 0) report.failed.push(`${who}: ${stderr.trim().split("\n").at(-1)}`)
      await Bun.sleep(200)
    }
  }

  const env = { HOME: "/home/cs61c" }
  await Promise.all([
    ...hostileLogins.slice(0, hostile).map(attack),
    ...honestLogins
      .slice(0, honest)
      .map((login) => work("student", () => host.as(login, [], [tool, "--hold", "1"]))),
    work("staff", () => host.as("cs61c-ta", [], [tool, "--hold", "1"])),
    work("cron", () => host.as("cs61c", [], [launcher, "--hold", "1", "--record", "cron was here"], { env })),
  ])
  report.grownBytes = sizeNow() - before
  return report
}
