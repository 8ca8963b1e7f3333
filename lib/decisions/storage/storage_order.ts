/** Protocol 2's requests for volumes and snapshots, read strictly. */
import * as v from "valibot"
import { UsageError } from "../../base/errors.ts"
import { clientToken, cluster, name, optional, printable, problem, tags } from "../launches/launch_order.ts"

const common = {
  protocol: v.literal(2),
  client_token: clientToken,
  cluster: optional(cluster),
  tags: optional(tags),
  dry_run: optional(v.boolean()),
}

const volume = v.strictObject({
  gib: v.pipe(v.number(), v.integer("is not a whole number"), v.minValue(1), v.maxValue(16_384)),
  zone: name,
  snapshot_id: optional(v.pipe(v.string(), v.regex(/^snap-[0-9a-f]{8,32}$/, "is no snapshot id"))),
})

const volumesSchema = v.strictObject({
  ...common,
  action: v.literal("create_volumes"),
  volumes: v.pipe(v.array(volume), v.minLength(1, "is empty"), v.maxLength(400, "has more than 400 volumes")),
})

const snapshotSchema = v.strictObject({
  ...common,
  action: v.literal("create_snapshot"),
  volume_id: v.pipe(v.string(), v.regex(/^vol-[0-9a-f]{8,32}$/, "is no volume id")),
  description: optional(printable),
})

export type StorageOrder = v.InferOutput<typeof volumesSchema> | v.InferOutput<typeof snapshotSchema>

/** Throws UsageError naming the first thing that is wrong. */
export function toStorageOrder(request: object): StorageOrder {
  const action = (request as { action?: unknown }).action
  if (action !== "create_volumes" && action !== "create_snapshot") {
    throw new UsageError("request", "action is neither create_volumes nor create_snapshot")
  }
  const result = v.safeParse(action === "create_volumes" ? volumesSchema : snapshotSchema, request, {
    abortEarly: true,
  })
  if (result.success) return result.output
  throw new UsageError("request", problem(result.issues[0]))
}
