/** RunInstances as documented: validation, limits, idempotency, spot by market options; the launch itself is moto's. */
import { utcMsOf } from "../../lib/base/time.ts"
import { blockDevicesOf, type Device, deviceFields } from "./block_devices.ts"
import { affordable, checkVcpus, takeCapacity, vcpusOf } from "./capacity.ts"
import { beginLife, type InstanceRecord, isVisible } from "./instance_record.ts"
import { shownItem } from "./instance_view.ts"
import { dryRun, refresh, reservations } from "./instances.ts"
import { resolveNetwork } from "./launch_network.ts"
import { parsed } from "./moto_client.ts"
import { AwsFault, type AwsRequest, ec2Reply, type Form, type Reply } from "./request.ts"
import { checkSpotPrice, openSpotRequest } from "./spot.ts"
import type { World } from "./world.ts"
import { find, findAll, setChild, textAt } from "./xml.ts"

/** What a ClientToken launched. */
export interface LaunchedOnce {
  parameters: string
  instanceIds: string[]
}

const maxUserDataBytes = 16_384

export async function runInstances(world: World, request: AwsRequest): Promise<Reply> {
  const { region } = request
  const token = request.form.get("ClientToken")
  const tokenKey = `${region} ${token}`
  const parameters = request.form.without("DryRun", "Version").toString()
  const before = token === undefined ? undefined : world.launches.get(tokenKey)
  if (before) return launchedBefore(world, request, before, parameters)

  const resolved = await resolveImage(world, request)
  checkUserData(resolved.get("UserData"))
  const { form, zone } = await resolveNetwork(world, region, resolved)
  const type = form.get("InstanceType") ?? "m1.small"
  const spot = form.get("InstanceMarketOptions.MarketType") === "spot"
  const asked = countOf(form)
  const devices = await blockDevicesOf(world, region, form)
  const vcpus = await vcpusOf(world, region, type)
  if (spot) checkSpotPrice(world, type, zone, form)
  dryRun(request)
  const demand = { type, vcpus, spot }
  checkVcpus(world, region, demand, asked.min)
  const count = takeCapacity(world, type, zone, asked.min, affordable(world, region, demand, asked))

  const document = parsed(await world.moto.forward(request, motoForm(form, devices, count)))
  const ids = findAll(document, "instancesSet/item/instanceId").map(({ text }) => text)
  await tagInterfaces(world, region, form, document)
  for (const item of findAll(document, "instancesSet/item")) {
    for (const device of findAll(item, "blockDeviceMapping/item")) {
      const known = devices.find(({ name }) => name === textAt(device, "deviceName"))
      const ebs = find(device, "ebs")
      if (!ebs || !known) continue
      setChild(ebs, "gib", known.gib)
      setChild(ebs, "type", known.type)
    }
    const record: InstanceRecord = {
      id: textAt(item, "instanceId"),
      region,
      item,
      stale: true,
      reservationId: textAt(document, "reservationId"),
      ownerId: textAt(document, "ownerId"),
      state: "pending",
      transition: 0,
      type,
      zone: textAt(item, "placement/availabilityZone"),
      firstLaunchUtcMs: utcMsOf(world.clock.now()),
      starts: 0,
      launchUtcMs: utcMsOf(world.clock.now()),
      runningSinceUtcMs: null,
      terminatedAtUtcMs: null,
      transitionReason: "",
      stateReason: null,
      clientToken: token ?? "",
      spotRequestId: "",
      shutdownBehavior: form.get("InstanceInitiatedShutdownBehavior") ?? "stop",
      cpuCredits: /^t\d/.test(type)
        ? (form.get("CreditSpecification.CpuCredits") ?? defaultCredits(type))
        : "",
      disableApiTermination: form.get("DisableApiTermination") === "true",
      disableApiStop: form.get("DisableApiStop") === "true",
      vcpus,
    }
    if (spot) record.spotRequestId = openSpotRequest(world, record, form)
    beginLife(world, record)
  }
  if (token !== undefined) world.launches.set(tokenKey, { parameters, instanceIds: ids })
  return reservationReply(world, region, ids)
}

