/** On a ledger of several hosts: whether this host's config has the terms that the others have. On SQLite a changed config simply counts. */
import type { Config } from "../../base/config.ts"
import { Refused, UsageError } from "../../base/errors.ts"
import { type Clock, isoUtc } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { differingKeys, termsOf } from "../../decisions/launches/config_terms.ts"
import type { AuditLog } from "../../host/files/audit.ts"

interface Deps {
  config: Config
  usageDb: UsageDb
  clock: Clock
}

/** The keys in which this host differs from the others; none on SQLite, or before a host has said what it has. */
export function differingConfig({ config, usageDb }: Pick<Deps, "config" | "usageDb">): string[] {
  if (usageDb.engine === "sqlite") return []
  const agreed = usageDb.agreedConfig.get()
  return agreed ? differingKeys(termsOf(config), agreed) : []
}

/** Throws Refused with the keys where the hosts differ. The first one that asks says what holds. Inside the admission's transaction. */
export function requireAgreedConfig(deps: Deps): void {
  const { config, usageDb, clock } = deps
  if (usageDb.engine === "sqlite") return
  const agreed = usageDb.agreedConfig.get()
  if (!agreed) usageDb.agreedConfig.accept(termsOf(config), "first host", clock.now())
  const keys = agreed ? differingKeys(termsOf(config), agreed) : []
  if (keys.length === 0) return
  throw new Refused(
    config.path,
    `differs from the other hosts' in ${keys.join(", ")}; make them alike, then doctor --accept-config on the one that is right`,
  )
}

/**
 * Throws Refused where the database lost what a host had committed (a backup was restored), until usage_cron has listed everything at AWS
 * and counted what was lacking. Inside the admission's transaction.
 */
export function requireNoSetback({ config, usageDb }: Pick<Deps, "config" | "usageDb">): void {
  if (usageDb.engine === "sqlite") return
  const setback = usageDb.setbacks.current()
  if (!setback) return
  throw new Refused(
    config.course.name,
    `the database went back, as ${setback.host} found at ${isoUtc(setback.foundAtUtcMs)}; nothing is launched until usage_cron has counted what AWS has`,
  )
}

/** From now on this host's config is the one that holds; the others admit nothing until they have it. Returns the keys that changed. */
export function acceptConfig(deps: Deps & { audit: AuditLog }, by: string): string[] {
  const { config, usageDb, clock } = deps
  if (usageDb.engine === "sqlite")
    throw new UsageError("options", `--accept-config is for several hosts: ${config.path} has no [database]`)
  deps.audit.record(by, "accept this host's config for all hosts")
  return usageDb.transaction(() => {
    const keys = differingConfig(deps)
    usageDb.agreedConfig.accept(termsOf(config), by, clock.now())
    return keys
  })
}
