/** Every name and address under which the pages of a cluster's nodes link to each other. */
import type { Ec2 } from "../../aws/interfaces.ts"
import { tagOf } from "../../base/instance.ts"

/** Empty where none runs. By the tags that ec2-run gave them: their owner's, so that nobody's node is taken for ours by its name. */
export async function clusterHosts(
  ec2: Pick<Ec2, "instances">,
  login: string,
  cluster: string,
): Promise<string[]> {
  const nodes = await ec2.instances({
    tags: { [tagOf.owner]: login, [tagOf.cluster]: cluster },
    states: ["running"],
  })
  return nodes
    .flatMap(({ privateIp, privateDns, publicIp, publicDns }) => [
      privateIp,
      privateDns,
      // `hostname` alone, as daemons that were not told their domain write it.
      privateDns.split(".", 1)[0] ?? "",
      publicIp,
      publicDns,
    ])
    .filter((host) => host !== "")
}
