/** A region's leftovers, or with the course's own region IAM's, too. */
import { Failed } from "../../base/errors.ts"
import type { StorageList } from "../../decisions/pricing/prices.ts"
import { openEc2 } from "../ec2/ec2.ts"
import type { AwsSettings } from "../protocol/connection.ts"
import { ec2Leftovers } from "./ec2_leftovers.ts"
import { iamLeftovers } from "./iam_leftovers.ts"
import type { Leftovers } from "./interfaces.ts"
import { serviceLeftovers } from "./service_leftovers.ts"

/** `withIam`: once for the account, since IAM has no regions. */
export function openLeftovers(
  settings: AwsSettings,
  prices: StorageList,
  { withIam }: { withIam: boolean },
): Leftovers {
  const ec2 = ec2Leftovers(settings, openEc2(settings), prices)
  const services = serviceLeftovers(settings)
  const removals = { ...ec2.removals, ...services.removals }
  return {
    listings: [...ec2.listings, ...services.listings, ...(withIam ? iamLeftovers(settings) : [])],
    async remove({ kind, id }) {
      const remove = removals[kind]
      if (!remove) throw new Failed(`remove ${id}`, `a sweep removes no ${kind}`)
      return remove(id)
    },
  }
}
