/** An endpoint that answers as if nothing had been filtered: nobody gets what is another's. */

import { afterAll, beforeAll, expect, test } from "bun:test"
import {
  AllocateAddressCommand,
  CreateSecurityGroupCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2"
import { openAws } from "../../../lib/aws/aws.ts"
import type { Ec2 } from "../../../lib/aws/interfaces.ts"
import { tagOf } from "../../../lib/base/instance.ts"
import { removeIdentity } from "../../../lib/operations/identities/removal.ts"
import { settingsFor } from "../../support/aws_settings.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"
import { identityWorld } from "../../support/identities.ts"

let emulator: Emulator
let ec2: Ec2
beforeAll(async () => {
  emulator = await startEmulator()
  for (const owner of ["cs61c-aa", "cs61c-bb"]) await fill(owner)
  ec2 = await openAws(() => settingsFor(emulator.endpoint)).ec2()
  emulator.proxy.faults.add({ kind: "unfiltered", service: "ec2", times: Number.POSITIVE_INFINITY })
})
afterAll(() => emulator.stop())

const mine = { [tagOf.owner]: "cs61c-aa" }

/** One of everything. */
async function fill(owner: string): Promise<void> {
  const Tags = [{ Key: tagOf.owner, Value: owner }]
  const zone = emulator.fixtures.subnets[0]?.zone ?? ""
  const tagged = <T extends string>(ResourceType: T) => ({ TagSpecifications: [{ ResourceType, Tags }] })
  const { ec2: raw } = emulator
  const key = await openAws(() => settingsFor(emulator.endpoint)).ec2()
  await key.createKeyPair(`${owner}-default`, { [tagOf.owner]: owner })
  await raw.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
      ...{ KeyName: `${owner}-default`, InstanceMarketOptions: { MarketType: "spot" } },
      TagSpecifications: [
        { ResourceType: "instance", Tags },
        { ResourceType: "spot-instances-request", Tags },
      ],
    }),
  )
  const { VolumeId } = await raw.send(
    new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1, ...tagged("volume") }),
  )
  await raw.send(new CreateSnapshotCommand({ VolumeId, ...tagged("snapshot") }))
  await raw.send(new AllocateAddressCommand({ Domain: "vpc", ...tagged("elastic-ip") }))
  await raw.send(
    new CreateSecurityGroupCommand({ GroupName: owner, Description: owner, ...tagged("security-group") }),
  )
}

const listings: [what: string, list: () => Promise<{ tags: Record<string, string> }[]>][] = [
  ["instances by tag", () => ec2.instances({ tags: mine })],
  ["instances by key", () => ec2.instances({ keyNames: [{ beginning: "cs61c-aa-" }] })],
  ["spot requests", () => ec2.spotRequests({ tags: mine })],
  ["volumes", () => ec2.volumes({ tags: mine })],
  ["snapshots", () => ec2.snapshots({ tags: mine })],
  ["addresses", () => ec2.addresses({ tags: mine })],
  ["security groups by tag", () => ec2.securityGroups({ tags: mine })],
  ["security groups by name", () => ec2.securityGroups({ names: ["cs61c-aa"] })],
  ["key pairs by tag", () => ec2.keyPairs({ tags: mine })],
  ["key pairs by name", () => ec2.keyPairs({ names: ["cs61c-aa-default"] })],
]

test.each(listings)("%s are those that were asked for", async (_, list) => {
  expect((await list()).map(({ tags }) => tags[tagOf.owner])).toEqual(["cs61c-aa"])
})

test("instances and volumes by id and by state, subnets", async () => {
  const [first] = await ec2.instances()
  const id = first?.id ?? ""
  expect((await ec2.instances({ ids: [id] })).map((instance) => instance.id)).toEqual([id])
  expect(await ec2.instances({ states: ["stopped"] })).toEqual([])
  expect(await ec2.spotRequests({ states: ["failed"] })).toEqual([])
  const [subnet] = emulator.fixtures.subnets
  expect((await ec2.subnets({ ids: [subnet?.id ?? ""] })).map((one) => one.id)).toEqual([subnet?.id ?? ""])
})

test("--delete-account neither counts nor removes what is another's", async () => {
  const world = await identityWorld(emulator)
  await expect(removeIdentity(world.deps("cs61c-aa"), { terminateInstances: false })).rejects.toThrow(
    "cs61c-aa has 1 instance (",
  )
  const { removed } = await removeIdentity(world.deps("cs61c-cc"), { terminateInstances: true })
  expect(removed).toEqual([])
  world.close()
})
