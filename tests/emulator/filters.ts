/** EC2's filters: every filter must match, any of its values, with `*` and `?` as wildcards; case matters. */
import { AwsFault, type Form } from "./request.ts"
import { type Element, findAll, textAt } from "./xml.ts"

export interface Filter {
  name: string
  matches(value: string): boolean
}

export function filtersOf(form: Form): Filter[] {
  return form.members("Filter").map((filter) => {
    const patterns = filter.list("Value").map(globPattern)
    return {
      name: filter.get("Name") ?? "",
      matches: (value) => patterns.some((pattern) => pattern.test(value)),
    }
  })
}

function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[\\s\\S]*")
    .replace(/\?/g, "[\\s\\S]")
  return new RegExp(`^${escaped}$`)
}

/** Where DescribeInstances finds what it filters by, in an item as it is shown. */
const instancePaths: Record<string, string> = {
  "instance-id": "instanceId",
  "instance-state-name": "instanceState/name",
  "instance-state-code": "instanceState/code",
  "instance-type": "instanceType",
  "instance-lifecycle": "instanceLifecycle",
  "spot-instance-request-id": "spotInstanceRequestId",
  "client-token": "clientToken",
  "launch-time": "launchTime",
  "key-name": "keyName",
  "image-id": "imageId",
  "vpc-id": "vpcId",
  "subnet-id": "subnetId",
  "availability-zone": "placement/availabilityZone",
  "placement-group-name": "placement/groupName",
  tenancy: "placement/tenancy",
  architecture: "architecture",
  platform: "platform",
  "private-ip-address": "privateIpAddress",
  "private-dns-name": "privateDnsName",
  "ip-address": "ipAddress",
  "dns-name": "dnsName",
  "instance.group-id": "groupSet/item/groupId",
  "instance.group-name": "groupSet/item/groupName",
  "network-interface.group-id": "networkInterfaceSet/item/groupSet/item/groupId",
  "root-device-type": "rootDeviceType",
  "state-reason-code": "stateReason/code",
  reason: "reason",
}

/** Throws for a filter that EC2 does not know. */
export function instanceMatches(item: Element, reservationId: string, filters: Filter[]): boolean {
  return filters.every(({ name, matches }) => {
    if (name === "reservation-id") return matches(reservationId)
    const path = instancePaths[name]
    if (path) return findAll(item, path).some(({ text }) => matches(text))
    return tagMatches(item, name, matches)
  })
}

/** `tag:KEY`, `tag-key`, `tag-value` on anything with a tagSet. */
export function tagMatches(item: Element, name: string, matches: (value: string) => boolean): boolean {
  const tags = findAll(item, "tagSet/item")
  if (name === "tag-key") return tags.some((tag) => matches(textAt(tag, "key")))
  if (name === "tag-value") return tags.some((tag) => matches(textAt(tag, "value")))
  if (name.startsWith("tag:")) {
    return tags.some((tag) => textAt(tag, "key") === name.slice(4) && matches(textAt(tag, "value")))
  }
  throw new AwsFault("InvalidParameterValue", `The filter '${name}' is invalid`)
}

/** A page of what is listed, and the token of the next. */
export function pageOf<T>(
  all: T[],
  form: Form,
  defaultSize: number,
): { page: T[]; nextToken: string | null } {
  const asked = form.get("MaxResults")
  if (asked !== undefined && (Number(asked) < 5 || Number(asked) > 1000)) {
    throw new AwsFault(
      "InvalidParameterValue",
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    )
  }
  const token = form.get("NextToken")
  const from = token === undefined ? 0 : Number(Buffer.from(token, "base64url").toString().split(":")[1])
  if (!Number.isSafeInteger(from)) throw new AwsFault("InvalidNextToken", "The token is invalid.")
  const to = from + Math.min(Number(asked ?? defaultSize), defaultSize)
  return {
    page: all.slice(from, to),
    nextToken: to < all.length ? Buffer.from(`page:${to}`).toString("base64url") : null,
  }
}
