/** Words that a shell completes a command line with: what the databases know, without a call to AWS. */
import type { Config } from "../../base/config.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { UsersDb } from "../../db/users_db.ts"
import { objectionToType } from "../../decisions/launches/launch_policy.ts"
import { embeddedTypes } from "../../decisions/pricing/embedded_prices.ts"
import { limitsWithoutGrants } from "./limits.ts"

export type CompletionKind = "instance" | "stored" | "key" | "type" | "login"

export interface CompletionDeps {
  config: Config
  usageDb: UsageDb
  usersDb: UsersDb
  caller: { login: string; isStaff: boolean }
}

/** The caller's own things of this kind, and the instance types that the limits allow. Logins only for staff. */
export function completions(
  { config, usageDb, usersDb, caller }: CompletionDeps,
  kind: CompletionKind,
): string[] {
  const { login } = caller
  switch (kind) {
    case "instance":
      return usageDb.ledger.instances
        .notEnded(login)
        .filter(({ state }) => state !== "shutting-down")
        .map(({ instanceId }) => instanceId)
    case "stored":
      return usageDb.ledger.flatRates
        .open(login)
        .filter(({ goesWithInstance, flatRateId }) => !goesWithInstance && /^(vol|snap)-/.test(flatRateId))
        .map(({ flatRateId }) => flatRateId)
    case "key":
      return usersDb.sshKeys.ofUser(login).map(({ name }) => name)
    case "type": {
      const limits = limitsWithoutGrants({ config, usageDb }, login)
      const types = [
        ...embeddedTypes(),
        ...Object.keys(config.prices.onDemand).map((offer) => offer.split("/")[0] ?? ""),
      ]
      return [...new Set(types)].filter((type) => objectionToType(type, limits) === null).toSorted()
    }
    case "login":
      return caller.isStaff ? ["ALL", ...usersDb.users.logins()] : []
  }
}
