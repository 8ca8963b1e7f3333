/**
 * An EC2 that answers at once, in a process of its own, for figures: an account with N instances in pages of 1,000, prepared
 * before the first request. `bun canned_ec2.ts COUNT [USERS]` prints its port; it ends when standard input does.
 */

export interface CannedEc2 {
  endpoint: string
  stop(): void
}

/** Starts the server with `count` instances of `users` students. */
export async function startCannedEc2(count: number, users = 676): Promise<CannedEc2> {
  const child = Bun.spawn([process.execPath, import.meta.path, String(count), String(users)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const { value } = await child.stdout.getReader().read()
  return {
    endpoint: `http://127.0.0.1:${Buffer.from(value ?? [])
      .toString()
      .trim()}`,
    stop: () => void child.stdin.end(),
  }
}

/** `cs61c-aa` … `cs61c-zz`. */
export function login(index: number): string {
  const letter = (value: number) => String.fromCharCode(97 + (value % 26))
  return `cs61c-${letter(Math.floor(index / 26))}${letter(index)}`
}

const pageSize = 1000
const types = ["t3.micro", "t3.small", "m5.large", "c5.xlarge"]
const id = (prefix: string, index: number) => `${prefix}-${index.toString(16).padStart(17, "0")}`

/** What every instance of the account has in common. */
export const cannedIds = { image: id("ami", 1), subnet: id("subnet", 1), group: id("sg", 1) }

/** An item with all that EC2 shows of a running instance, some 4 KB. */
function instanceItem(index: number, users: number): string {
  const owner = login(index % users)
  const launched = new Date(Date.UTC(2026, 8, 1) + index * 60_000).toISOString()
  const group = `<groupSet><item><groupId>${id("sg", 1)}</groupId><groupName>default</groupName></item></groupSet>`
  const [ip, publicIp] = [
    `172.31.${(index >> 8) & 255}.${index & 255}`,
    `54.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  ]
  const dns = `ec2-${publicIp.replaceAll(".", "-")}.compute-1.amazonaws.com`
  const privateDns = `ip-${ip.replaceAll(".", "-")}.ec2.internal`
  const tags = {
    "ec2-wrappers:owner": owner,
    "ec2-wrappers:course": "cs61c",
    "ec2-wrappers:reservation": id("res", index),
    Name: `${owner} ${index}`,
  }
  const tagSet = Object.entries(tags)
    .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
    .join("")
  return `<item><instanceId>${id("i", index)}</instanceId><imageId>${id("ami", 1)}</imageId><instanceState><code>16</code><name>running</name></instanceState><privateDnsName>${privateDns}</privateDnsName><dnsName>${dns}</dnsName><reason/><keyName>${owner}-default</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>${types[index % types.length]}</instanceType><launchTime>${launched}</launchTime><placement><availabilityZone>us-east-1a</availabilityZone><availabilityZoneId>use1-az6</availabilityZoneId><groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring><subnetId>${id("subnet", 1)}</subnetId><vpcId>${id("vpc", 1)}</vpcId><privateIpAddress>${ip}</privateIpAddress><ipAddress>${publicIp}</ipAddress><sourceDestCheck>true</sourceDestCheck>${group}<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>${id("vol", index)}</volumeId><status>attached</status><attachTime>${launched}</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping><virtualizationType>hvm</virtualizationType><clientToken>${id("token", index)}</clientToken><tagSet>${tagSet}</tagSet><hypervisor>xen</hypervisor><networkInterfaceSet><item><networkInterfaceId>${id("eni", index)}</networkInterfaceId><subnetId>${id("subnet", 1)}</subnetId><vpcId>${id("vpc", 1)}</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status><macAddress>0e:00:00:00:00:01</macAddress><privateIpAddress>${ip}</privateIpAddress><privateDnsName>${privateDns}</privateDnsName><sourceDestCheck>true</sourceDestCheck>${group}<attachment><attachmentId>${id("eni-attach", index)}</attachmentId><deviceIndex>0</deviceIndex><status>attached</status><attachTime>${launched}</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment><association><publicIp>${publicIp}</publicIp><publicDnsName>${dns}</publicDnsName><ipOwnerId>amazon</ipOwnerId></association><privateIpAddressesSet><item><privateIpAddress>${ip}</privateIpAddress><privateDnsName>${privateDns}</privateDnsName><primary>true</primary><association><publicIp>${publicIp}</publicIp><publicDnsName>${dns}</publicDnsName><ipOwnerId>amazon</ipOwnerId></association></item></privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item></networkInterfaceSet><ebsOptimized>false</ebsOptimized><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions><capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference></capacityReservationSpecification><hibernationOptions><configured>false</configured></hibernationOptions><enclaveOptions><enabled>false</enabled></enclaveOptions><metadataOptions><state>applied</state><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint><httpProtocolIpv4>enabled</httpProtocolIpv4><httpProtocolIpv6>disabled</httpProtocolIpv6><instanceMetadataTags>disabled</instanceMetadataTags></metadataOptions><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation><usageOperationUpdateTime>${launched}</usageOperationUpdateTime><privateDnsNameOptions><hostnameType>ip-name</hostnameType><enableResourceNameDnsARecord>true</enableResourceNameDnsARecord><enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord></privateDnsNameOptions><maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions><currentInstanceBootMode>legacy-bios</currentInstanceBootMode></item>`
}

function reservation(index: number, users: number): string {
  return `<item><reservationId>${id("r", index)}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>${instanceItem(index, users)}</instancesSet></item>`
}

function reply(action: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>00000000-0000-4000-8000-000000000000</requestId>${content}</${action}Response>`
}

function preparedPages(count: number, users: number): Uint8Array[] {
  const pages: Uint8Array[] = []
  for (let from = 0; from === 0 || from < count; from += pageSize) {
    const to = Math.min(from + pageSize, count)
    const items = Array.from({ length: to - from }, (_, offset) => reservation(from + offset, users)).join("")
    const next = to < count ? `<nextToken>page-${pages.length + 1}</nextToken>` : ""
    pages.push(Buffer.from(reply("DescribeInstances", `<reservationSet>${items}</reservationSet>${next}`)))
  }
  return pages
}

/** What a launch looks up: one of each, matching the items above. */
const lookups: Record<string, string> = {
  DescribeInstances: "<reservationSet/>",
  DescribeSpotInstanceRequests: "<spotInstanceRequestSet/>",
  DescribeVolumes: "<volumeSet/>",
  DescribeAddresses: "<addressesSet/>",
  DescribeImages: `<imagesSet><item><imageId>${id("ami", 1)}</imageId><imageState>available</imageState><imageOwnerId>137112412989</imageOwnerId><isPublic>true</isPublic><architecture>x86_64</architecture><imageType>machine</imageType><name>al2023-ami</name><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>${id("snap", 1)}</snapshotId><volumeSize>8</volumeSize><deleteOnTermination>true</deleteOnTermination><volumeType>gp3</volumeType><encrypted>false</encrypted></ebs></item></blockDeviceMapping><virtualizationType>hvm</virtualizationType></item></imagesSet>`,
  DescribeSubnets: `<subnetSet><item><subnetId>${id("subnet", 1)}</subnetId><state>available</state><vpcId>${id("vpc", 1)}</vpcId><cidrBlock>172.31.0.0/16</cidrBlock><availabilityZone>us-east-1a</availabilityZone><defaultForAz>true</defaultForAz><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet>`,
  CreateSecurityGroup: `<groupId>${id("sg", 2)}</groupId>`,
  AuthorizeSecurityGroupIngress: "<return>true</return>",
  DescribeSecurityGroups: `<securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>${id("sg", 1)}</groupId><groupName>default</groupName><groupDescription>default</groupDescription><vpcId>${id("vpc", 1)}</vpcId></item></securityGroupInfo>`,
}

let made = 1_000_000

function launched(form: URLSearchParams): string {
  const items = Array.from({ length: Number(form.get("MaxCount") ?? 1) }, () => {
    made += 1
    return instanceItem(made, 676)
      .replace(/<code>16<\/code><name>running<\/name>/, "<code>0</code><name>pending</name>")
      .replace(/<clientToken>[^<]*/, `<clientToken>${form.get("ClientToken") ?? ""}`)
  })
  return reply(
    "RunInstances",
    `<reservationId>${id("r", made)}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>${items.join("")}</instancesSet>`,
  )
}

function keyPairs(form: URLSearchParams): string {
  const name = form.get("KeyName.1") ?? form.get("Filter.1.Value.1") ?? "cs61c-aa-default"
  return reply(
    "DescribeKeyPairs",
    `<keySet><item><keyPairId>${id("key", 1)}</keyPairId><keyFingerprint>AA</keyFingerprint><keyName>${name}</keyName><keyType>ed25519</keyType></item></keySet>`,
  )
}

if (import.meta.main) {
  const [count = 0, users = 676] = process.argv.slice(2).map(Number)
  const pages = preparedPages(count, users)
  const headers = {
    "content-type": "text/xml;charset=UTF-8",
    "x-amzn-requestid": "00000000-0000-4000-8000-000000000000",
  }
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const form = new URLSearchParams(await request.text())
      const action = form.get("Action") ?? ""
      const restricted = [...form.keys()].some((key) => /^(Filter|InstanceId)\./.test(key))
      if (action === "DescribeInstances" && !restricted) {
        const page = Number((form.get("NextToken") ?? "page-0").slice("page-".length))
        return new Response(pages[page], { headers })
      }
      if (action === "RunInstances") return new Response(launched(form), { headers })
      if (action === "DescribeKeyPairs") return new Response(keyPairs(form), { headers })
      return new Response(reply(action, lookups[action] ?? ""), { headers })
    },
  })
  console.log(server.port)
  for await (const _ of Bun.stdin.stream()) {
  }
  process.exit(0)
}
