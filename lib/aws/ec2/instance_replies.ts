/** Which parts of EC2's replies about instances are read: of some 150 elements of an instance, these. */
import { type Read, text } from "../protocol/xml.ts"

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html, by the names in the XML. */
const instance = {
  instanceId: text,
  instanceType: text,
  instanceState: { name: text },
  instanceLifecycle: text,
  placement: { availabilityZone: text },
  imageId: text,
  keyName: text,
  launchTime: text,
  reason: text,
  stateReason: { code: text, message: text },
  usageOperation: text,
  platform: text,
  spotInstanceRequestId: text,
  clientToken: text,
  privateIpAddress: text,
  privateDnsName: text,
  ipAddress: text,
  dnsName: text,
  subnetId: text,
  vpcId: text,
  groupSet: [{ groupId: text, groupName: text }],
  blockDeviceMapping: [{ deviceName: text, ebs: { volumeId: text, deleteOnTermination: text } }],
  networkInterfaceSet: [{ networkInterfaceId: text, attachment: { deviceIndex: text, attachTime: text } }],
  hibernationOptions: { configured: text },
  tagSet: [{ key: text, value: text }],
} as const

export type InstanceElement = Read<typeof instance>

const describeInstances = {
  requestId: text,
  reservationSet: [{ instancesSet: [instance] }],
  nextToken: text,
} as const
const runInstances = { requestId: text, instancesSet: [instance] } as const

export type DescribeInstancesReply = Read<typeof describeInstances>
export type RunInstancesReply = Read<typeof runInstances>

/** The operations whose replies are read by shape; all others by the SDK's schemas. */
export const instanceReplies: Record<
  string,
  { shape: typeof describeInstances | typeof runInstances; required: readonly never[] } | undefined
> = {
  DescribeInstances: { shape: describeInstances, required: ["reservationSet"] as never },
  RunInstances: { shape: runInstances, required: ["instancesSet"] as never },
}
