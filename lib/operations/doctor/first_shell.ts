/** Could a student log in to what was just launched? Only what the config and AWS say; nothing is launched. */
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { userOfImage } from "../../decisions/ssh/login_target.ts"
import { clientAddress } from "../../host/web.ts"
import { type Finding, failing, ok, warning } from "./finding.ts"

const patienceMs = 5_000

export async function checkFirstShell({ config, aws }: { config: Config; aws: Aws }): Promise<Finding[]> {
  return [await checkNetworks(config), await checkUser(config, aws), ...(await checkSubnet(config, aws))]
}

async function checkNetworks({ launch, aws }: Config): Promise<Finding> {
  const what = "ssh to instances"
  if (launch.sshFrom === null) {
    const address = await clientAddress(aws.endpoint, patienceMs).catch(() => null)
    if (address !== null) return ok(what, `comes from this host's address, ${address}`)
    return failing(
      what,
      "comes from nowhere: this host does not know its public address",
      "name the login hosts' networks in [launch] ssh_from",
    )
  }
  if (launch.sshFrom.length === 0)
    return failing(
      what,
      "comes from nowhere: ssh_from is empty",
      "name the login hosts' networks in [launch] ssh_from",
    )
  if (launch.sshFrom.includes("0.0.0.0/0"))
    return warning(what, "comes from anywhere", "name the login hosts' networks in [launch] ssh_from")
  return ok(what, `comes from ${launch.sshFrom.join(", ")}`)
}

async function checkUser({ launch }: Config, aws: Aws): Promise<Finding> {
  const what = "user of instances"
  if (launch.user !== "") return ok(what, launch.user)
  if (launch.image === "") return ok(what, "is told by each image's name")
  const named = launch.image.replace(/^resolve:ssm:/, "")
  const id = named.startsWith("ami-") ? named : await (await aws.ssm()).parameter(named)
  const image = id === null ? null : await (await aws.ec2()).image(id)
  const user = userOfImage(image?.name ?? "")
  if (user !== null) return ok(what, `${user}, by the name of ${launch.image}`)
  return failing(what, `is not told by the name of ${launch.image}`, "set [launch] user")
}

async function checkSubnet({ launch }: Config, aws: Aws): Promise<Finding[]> {
  if (launch.subnet === "") return []
  const what = `subnet ${launch.subnet}`
  const [subnet] = await (await aws.ec2()).subnets({ ids: [launch.subnet] })
  if (!subnet) return [failing(what, "does not exist", "set [launch] subnet to one that exists")]
  if (subnet.mapPublicIp) return [ok(what, "gives instances public addresses")]
  return [
    warning(
      what,
      "gives instances no public address",
      "see that the login hosts reach the VPC's private addresses, or use another subnet",
    ),
  ]
}
