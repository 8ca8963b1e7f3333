/** What befalls a process in a simulated term: kill -9 at some moment or around one of its calls, a reply that is lost, throttling. */

import type { AwsProxy } from "../emulator/aws_proxy.ts"
import type { FaultKind } from "../emulator/faults.ts"
import { pick, type Random } from "./random.ts"
import type { RunningTool } from "./tools.ts"

export interface Faulty {
  /** Takes back what has not happened. */
  end(): void
}

/** Longer than most processes take. */
const withinMs = 150
const changing = ["RunInstances", "TerminateInstances", "StopInstances", "StartInstances", "CreateTags"]
const wrongs: FaultKind[] = ["drop-before", "drop-after", "half-answer", "throttle", "unavailable"]

export function sabotage({ faults }: AwsProxy, child: RunningTool, random: Random): Faulty {
  const kill = async () => {
    child.kill("SIGKILL")
    await child.exited
  }
  const chance = random()
  if (chance < 0.4) {
    const timer = setTimeout(kill, random() * withinMs)
    return { end: () => clearTimeout(timer) }
  }
  // null: whatever it asks first
  const action = pick(random, [...changing, "DescribeInstances", "DescribeVolumes", null])
  const meant = { ...(action && { action }), skip: random() < 0.2 ? 1 : 0 }
  if (chance < 0.8)
    return { end: faults.add({ ...meant, kind: "watched", [pick(random, ["onArrival", "onceDone"])]: kill }) }
  return { end: faults.add({ ...meant, kind: pick(random, wrongs) }) }
}