/** The same token and parameters answer with the same instances as they are now; other parameters are an error. */
async function launchedBefore(
  world: World,
  request: AwsRequest,
  before: LaunchedOnce,
  parameters: string,
): Promise<Reply> {
  if (before.parameters !== parameters) {
    throw new AwsFault(
      "IdempotentParameterMismatch",
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    )
  }
  return reservationReply(world, request.region, before.instanceIds)
}

async function reservationReply(world: World, region: string, ids: string[]): Promise<Reply> {
  const records = ids
    .flatMap((id) => world.instances.get(id) ?? [])
    .filter((record) => isVisible(world, record))
  await refresh(world, region, records)
  const [reservation] = reservations(records.map((record) => ({ record, item: shownItem(world, record) })))
  return ec2Reply(
    "RunInstances",
    Object.fromEntries(
      (reservation?.children ?? []).map(({ name, text, children }) => [
        name,
        children.length > 0 ? children : text,
      ]),
    ),
  )
}

async function resolveImage(world: World, { form, region }: AwsRequest): Promise<Form> {
  const image = form.get("ImageId") ?? ""
  if (!image.startsWith("resolve:ssm:")) return form
  const response = await fetch(`${world.moto.endpoint}/`, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AmazonSSM.GetParameter",
      authorization: `AWS4-HMAC-SHA256 Credential=proxy/20260101/${region}/ssm/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ Name: image.slice("resolve:ssm:".length) }),
  })
  const { Parameter } = (await response.json()) as { Parameter?: { Value: string } }
  if (!Parameter) throw new AwsFault("InvalidParameterValue", `Invalid parameter: ${image} in ImageId.`)
  return form.with({ ImageId: Parameter.Value })
}

function checkUserData(userData: string | undefined): void {
  if (userData === undefined) return
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(userData)) {
    throw new AwsFault("InvalidParameterValue", "Invalid BASE64 encoding of user data.")
  }
  if (Buffer.from(userData, "base64").length > maxUserDataBytes) {
    throw new AwsFault("InvalidParameterValue", "User data is limited to 16384 bytes")
  }
}

function countOf(form: Form): { min: number; max: number } {
  const [min, max] = [Number(form.get("MinCount") ?? 1), Number(form.get("MaxCount") ?? 1)]
  if (!Number.isInteger(min) || min < 1 || !Number.isInteger(max) || max < 1) {
    throw new AwsFault("InvalidParameterValue", "Value for parameter minCount or maxCount is invalid.")
  }
  if (min > max) {
    throw new AwsFault(
      "InvalidParameterCombination",
      `The value of MinCount (${min}) must not exceed MaxCount (${max}).`,
    )
  }
  return { min, max }
}

/** What moto is to do: the whole mapping, no token (it would keep one for all), and a count. */
function motoForm(form: Form, devices: Device[], count: number): Form {
  return form
    .without("BlockDeviceMapping", "DryRun", "MinCount", "MaxCount")
    .with({ ...deviceFields(devices), MinCount: String(count), MaxCount: String(count) })
}

async function tagInterfaces(
  world: World,
  region: string,
  form: Form,
  document: ReturnType<typeof parsed>,
): Promise<void> {
  const tags = tagsFor(form, "network-interface")
  const interfaces = findAll(document, "instancesSet/item/networkInterfaceSet/item/networkInterfaceId")
  if (Object.keys(tags).length === 0 || interfaces.length === 0) return
  const fields = Object.fromEntries([
    ...interfaces.map(({ text }, index) => [`ResourceId.${index + 1}`, text]),
    ...Object.entries(tags).flatMap(([key, value], index) => [
      [`Tag.${index + 1}.Key`, key],
      [`Tag.${index + 1}.Value`, value],
    ]),
  ])
  await world.moto.query("ec2", region, "CreateTags", fields)
}

/** The tags of one kind of resource in a launch's TagSpecifications. */
export function tagsFor(form: Form, resourceType: string): Record<string, string> {
  return Object.fromEntries(
    form
      .members("TagSpecification")
      .filter((specification) => specification.get("ResourceType") === resourceType)
      .flatMap((specification) =>
        specification.members("Tag").map((tag) => [tag.get("Key") ?? "", tag.get("Value") ?? ""]),
      ),
  )
}

function defaultCredits(type: string): string {
  return type.startsWith("t2.") ? "standard" : "unlimited"
}
