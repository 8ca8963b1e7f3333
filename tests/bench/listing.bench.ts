import { join } from "node:path"
import { startCannedEc2 } from "./support/canned_ec2.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { medians, run } from "./support/timing.ts"

export const bench: Bench = {
  what: "a complete DescribeInstances in pages of 1,000, from an endpoint that answers at once",
  async run() {
    const [some, many] = await Promise.all([startCannedEc2(10_000), startCannedEc2(40_000)])
    const list = (way: string, { endpoint }: { endpoint: string }) => ({
      command: [process.execPath, join(import.meta.dir, "support/list_instances.ts"), way, endpoint],
    })
    try {
      const times = await medians(
        { ours: list("ours", some), sdk: list("sdk", some) },
        { rounds: 5, warmups: 1 },
      )
      const peak = run("10,000", list("ours", some)).peakMiB
      const peakOfMany = run("40,000", list("ours", many)).peakMiB
      return [
        ratio("10,000 instances", times.ours, ["the SDK's own reader", times.sdk], 0.4),
        {
          what: "memory for 40,000 instances",
          measured: `${peakOfMany.toFixed(0)} MiB`,
          reference: `for 10,000 ${peak.toFixed(0)} MiB`,
          value: peakOfMany / peak,
          target: 1.25,
        },
      ]
    } finally {
      some.stop()
      many.stop()
    }
  },
}
