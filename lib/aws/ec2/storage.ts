/** Volumes and snapshots that outlive instances: made with the account's rights, so only after an admission. */

import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2"
import { utcMsOf } from "../../base/time.ts"
import type { Ec2 } from "../interfaces.ts"
import type { Outcome } from "../outcome.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { paginate, required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filters, pageSize } from "./connection.ts"
import { tagList, tagRecord } from "./tags.ts"

type Calls = Pick<Ec2, "createVolume" | "createSnapshot" | "snapshots" | "deleteVolume" | "deleteSnapshot">

export function storageCalls({ send, sendOnce }: Ec2Connection): Calls {
  /** One that is gone is as wanted. */
  async function gone(deleting: Promise<unknown>, notFound: string): Promise<Outcome> {
    try {
      return outcomeOf((await deleting) as Parameters<typeof outcomeOf>[0])
    } catch (error) {
      if (hasCode(error, notFound)) return { requestId: error.requestId }
      throw error
    }
  }

  return {
    async createVolume({ clientToken, gib, zone, snapshotId, tags }) {
      const action = "create a volume"
      const reply = await send(
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
      return { ...outcomeOf(reply), id: required(action, reply.VolumeId) }
    },

    async createSnapshot({ volumeId, description, tags }) {
      const action = `create a snapshot of ${volumeId}`
      const reply = await sendOnce(
        action,
        new CreateSnapshotCommand({
          VolumeId: volumeId,
          Description: description,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(tags) }],
        }),
      )
      return { ...outcomeOf(reply), id: required(action, reply.SnapshotId) }
    },

    async snapshots({ ids, tags } = {}) {
      const action = "describe snapshots"
      if (asksForNothing({ ids })) return []
      const all = await paginate(
        action,
        (NextToken) =>
          send(
            action,
            new DescribeSnapshotsCommand({
              // else all that anybody has made public is searched
              OwnerIds: ["self"],
              Filters: filters({ "snapshot-id": ids }, tags),
              MaxResults: pageSize,
              NextToken,
            }),
          ),
        (page) => page.Snapshots,
      )
      const snapshots = all.map((snapshot) => ({
        id: required(action, snapshot.SnapshotId),
        gib: snapshot.VolumeSize ?? 0,
        state: snapshot.State ?? "",
        startedAtUtcMs: utcMsOf(required(action, snapshot.StartTime).getTime()),
        tags: tagRecord(snapshot.Tags),
      }))
      return snapshots.filter((snapshot) => isAskedFor([[ids, snapshot.id]], tags, snapshot.tags))
    },

    deleteVolume: (id) =>
      gone(send(`delete ${id}`, new DeleteVolumeCommand({ VolumeId: id })), "InvalidVolume.NotFound"),

    deleteSnapshot: (id) =>
      gone(send(`delete ${id}`, new DeleteSnapshotCommand({ SnapshotId: id })), "InvalidSnapshot.NotFound"),
  }
}
