/** Whose an instance is. */
import { type Instance, tagOf } from "../base/instance.ts"

/**
 * The login that the owner tag names; of an instance of the old tools, which has none, the one in its key's name: `cs61c-ab` of
 * `cs61c-ab-default`, of other names the first part (LEGACY). "" where neither says: nobody's.
 */
export function ownerOf({ tags, keyName }: Pick<Instance, "tags" | "keyName">): string {
  const tagged = tags[tagOf.owner]
  if (tagged !== undefined && tagged !== "") return tagged
  const parts = keyName.split("-")
  return parts.slice(0, keyName.startsWith("cs") ? 2 : 1).join("-")
}
