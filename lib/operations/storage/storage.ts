/** Volumes and snapshots of clusters: priced, admitted, tagged and recorded like instances, but for their end: they have none. */

import { createHash, randomUUID } from "node:crypto"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import type { LaunchedReply } from "../../base/launch_protocol.ts"
import { type MicroUsd, noMicroUsd, total, toUsd, usd } from "../../base/money.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { admit } from "../../decisions/launches/admission.ts"
import { objectionToTags, objectionToZone } from "../../decisions/launches/launch_policy.ts"
import { volumesAhead } from "../../decisions/launches/worst_case.ts"
import { snapshotDescription } from "../../decisions/pricing/flat_rate_charges.ts"
import { snapshotPriceOf, volumePriceOf } from "../../decisions/pricing/prices.ts"
import type { StorageOrder } from "../../decisions/storage/storage_order.ts"
import { ownProcess } from "../../host/processes/process_identity.ts"
import { markSent, requireHasKeys, requireNotHalted, requireOwnInstallation } from "../launches/access.ts"
import { admissionReads } from "../launches/admission.ts"
import { mismatch } from "../launches/client_token.ts"
import type { LaunchDeps } from "../launches/deps.ts"
import { exposureOf } from "../launches/exposure.ts"
import { refuse } from "../launches/launch_lookups.ts"
import { limitsOf } from "../launches/limits.ts"
import { type OwnInstances, ownInstances } from "../launches/own_instances.ts"
import { settleOwn } from "../launches/settle.ts"

interface Item {
  microUsdPerHour: MicroUsd
  description: string
  /** Makes it; asking twice with one token makes one. */
  make(clientToken: string, tags: Record<string, string>): Promise<{ id: string; requestId: string }>
  kind: "volume" | "snapshot"
}

/** Throws Refused with the arithmetic, UsageError, or Failed. */
export async function createVolumesOrSnapshot(deps: LaunchDeps, order: StorageOrder): Promise<LaunchedReply> {
  const { usageDb, caller, audit } = deps
  requireHasKeys(deps)
  if (!order.dry_run) await requireOwnInstallation(deps)
  refuse("tag", objectionToTags(order.tags ?? {}))
  const items = await itemsOf(deps, order)
  const microUsdPerHour = total(items.map((item) => item.microUsdPerHour))
  const reply = (ids: string[]): LaunchedReply => ({
    ids,
    hourly_cost: toUsd(microUsdPerHour),
    lease_end: null,
  })
  audit.requireRoom(caller.login)
  const own = await ownInstances(deps, caller.login)
  const id = randomUUID()
  const before = usageDb.transaction(
    () => reserve(deps, order, own, id, microUsdPerHour),
    admissionReads(deps, caller.login, own),
  )
  if (before) return reply(before)
  if (order.dry_run) return reply([])
  const of = order.action === "create_snapshot" ? ` of ${order.volume_id}` : ""
  const what = items.map(({ description }) => `${description}${of}`).join(", ")
  audit.record(caller.login, `${order.action} ${id}: ${what} at ${usd(microUsdPerHour)}/h`)
  const isAllowed = markSent(deps, { id, login: caller.login })
  const made: string[] = []
  try {
    for (const [index, item] of items.entries()) {
      const { id: itemId } = await deps.aws.guarded(isAllowed, () =>
        item.make(`${id}-${index}`, tagsOf(deps, order, id)),
      )
      made.push(itemId)
    }
  } catch (error) {
    // What was made is named and stays recorded: nothing is undone behind somebody's back.
    // Where one more may be on its way, the reservation stays for settling, which asks AWS for its tag.
    const isKnown = error instanceof AwsError && !error.mayHaveHappened
    if (isKnown) finish(deps, id, items, made)
    audit.record(
      caller.login,
      `${order.action} ${id} failed: ${messageOf(error)}; made ${made.join(" ") || "nothing"}`,
    )
    if (made.length === 0) throw error
    const code = error instanceof AwsError ? error.code : "Failed"
    throw new AwsError(order.action, `${messageOf(error)}; made before: ${made.join(" ")}`, code, true, "")
  }
  finish(deps, id, items, made)
  audit.record(caller.login, `${order.action} ${id}: made ${made.join(" ")}`)
  return reply(made)
}

