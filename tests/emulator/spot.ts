/** Spot: the request that EC2 makes behind market options, its end and interruption, and a price history that varies. */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import { filtersOf, pageOf, tagMatches } from "./filters.ts"
import type { InstanceRecord } from "./instance_record.ts"
import { parsed } from "./moto_client.ts"
import { pricedTypes, spotChanges, spotMicroUsd, spotPriceSince } from "./prices.ts"
import { AwsFault, type AwsRequest, ec2Reply, type Form, type Reply } from "./request.ts"
import { tagsFor } from "./run_instances.ts"
import type { World } from "./world.ts"
import { type Element, element, findAll, itemsOf, textAt } from "./xml.ts"

export interface SpotRequestRecord {
  id: string
  region: string
  state: "active" | "closed" | "cancelled"
  statusCode: string
  instanceId: string
  type: string
  zone: string
  maxPrice: string
  createdAtUtcMs: UtcMs
  item: InstanceRecord["item"]
  tags: Record<string, string>
}

/** Refuses a maximum below the price in force. */
export function checkSpotPrice(world: World, type: string, zone: string, form: Form): void {
  const maxPrice = form.get("InstanceMarketOptions.SpotOptions.MaxPrice")
  const micro = spotMicroUsd(type, zone, utcMsOf(world.clock.now()), world.knobs.spotPriceFactor)
  if (maxPrice === undefined || Number(maxPrice) * 1e6 >= micro) return
  throw new AwsFault(
    "SpotMaxPriceTooLow",
    `Your Spot request price of ${maxPrice} is lower than the minimum required Spot request fulfillment price of ${micro / 1e6}.`,
  )
}

let made = 0

export function openSpotRequest(world: World, record: InstanceRecord, form: Form): string {
  made += 1
  const id = `sir-${made.toString(36).padStart(8, "0")}`
  world.spotRequests.set(id, {
    id,
    region: record.region,
    state: "active",
    statusCode: "fulfilled",
    instanceId: record.id,
    type: record.type,
    zone: record.zone,
    maxPrice: form.get("InstanceMarketOptions.SpotOptions.MaxPrice") ?? "",
    createdAtUtcMs: utcMsOf(world.clock.now()),
    item: record.item,
    tags: tagsFor(form, "spot-instances-request"),
  })
  return id
}

export async function describeSpotInstanceRequests(world: World, request: AwsRequest): Promise<Reply> {
  const ids = request.form.list("SpotInstanceRequestId")
  const legacy = await legacyRequests(world, request, ids)
  const known = [...world.spotRequests.values()].filter(({ region }) => region === request.region)
  const items = [...known.map(shown), ...legacy]
  const missing = ids.find((id) => !items.some((item) => textAt(item, "spotInstanceRequestId") === id))
  if (missing !== undefined) {
    throw new AwsFault(
      "InvalidSpotInstanceRequestID.NotFound",
      `The spot instance request ID '${missing}' does not exist`,
    )
  }
  const filters = filtersOf(request.form)
  const wanted = items.filter(
    (item) =>
      (ids.length === 0 || ids.includes(textAt(item, "spotInstanceRequestId"))) &&
      filters.every(({ name, matches }) => spotMatches(item, name, matches)),
  )
  const { page, nextToken } = pageOf(wanted, request.form, world.knobs.pageSize)
  return ec2Reply("DescribeSpotInstanceRequests", { spotInstanceRequestSet: page, nextToken })
}

/** Requests made by the legacy call, which moto holds. */
async function legacyRequests(world: World, { region }: AwsRequest, ids: string[]): Promise<Element[]> {
  if (ids.length > 0 && ids.every((id) => world.spotRequests.has(id))) return []
  const document = await world.moto.query("ec2", region, "DescribeSpotInstanceRequests")
  return findAll(document, "spotInstanceRequestSet/item")
}

const spotPaths: Record<string, string> = {
  "spot-instance-request-id": "spotInstanceRequestId",
  state: "state",
  "status-code": "status/code",
  "instance-id": "instanceId",
  "launch.instance-type": "launchSpecification/instanceType",
  "launch.key-name": "launchSpecification/keyName",
  "launched-availability-zone": "launchedAvailabilityZone",
  type: "type",
}

function spotMatches(item: Element, name: string, matches: (value: string) => boolean): boolean {
  const path = spotPaths[name]
  return path ? findAll(item, path).some(({ text }) => matches(text)) : tagMatches(item, name, matches)
}

