/** Does EC2 answer in each region that the config names? */
import type { Aws } from "../../aws/interfaces.ts"
import { acrossRegions } from "../../aws/regions.ts"
import type { Config } from "../../base/config.ts"
import { type Finding, failing, ok } from "./finding.ts"

/** Throws where none answers. */
export async function checkRegions({ config, aws }: { config: Config; aws: Aws }): Promise<Finding[]> {
  const { answers, silent } = await acrossRegions(config.aws.regions, async (region) =>
    (await aws.ec2(region)).subnets({ defaultOnly: true }),
  )
  return [
    ...[...answers.keys()].map((region) => ok(`region ${region}`, "EC2 answers")),
    ...silent.map(({ region, reason, isNotEnabled }) =>
      failing(
        `region ${region}`,
        isNotEnabled ? "is not enabled for the account" : reason,
        isNotEnabled
          ? "enable it in the account's settings, or take it out of [aws] regions"
          : "until EC2 answers there, nothing that runs there is counted or ended; else take it out of [aws] regions",
      ),
    ),
  ]
}
