/** EC2's calls about instances that exist: describing, stopping, starting, terminating, their attributes. */
import { checkVcpus, takeCapacity } from "./capacity.ts"
import { filtersOf, instanceMatches, pageOf } from "./filters.ts"
import {
  becomePending,
  causes,
  type InstanceRecord,
  isVisible,
  type State,
  stop,
  terminate,
} from "./instance_record.ts"
import { refreshItem, shownItem, stateChange } from "./instance_view.ts"
import { AwsFault, type AwsRequest, ec2Reply, type Reply } from "./request.ts"
import type { World } from "./world.ts"
import { type Element, findAll, itemsOf, textAt } from "./xml.ts"

export async function describeInstances(world: World, request: AwsRequest): Promise<Reply> {
  const { form, region } = request
  const ids = form.list("InstanceId")
  if (ids.length > 0 && form.get("MaxResults") !== undefined) {
    throw new AwsFault(
      "InvalidParameterCombination",
      "The parameter instancesSet cannot be used with the parameter maxResults",
    )
  }
  const candidates = ids.length > 0 ? recordsOf(world, request) : visibleIn(world, region)
  await refresh(world, region, candidates)
  const filters = filtersOf(form)
  const shown = candidates
    .map((record) => ({ record, item: shownItem(world, record) }))
    .filter(({ record, item }) => instanceMatches(item, record.reservationId, filters))
  const { page, nextToken } = pageOf(shown, form, world.knobs.pageSize)
  return ec2Reply("DescribeInstances", { reservationSet: reservations(page), nextToken })
}

export async function describeInstanceStatus(world: World, request: AwsRequest): Promise<Reply> {
  const all = request.form.get("IncludeAllInstances") === "true"
  const records =
    request.form.list("InstanceId").length > 0 ? recordsOf(world, request) : visibleIn(world, request.region)
  const filters = filtersOf(request.form)
  const shown = records.filter(
    (record) =>
      (all || record.state === "running") &&
      instanceMatches(shownItem(world, record), record.reservationId, filters),
  )
  const { page, nextToken } = pageOf(shown, request.form, world.knobs.pageSize)
  const status = (record: InstanceRecord) => ({
    status: record.state === "running" ? "ok" : "not-applicable",
  })
  return ec2Reply("DescribeInstanceStatus", {
    instanceStatusSet: itemsOf(
      page.map((record) => ({
        instanceId: record.id,
        availabilityZone: record.zone,
        instanceState: { code: textAt(shownItem(world, record), "instanceState/code"), name: record.state },
        systemStatus: status(record),
        instanceStatus: status(record),
      })),
    ),
    nextToken,
  })
}

export async function terminateInstances(world: World, request: AwsRequest): Promise<Reply> {
  const records = recordsOf(world, request)
  for (const record of records) {
    // Stop protection refuses a termination, too:
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html
    const protection = record.disableApiTermination
      ? "disableApiTermination"
      : record.disableApiStop
        ? "disableApiStop"
        : null
    if (protection !== null && record.state !== "terminated") {
      throw new AwsFault(
        "OperationNotPermitted",
        `The instance '${record.id}' may not be terminated. Modify its '${protection}' instance attribute and try again.`,
      )
    }
  }
  dryRun(request)
  await world.moto.forward(request)
  return change(request, records, (record) => terminate(world, record, causes.user), "instancesSet")
}

export async function stopInstances(world: World, request: AwsRequest): Promise<Reply> {
  const records = recordsOf(world, request)
  for (const record of records) {
    requireState(record, ["running", "stopping", "stopped"], "stopped")
    if (record.spotRequestId !== "") {
      throw new AwsFault(
        "UnsupportedOperation",
        `You can't stop the Spot Instance '${record.id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
      )
    }
    if (record.disableApiStop) {
      throw new AwsFault(
        "OperationNotPermitted",
        `The instance '${record.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
      )
    }
  }
  dryRun(request)
  await world.moto.forward(request)
  const cause = request.form.get("Hibernate") === "true" ? causes.hibernate : causes.user
  return change(request, records, (record) => stop(world, record, cause), "instancesSet")
}

