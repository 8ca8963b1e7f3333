/** hadoop_ec2's own share of a launch, with machines that boot in 30 s of a virtual clock, and how many calls it makes. */
import { planCluster } from "../../lib/decisions/clusters/cluster_plan.ts"
import { launchCluster } from "../../lib/operations/clusters/cluster_launch.ts"
import { scriptedCloud } from "../clusters/scripted_cloud.ts"
import type { Bench, Figure } from "./support/figures.ts"

const bootMs = 30_000

export const bench: Bench = {
  what: "a cluster from launch to ready; each AWS call takes 50 ms, a boot 30 s",
  async run() {
    const [few, many] = [await launched(10), await launched(100)]
    return [
      seconds("waiting beyond the boot, 100 nodes", many.virtualMs - bootMs, 2),
      seconds("computing, 100 nodes", many.realMs, 2),
      {
        what: "calls to AWS and ssh, 100 nodes beside 10",
        measured: String(many.calls),
        reference: `10 nodes ${few.calls}`,
        value: many.calls / few.calls,
        target: 1,
      },
    ]
  },
}

async function launched(nodes: number) {
  const cloud = scriptedCloud({ bootMs })
  const [virtual, real] = [cloud.now(), performance.now()]
  try {
    await launchCluster(cloud.session, {
      groups: planCluster([String(nodes - 1)]).groups,
      mode: "launch",
      onFailure: null,
      timeoutMs: 1_200_000,
    })
    const calls = Object.values(cloud.calls).reduce((sum, count) => sum + count, 0)
    return { virtualMs: cloud.now() - virtual, realMs: performance.now() - real, calls }
  } finally {
    cloud.close()
  }
}

function seconds(what: string, ms: number, target: number): Figure {
  return {
    what,
    measured: `${(ms / 1000).toFixed(2)} s`,
    reference: "",
    value: ms / 1000,
    target,
    unit: " s",
  }
}
