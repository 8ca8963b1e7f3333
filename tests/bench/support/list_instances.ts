/** Lists every instance of an endpoint as a process of its own: by our adapter, or by the SDK as it comes. `bun list_instances.ts WAY ENDPOINT` */
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2"
import { openAws } from "../../../lib/aws/aws.ts"
import { settingsFor } from "../../support/aws_settings.ts"

const [way, endpoint = ""] = process.argv.slice(2)
const settings = settingsFor(endpoint)
let count = 0
if (way === "ours") {
  const ec2 = await openAws(() => settings).ec2()
  for await (const page of ec2.instancePages()) count += page.length
} else {
  const { region, credentials } = settings
  const client = new EC2Client({ region, endpoint, ...(credentials === "default" ? {} : { credentials }) })
  let token: string | undefined
  do {
    const page = await client.send(new DescribeInstancesCommand({ MaxResults: 1000, NextToken: token }))
    count += (page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances).length
    token = page.NextToken
  } while (token)
}
console.log(count)
process.exit(0)
