/** Volumes and snapshots that are made for clusters: with the account's rights, so only after an admission. */
import { CreateSnapshotCommand, CreateVolumeCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2"
import { outcomeOf } from "./connection.ts"
import type { Ec2Connection } from "./ec2_connection.ts"
import { hasCode } from "./errors.ts"
import type { Ec2 } from "./interfaces.ts"
import { present } from "./pages.ts"
import { tagList, tagRecord } from "./tags.ts"

type Calls = Pick<Ec2, "createVolume" | "createSnapshot" | "snapshot">

export function storageCalls({ ask }: Ec2Connection): Calls {
  return {
    async createVolume({ clientToken, gib, zone, snapshotId, tags }) {
      const action = "create a volume"
      const reply = await ask(
        action,
        new CreateVolumeCommand({
          ClientToken: clientToken,
          AvailabilityZone: zone,
          Size: gib,
          VolumeType: "gp3",
          Encrypted: true,
          ...(snapshotId === null ? {} : { SnapshotId: snapshotId }),
          TagSpecifications: [{ ResourceType: "volume", Tags: tagList(tags) }],
        }),
      )
      return { ...outcomeOf(reply), id: present(action, reply.VolumeId) }
    },

    async createSnapshot({ volumeId, description, tags }) {
      const action = `create a snapshot of ${volumeId}`
      const reply = await ask(
        action,
        new CreateSnapshotCommand({
          VolumeId: volumeId,
          Description: description,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(tags) }],
        }),
      )
      return { ...outcomeOf(reply), id: present(action, reply.SnapshotId) }
    },

    async snapshot(id) {
      const action = `describe snapshot ${id}`
      try {
        const reply = await ask(action, new DescribeSnapshotsCommand({ SnapshotIds: [id] }))
        const found = present(action, reply.Snapshots).find(({ SnapshotId }) => SnapshotId === id)
        return found ? { id, gib: found.VolumeSize ?? 0, tags: tagRecord(found.Tags) } : null
      } catch (error) {
        if (hasCode(error, "InvalidSnapshot.NotFound", "InvalidSnapshotID.Malformed")) return null
        throw error
      }
    },
  }
}