function shown(request: SpotRequestRecord): Element {
  return element("item", {
    spotInstanceRequestId: request.id,
    spotPrice: request.maxPrice === "" ? null : request.maxPrice,
    type: "one-time",
    state: request.state,
    status: { code: request.statusCode, message: request.statusCode },
    instanceId: request.instanceId,
    launchSpecification: {
      imageId: textAt(request.item, "imageId"),
      keyName: textAt(request.item, "keyName") || null,
      instanceType: request.type,
    },
    launchedAvailabilityZone: request.zone,
    createTime: new Date(request.createdAtUtcMs).toISOString(),
    productDescription: "Linux/UNIX",
    instanceInterruptionBehavior: "terminate",
    tagSet: itemsOf(Object.entries(request.tags).map(([key, value]) => ({ key, value }))),
  })
}

export async function cancelSpotInstanceRequests(world: World, request: AwsRequest): Promise<Reply> {
  const ids = request.form.list("SpotInstanceRequestId")
  const legacy = ids.filter((id) => !world.spotRequests.has(id))
  const fields = Object.fromEntries(legacy.map((id, index) => [`SpotInstanceRequestId.${index + 1}`, id]))
  if (legacy.length > 0)
    parsed(await world.moto.forward(request, request.form.without("SpotInstanceRequestId").with(fields)))
  for (const id of ids) {
    const record = world.spotRequests.get(id)
    if (record?.state === "active")
      Object.assign(record, { state: "cancelled", statusCode: "request-canceled-and-instance-running" })
  }
  return ec2Reply("CancelSpotInstanceRequests", {
    spotInstanceRequestSet: itemsOf(
      ids.map((spotInstanceRequestId) => ({ spotInstanceRequestId, state: "cancelled" })),
    ),
  })
}

/** Tags of spot requests are kept here; the rest of a CreateTags or DeleteTags goes to moto. */
export async function tagSpotRequests(world: World, request: AwsRequest): Promise<Reply | undefined> {
  const ids = request.form.list("ResourceId")
  const ours = ids.filter((id) => world.spotRequests.has(id))
  if (ours.length === 0) return undefined
  for (const id of ours) {
    const tags = world.spotRequests.get(id)?.tags ?? {}
    for (const tag of request.form.members("Tag")) {
      if (request.action === "CreateTags") tags[tag.get("Key") ?? ""] = tag.get("Value") ?? ""
      else delete tags[tag.get("Key") ?? ""]
    }
  }
  const others = ids.filter((id) => !ours.includes(id))
  if (others.length === 0) return ec2Reply(request.action, { return: true })
  const fields = Object.fromEntries(others.map((id, index) => [`ResourceId.${index + 1}`, id]))
  return world.moto.forward(request, request.form.without("ResourceId").with(fields))
}

const historyDays = 90

/** Newest first, and for each type and zone the price in force at the start too. */
export async function describeSpotPriceHistory(world: World, request: AwsRequest): Promise<Reply> {
  const { form, region } = request
  const now = world.clock.now()
  const start = Math.max(Date.parse(form.get("StartTime") ?? "") || 0, now - historyDays * 86_400_000)
  const end = Math.min(Date.parse(form.get("EndTime") ?? "") || now, now)
  const filters = filtersOf(form)
  const wantedOf = (name: string, listed: string[], all: string[]) =>
    all.filter(
      (value) =>
        (listed.length === 0 || listed.includes(value)) &&
        filters.filter((filter) => filter.name === name).every(({ matches }) => matches(value)),
    )
  const types = wantedOf("instance-type", form.list("InstanceType"), pricedTypes())
  const zone = form.get("AvailabilityZone")
  const zones = wantedOf("availability-zone", zone ? [zone] : [], await zonesOf(world, region))
  const products = wantedOf("product-description", form.list("ProductDescription"), [
    "Linux/UNIX",
    "Linux/UNIX (Amazon VPC)",
  ])
  const items = types.flatMap((type) =>
    zones.flatMap((inZone) =>
      products.flatMap((product) =>
        spotChanges(utcMsOf(Math.min(start, end)), utcMsOf(end)).map((at) => ({
          instanceType: type,
          productDescription: product,
          spotPrice: (spotMicroUsd(type, inZone, utcMsOf(at), world.knobs.spotPriceFactor) / 1e6).toFixed(6),
          timestamp: new Date(spotPriceSince(utcMsOf(at))).toISOString(),
          availabilityZone: inZone,
        })),
      ),
    ),
  )
  items.sort((a, b) => b.timestamp.localeCompare(a.timestamp))
  const { page, nextToken } = pageOf(items, form, 1000)
  return ec2Reply("DescribeSpotPriceHistory", {
    spotPriceHistorySet: itemsOf(page),
    nextToken: nextToken ?? "",
  })
}

async function zonesOf(world: World, region: string): Promise<string[]> {
  const document = await world.moto.query("ec2", region, "DescribeAvailabilityZones")
  return findAll(document, "availabilityZoneInfo/item/zoneName").map(({ text }) => text)
}
