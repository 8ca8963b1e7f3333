/** What the students of a simulated term do: some forget, some are careful, some stop and start, some try to overspend. */
import { TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { shutDownFromInside } from "../emulator/happenings.ts"
import { type InstanceRecord, tagsOf } from "../emulator/instance_record.ts"
import type { Emulator } from "./emulator.ts"
import { pick } from "./random.ts"
import type { Term } from "./term.ts"

type Student = (term: Term, login: string) => Promise<void>

/** Two of the tools at once, or AWS in between, may get in each other's way. */
const overtaken =
  /is (stopped|stopping|shutting-down|terminated)|is being started already|not in a state|one-time Spot|does not exist|not an instance of|no lease/

const characters: Student[] = [
  async function forgetful(term, login) {
    await launch(term, login, pick(term.random, [1, 2]), pick(term.random, ["4h", "24h"]))
  },
  async function careful(term, login) {
    const [running] = runningOf(term, login)
    if (!running) return launch(term, login, 1, pick(term.random, ["1h", "2h", "150m"]))
    await end(term, login, running)
  },
  async function stopsAndStarts(term, login) {
    const own = instancesOf(term.emulator, login)
    const stopped = own.find(({ state }) => state === "stopped")
    const [running] = runningOf(term, login)
    const chance = term.random()
    if (stopped && chance < 0.6) await active(term, login, "--start", stopped.id)
    else if (running && chance < 0.8) await active(term, login, "--stop", running.id)
    else if (running) await active(term, login, "--extend", running.id, "2h")
    else await launch(term, login, 1, "3h")
  },
  async function greedy(term, login) {
    const own = runningOf(term, login)
    const [running] = own
    const chance = term.random()
    if (running && chance < 0.4)
      await active(term, login, "--extend", ...own.map(({ id }) => id), pick(term.random, ["20h", "2h"]))
    else if (chance < 0.6) {
      // all at the same time
      await Promise.all([4, 4, 4].map((count) => launch(term, login, count, "24h")))
    } else await launch(term, login, pick(term.random, [1, 3, 20]), "24h", "m5.large")
  },
]

export async function act(term: Term, login: string, index: number): Promise<void> {
  const student = characters[index % characters.length] as Student
  await student(term, login)
}

async function launch(
  { run, result, random, emulator }: Term,
  login: string,
  count: number,
  lease: string,
  type = pick(random, ["m1.small", "t3.micro", "m1.large"]),
): Promise<void> {
  const image = ["--ami", emulator.fixtures.image, "--root-gib", String(8 + Math.floor(random() * 20))]
  const spot = random() < 0.15 ? ["--spot"] : []
  const argv = [...image, "-t", type, "-c", String(count), "--lease", lease, ...spot]
  if ((await run("ec2_runner", argv, login)) === 0) result.launches += 1
}

async function active({ run }: Term, login: string, ...argv: string[]): Promise<void> {
  await run("ec2_active", argv, login, overtaken)
}

/** By our tool, by AWS's own means, or from inside. */
async function end(term: Term, login: string, { id }: InstanceRecord): Promise<void> {
  const { emulator, random } = term
  const chance = random()
  if (chance < 0.6) await active(term, login, "--terminate", id)
  else if (chance < 0.8) await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
  else await shutDownFromInside(emulator.proxy.world, id)
}

/** Of a login or, with null, of everybody: what is not over. */
export function instancesOf({ proxy }: Emulator, login: string | null): InstanceRecord[] {
  return [...proxy.world.instances.values()].filter(
    (record) =>
      record.state !== "terminated" &&
      record.state !== "shutting-down" &&
      (login === null || tagsOf(record)[tagOf.owner] === login),
  )
}

function runningOf({ emulator }: Term, login: string): InstanceRecord[] {
  return instancesOf(emulator, login).filter(({ state }) => state === "running")
}
