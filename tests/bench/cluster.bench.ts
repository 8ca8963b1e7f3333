/** hadoop_ec2's own share of a launch, with machines that boot in 30 s of a virtual clock, and how many calls it makes. */
import { planCluster } from "../../lib/decisions/clusters/cluster_plan.ts"
import { launchCluster } from "../../lib/operations/clusters/cluster_launch.ts"
import { scriptedCloud } from "../clusters/scripted_cloud.ts"
import { type Bench, ratio } from "./support/figures.ts"

const bootMs = 30_000

export const bench: Bench = {
  what: "a cluster from launch to ready; each AWS call takes 50 ms, a boot 30 s",
  async run() {
    await launched(10) // what runs once is compiled later
    const [few, many] = [await launched(10), await launched(100)]
    return [
      ratio("from launch to ready, 100 nodes", many.virtualMs, ["their boot", bootMs], 1.07),
      ratio("computing, 100 nodes", many.realMs, ["10 nodes", few.realMs], 10),
      ratio("calls to AWS and ssh, 100 nodes", many.calls, ["10 nodes", few.calls], 1, String),
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