async function itemsOf(deps: LaunchDeps, order: StorageOrder): Promise<Item[]> {
  const { config, caller } = deps
  const { region } = config.aws
  const ec2 = await deps.aws.ec2()
  if (order.action === "create_snapshot") {
    const [volume] = await ec2.volumes({ ids: [order.volume_id] })
    if (volume?.tags[tagOf.owner] !== caller.login) {
      throw new Refused(order.volume_id, `is not a volume of ${caller.login}`)
    }
    return [
      {
        microUsdPerHour: snapshotPriceOf(volume.gib, region, deps.usageDb.prices.storage()),
        description: snapshotDescription(volume.gib),
        kind: "snapshot",
        make: (_, tags) =>
          ec2.createSnapshot({ volumeId: volume.id, description: order.description ?? "", tags }),
      },
    ]
  }
  const items: Item[] = []
  for (const { gib, zone, snapshot_id } of order.volumes) {
    refuse("zone", objectionToZone(zone, region))
    const [snapshot] = snapshot_id ? await ec2.snapshots({ ids: [snapshot_id] }) : []
    if (snapshot_id && snapshot?.tags[tagOf.owner] !== caller.login) {
      throw new Refused(snapshot_id, `is not a snapshot of ${caller.login}`)
    }
    const size = Math.max(gib, snapshot?.gib ?? 0)
    const price = volumePriceOf(
      { type: "gp3", gib: size, iops: 0, throughput: 0 },
      region,
      deps.usageDb.prices.storage(),
    )
    items.push({
      microUsdPerHour: price ?? noMicroUsd,
      description: `gp3 ${size} GiB`,
      kind: "volume",
      make: (clientToken, tags) =>
        ec2.createVolume({ clientToken, gib: size, zone, snapshotId: snapshot?.id ?? null, tags }),
    })
  }
  return items
}

/** Inside a transaction. Returns what the same token made before; null where it is new, and reserved now. */
function reserve(
  deps: LaunchDeps,
  order: StorageOrder,
  own: OwnInstances,
  id: string,
  microUsdPerHour: MicroUsd,
): string[] | null {
  const { usageDb, config, caller, clock } = deps
  const { login } = caller
  const { dry_run: dryRun, client_token: token, ...contents } = order
  const requestDigest = createHash("sha256").update(JSON.stringify(contents)).digest("hex")
  const known = dryRun ? null : usageDb.clientTokens.get(login, token, config.course.termStartUtcMs)
  if (known) {
    if (known.requestDigest !== requestDigest) throw mismatch(token)
    const state = usageDb.reservations.byId(known.reservationId)?.state
    if (state === "settled") return usageDb.reservations.outcomeOf(known.reservationId).split(" ")
    if (state === "pending")
      throw new Failed(
        order.action,
        "the same request is under way or was cut off; list your volumes, and ask with another token",
      )
  }
  requireNotHalted(deps, login)
  settleOwn(deps, login, own)
  const worst = volumesAhead(microUsdPerHour)
  const storage = { microUsdPerHour, countedMicroUsdPerHour: microUsdPerHour }
  const admission = admit(
    exposureOf(deps, login, own, clock.now()),
    { verb: "asked", count: 0, microUsdPerHour: noMicroUsd, worst, storage },
    limitsOf(deps, login),
    config.courseBudget,
  )
  if (!admission.allow) throw new Refused(order.action, admission.because, admission.hint)
  if (dryRun) return null
  const reservation: NewReservation = {
    id,
    login,
    kind: "launch",
    region: config.aws.region,
    instanceType: "",
    market: "on-demand",
    // no instance is counted: what is reserved is the storage alone
    keyName: "",
    image: "",
    count: 0,
    microUsdPerHour: noMicroUsd,
    addressMicroUsdPerHour: noMicroUsd,
    instanceId: null,
    usageOperation: "",
    storageMicroUsdPerHour: microUsdPerHour,
    worstMicroUsd: worst,
    leaseEndsAtUtcMs: clock.now(),
    process: ownProcess(),
    createdAtUtcMs: clock.now(),
  }
  usageDb.reservations.add(reservation)
  usageDb.clientTokens.set(login, token, { reservationId: id, requestDigest })
  return null
}

/** From here on the ledger has them; cron goes on seeing whether they are there. */
function finish(
  { usageDb, caller, config, clock }: LaunchDeps,
  id: string,
  items: Item[],
  made: string[],
): void {
  const nowUtcMs = clock.now()
  usageDb.transaction(() => {
    usageDb.reservations.finish(id, made.length > 0 ? "settled" : "released", made.join(" "), nowUtcMs)
    usageDb.ledger.sums.know(caller.login)
    for (const [index, flatRateId] of made.entries()) {
      const item = items[index]
      if (!item) continue
      usageDb.ledger.flatRates.put({
        flatRateId,
        kind: item.kind,
        login: caller.login,
        region: config.aws.region,
        description: item.description,
        microUsdPerHour: item.microUsdPerHour,
        startEarliestUtcMs: nowUtcMs,
        startLatestUtcMs: nowUtcMs,
        seenUtcMs: nowUtcMs,
        endEarliestUtcMs: null,
        endLatestUtcMs: null,
        goesWithInstance: "",
      })
    }
  })
}

function tagsOf(
  { caller, config }: LaunchDeps,
  { tags, cluster }: StorageOrder,
  id: string,
): Record<string, string> {
  return {
    ...tags,
    ...config.launch.tags,
    ...(cluster && { [tagOf.cluster]: cluster.name, [tagOf.clusterRoles]: cluster.roles.join(",") }),
    [tagOf.owner]: caller.login,
    [tagOf.course]: config.course.name,
    [tagOf.reservation]: id,
  }
}
