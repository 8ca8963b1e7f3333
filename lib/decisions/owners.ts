/** Whose instance it is. */
import { type Instance, tagOf } from "../base/instance.ts"
import { loginPattern } from "../base/login.ts"

/** The login on the owner tag that a launch puts there, else the one that the key's name tells; "" is nobody's. */
export function ownerOf({ tags, keyName }: Pick<Instance, "tags" | "keyName">): string {
  const tagged = tags[tagOf.owner]
  return tagged && loginPattern.test(tagged) ? tagged : ownerOfKey(keyName)
}

/**
 * The old tools' rule: of a name that begins with `cs` the first two dash-separated parts (`cs61c-ab-default` is
 * `cs61c-ab`'s), of another one the first.
 */
function ownerOfKey(keyName: string): string {
  const parts = keyName.split("-")
  return parts.slice(0, keyName.startsWith("cs") ? 2 : 1).join("-")
}
