/**
 * The emulated AWS that tests run against: moto behind the proxy of `aws_proxy.ts`. One moto per test process; each
 * `startEmulator` empties it and looks up what a launch needs.
 */
import {
  DescribeImagesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2"
import { IAMClient } from "@aws-sdk/client-iam"
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm"
import { type AwsProxy, startAwsProxy } from "../emulator/aws_proxy.ts"
import { type Moto, startMoto } from "../emulator/moto.ts"

export interface Emulator {
  /** What `aws.endpoint` in a config is set to: the proxy's. */
  endpoint: string
  /** moto's own, without what the proxy adds. */
  bareEndpoint: string
  /** Faults to script, calls to count, time to move, knobs to turn, the bill. */
  proxy: AwsProxy
  region: string
  pid: number
  fixtures: Fixtures
  /** SDK clients with the account's own rights, for arranging and for looking. */
  ec2: EC2Client
  iam: IAMClient
  /** Empties it and looks the fixtures up afresh. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/** What AWS has without anybody's doing. */
export interface Fixtures {
  /** A Linux image for x86_64 whose root is an EBS volume. */
  image: string
  /** One that costs more. */
  windowsImage: string
  /** A public parameter that names a Linux image. */
  imageParameter: string
  vpcId: string
  /** The default VPC's, by zone. */
  subnets: { id: string; zone: string }[]
  defaultSecurityGroup: string
}

const region = "us-east-1"
export const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}

let shared: Promise<{ moto: Moto; proxy: AwsProxy }> | undefined

async function startShared(port: number): Promise<{ moto: Moto; proxy: AwsProxy }> {
  const moto = await startMoto()
  return { moto, proxy: await startAwsProxy(moto.endpoint, { port }) }
}

/** Starts the emulator on this port, by default a free one; or empties the one that runs. */
export async function startEmulator({ port = 0 } = {}): Promise<Emulator> {
  shared ??= startShared(port)
  const { moto, proxy } = await shared
  const clients = { region, endpoint: proxy.endpoint, credentials }
  const ssm = new SSMClient(clients)
  const emulator: Emulator = {
    endpoint: proxy.endpoint,
    bareEndpoint: moto.endpoint,
    proxy,
    region,
    pid: moto.pid,
    fixtures: undefined as unknown as Fixtures,
    ec2: new EC2Client(clients),
    iam: new IAMClient(clients),
    async reset() {
      await moto.reset()
      proxy.reset()
      emulator.fixtures = await lookUpFixtures(emulator.ec2, ssm)
      proxy.calls.length = 0
    },
    /** Frees this emulator's connections; moto goes on for the next file and ends with the process. */
    async stop() {
      emulator.ec2.destroy()
      emulator.iam.destroy()
      ssm.destroy()
    },
  }
  await emulator.reset()
  return emulator
}

const imageParameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

async function lookUpFixtures(ec2: EC2Client, ssm: SSMClient): Promise<Fixtures> {
  const [parameter, windows, subnets, groups] = await Promise.all([
    ssm.send(new GetParameterCommand({ Name: imageParameter })),
    ec2.send(new DescribeImagesCommand({ Filters: [{ Name: "platform", Values: ["windows"] }] })),
    ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: "default-for-az", Values: ["true"] }] })),
    ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: "group-name", Values: ["default"] }] })),
  ])
  return {
    image: present(parameter.Parameter?.Value),
    windowsImage: present(windows.Images?.[0]?.ImageId),
    imageParameter,
    vpcId: present(subnets.Subnets?.[0]?.VpcId),
    subnets: (subnets.Subnets ?? []).map(({ SubnetId, AvailabilityZone }) => ({
      id: present(SubnetId),
      zone: present(AvailabilityZone),
    })),
    defaultSecurityGroup: present(groups.SecurityGroups?.[0]?.GroupId),
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the emulator lacks what every AWS account has")
  return value
}
