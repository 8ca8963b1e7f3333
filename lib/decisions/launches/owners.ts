/** Whose instance it is, and which launch of ours it comes from. */
import { type Instance, isOfAnotherCourse, tagOf } from "../../base/instance.ts"
import { formerOwnerPattern, loginPattern } from "../../base/login.ts"
import { isAttemptToken } from "./capacity.ts"

/** The login on the owner tag that a launch puts there, else the one that the key's name tells; "" is nobody's. */
export function ownerOf({ tags, keyName }: Pick<Instance, "tags" | "keyName">): string {
  const tagged = tags[tagOf.owner]
  return tagged && (loginPattern.test(tagged) || formerOwnerPattern.test(tagged))
    ? tagged
    : ownerOfKey(keyName)
}

/** Whether it is `login`'s, and of this course. */
export function isOwnedBy(
  thing: Parameters<typeof ownerOf>[0],
  login: string,
  { course }: { course: { name: string } },
): boolean {
  return ownerOf(thing) === login && !isOfAnotherCourse(thing.tags, course.name)
}

/**
 * The reservation that an instance was launched for, or "". Tags can be copied, as the console's "Launch more like this" does; the
 * ClientToken of a launch of ours says the reservation too. Of spot nobody documents which token AWS shows.
 */
export function reservationIdOf({
  tags,
  clientToken,
  market,
}: Pick<Instance, "tags" | "clientToken" | "market">): string {
  const id = tags[tagOf.reservation] ?? ""
  return clientToken === "" || isAttemptToken(clientToken, id) || market === "spot" ? id : ""
}

/**
 * The old tools' rule: of a name that begins with `cs` the first two dash-separated parts (`cs61c-ab-default` is
 * `cs61c-ab`'s), of another one the first.
 */
function ownerOfKey(keyName: string): string {
  const parts = keyName.split("-")
  return parts.slice(0, keyName.startsWith("cs") ? 2 : 1).join("-")
}
