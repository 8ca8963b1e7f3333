/** From EC2's reply to our `Instance`. */

import type { Instance, InstanceState } from "../../base/instance.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { GarbledReply } from "../protocol/garbled_reply.ts"
import type { InstanceElement } from "./instance_replies.ts"

const states: ReadonlySet<string> = new Set<InstanceState>([
  "pending",
  "running",
  "shutting-down",
  "terminated",
  "stopping",
  "stopped",
])

/** Throws where the reply lacks what every instance has. */
export function toInstance(element: InstanceElement, region: string): Instance {
  if (!element.instanceId) throw new GarbledReply("an instance has no id")
  return {
    id: element.instanceId,
    type: element.instanceType,
    state: toState(element.instanceState.name, element.instanceId),
    market: element.instanceLifecycle === "spot" ? "spot" : "on-demand",
    region,
    zone: element.placement.availabilityZone,
    imageId: element.imageId,
    keyName: element.keyName,
    launchedAtUtcMs: toUtcMs(element.launchTime, element.instanceId),
    firstAttachedUtcMs: firstAttached(element),
    stateTransitionReason: element.reason,
    stateReasonCode: element.stateReason.code,
    stateReasonMessage: element.stateReason.message,
    usageOperation: element.usageOperation,
    platform: element.platform,
    spotRequestId: element.spotInstanceRequestId,
    clientToken: element.clientToken,
    privateIp: element.privateIpAddress,
    privateDns: element.privateDnsName,
    publicIp: element.ipAddress,
    publicDns: element.dnsName,
    subnetId: element.subnetId,
    vpcId: element.vpcId,
    securityGroups: element.groupSet.map(({ groupId, groupName }) => ({ id: groupId, name: groupName })),
    interfaceIds: element.networkInterfaceSet
      .map(({ networkInterfaceId }) => networkInterfaceId)
      .filter(Boolean),
    volumes: element.blockDeviceMapping
      .filter(({ ebs }) => ebs.volumeId !== "")
      .map(({ deviceName, ebs }) => ({
        id: ebs.volumeId,
        device: deviceName,
        deleteOnTermination: ebs.deleteOnTermination === "true",
      })),
    hibernationConfigured: element.hibernationOptions.configured === "true",
    tags: Object.fromEntries(element.tagSet.map(({ key, value }) => [key, value])),
  }
}

export function toState(name: string | undefined, id: string): InstanceState {
  if (name === undefined || !states.has(name)) throw new GarbledReply(`${id} is in no known state`)
  return name as InstanceState
}

function toUtcMs(iso: string, id: string): UtcMs {
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) throw new GarbledReply(`${id} has no launch time`)
  return utcMsOf(ms)
}

/** LaunchTime is the last start; the primary network interface stays attached from the first. */
function firstAttached({ networkInterfaceSet }: InstanceElement): UtcMs | null {
  const primary = networkInterfaceSet.find(({ attachment }) => attachment.deviceIndex === "0")
  const ms = Date.parse(primary?.attachment.attachTime ?? "")
  return Number.isNaN(ms) ? null : utcMsOf(ms)
}