export async function startInstances(world: World, request: AwsRequest): Promise<Reply> {
  const records = recordsOf(world, request)
  for (const record of records) requireState(record, ["stopped", "pending", "running"], "started")
  dryRun(request)
  for (const record of records.filter(({ state }) => state === "stopped")) {
    checkVcpus(world, request.region, { ...record, spot: false }, 1)
    takeCapacity(world, record.type, record.zone, 1, 1)
  }
  await world.moto.forward(request)
  // with its new address, which is billed from now on
  for (const record of records) record.stale = true
  await refresh(world, request.region, records)
  const start = (record: InstanceRecord) => record.state === "stopped" && becomePending(world, record)
  return change(request, records, start, "instancesSet")
}

export async function rebootInstances(world: World, request: AwsRequest): Promise<Reply> {
  for (const record of recordsOf(world, request)) requireState(record, ["running"], "rebooted")
  dryRun(request)
  return ec2Reply("RebootInstances", { return: true })
}

/** The records that a request names, all or an error as EC2 words it. */
export function recordsOf(
  world: World,
  { form, region }: Pick<AwsRequest, "form" | "region">,
): InstanceRecord[] {
  const ids = form.list("InstanceId")
  if (ids.length === 0) throw new AwsFault("InvalidParameterCombination", "No instances specified")
  const malformed = ids.find((id) => !/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
  if (malformed !== undefined) throw new AwsFault("InvalidInstanceID.Malformed", `Invalid id: "${malformed}"`)
  const found = ids.map((id) => world.instances.get(id))
  const missing = ids.filter((_, index) => {
    const record = found[index]
    return !record || record.region !== region || !isVisible(world, record)
  })
  if (missing.length === 1)
    throw new AwsFault("InvalidInstanceID.NotFound", `The instance ID '${missing[0]}' does not exist`)
  if (missing.length > 1)
    throw new AwsFault("InvalidInstanceID.NotFound", `The instance IDs '${missing.join(", ")}' do not exist`)
  return [...new Set(found.filter((record) => record !== undefined))]
}

export function visibleIn(world: World, region: string): InstanceRecord[] {
  return [...world.instances.values()].filter(
    (record) => record.region === region && isVisible(world, record) && !world.unlisted.has(record.id),
  )
}

/** Fetches afresh what has changed in moto. */
export async function refresh(world: World, region: string, records: InstanceRecord[]): Promise<void> {
  const stale = new Map(records.filter((record) => record.stale).map((record) => [record.id, record]))
  const ids = [...stale.keys()]
  for (let from = 0; from < ids.length; from += 100) {
    const fields = Object.fromEntries(
      ids.slice(from, from + 100).map((id, index) => [`InstanceId.${index + 1}`, id]),
    )
    const document = await world.moto.query("ec2", region, "DescribeInstances", fields)
    for (const item of findAll(document, "reservationSet/item/instancesSet/item")) {
      const record = stale.get(textAt(item, "instanceId"))
      if (record) refreshItem(record, item)
    }
  }
}

/** Items grouped by their reservation, in order. */
export function reservations(shown: { record: InstanceRecord; item: Element }[]): Element[] {
  const grouped = new Map<string, { record: InstanceRecord; items: Element[] }>()
  for (const { record, item } of shown) {
    const group = grouped.get(record.reservationId) ?? { record, items: [] }
    group.items.push(item)
    grouped.set(record.reservationId, group)
  }
  return itemsOf(
    [...grouped.values()].map(({ record, items }) => ({
      reservationId: record.reservationId,
      ownerId: record.ownerId,
      groupSet: [],
      instancesSet: items,
    })),
  )
}

function change(
  request: AwsRequest,
  records: InstanceRecord[],
  act: (record: InstanceRecord) => void,
  set: string,
): Reply {
  const changed = records.map((record) => {
    const previous: State = record.state
    act(record)
    return stateChange(record, previous)
  })
  return ec2Reply(request.action, { [set]: changed })
}

export function dryRun({ form }: AwsRequest): void {
  if (form.get("DryRun") === "true") {
    throw new AwsFault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
  }
}

export function requireState(record: InstanceRecord, states: State[], verb: string): void {
  if (states.includes(record.state)) return
  throw new AwsFault(
    "IncorrectInstanceState",
    `The instance '${record.id}' is not in a state from which it can be ${verb}.`,
  )
}
