/** Prices as they were found to hold, with the time from which on: the database behind a price book. */

import type { Config } from "../../base/config.ts"
import type { MicroUsd } from "../../base/money.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { costRules, type Range, type Tariff } from "../../decisions/pricing/costs.ts"
import { embeddedDate } from "../../decisions/pricing/embedded_prices.ts"
import type { KeptPrice, StorageList } from "../../decisions/pricing/prices.ts"
import type { Db } from "../db.ts"

export interface ListPrice {
  instanceType: string
  usageOperation: string
  microUsdPerHour: MicroUsd
}

export interface StoragePrice {
  /** `gp3 GB-Mo`, `io2 IOPS-Mo`, `gp3 MiBps-Mo`, `snapshot GB-Mo`. */
  what: string
  /** US$ × 10⁻⁶, with its fraction. */
  microUsdPerMonth: number
}

export interface SpotPrice extends ListPrice {
  zone: string
  fromUtcMs: UtcMs
}

export type Prices = ReturnType<typeof prices>

export function prices(db: Db) {
  let changes = 0
  return {
    /** The config's prices and rules over what is kept here. What was asked once is remembered by the tariff. */
    tariff({ prices: { onDemand, spotFactor }, billing }: Pick<Config, "prices" | "billing">): Tariff {
      // No row: the read is only being collected (see Db.transaction), and the last count will do.
      changes = db.query<{ count: number }, []>("SELECT count FROM price_changes").get()?.count ?? changes
      const kept = db.query<KeptPrice, [string, string, string]>(selectKept("prices", "region"))
      const spot = db.query<KeptPrice, [string, string, string]>(selectKept("spot_prices", "zone"))
      return {
        book: {
          overrides: onDemand,
          spotFactor,
          kept: remembered((...key) => kept.all(...key)),
          spot: remembered((...key) => spot.all(...key)),
        },
        billing,
        fingerprint: JSON.stringify([
          costRules,
          embeddedDate,
          changes,
          spotFactor,
          billing,
          Object.entries(onDemand).sort(),
        ]),
      }
    },

    /**
     * Keeps what differs from the price in force, from its own date on. Where that is no later than the other's, which was seen to hold
     * then, it holds from `readUtcMs`. Inside the caller's transaction. Returns how many differed.
     */
    keepList(
      region: string,
      found: readonly (ListPrice & { effectiveUtcMs?: UtcMs | null })[],
      readUtcMs: UtcMs,
    ): number {
      const last = db.query<{ price: number; fromUtcMs: UtcMs }, [string, string, string]>(
        `SELECT micro_usd_per_hour AS price, from_utc_ms AS "fromUtcMs" FROM prices WHERE region = ? AND instance_type = ? AND usage_operation = ?
         ORDER BY from_utc_ms DESC LIMIT 1`,
      )
      const insert =
        db.query(`INSERT INTO prices(region, instance_type, usage_operation, from_utc_ms, micro_usd_per_hour)
         VALUES (?, ?, ?, ?, ?) ON CONFLICT (region, instance_type, usage_operation, from_utc_ms)
         DO UPDATE SET micro_usd_per_hour = excluded.micro_usd_per_hour`)
      let changed = 0
      for (const { instanceType, usageOperation, microUsdPerHour, effectiveUtcMs } of found) {
        const before = last.get(region, instanceType, usageOperation)
        if (before?.price === microUsdPerHour) continue
        const ownUtcMs = effectiveUtcMs ?? readUtcMs
        const fromUtcMs = before && ownUtcMs <= before.fromUtcMs ? readUtcMs : ownUtcMs
        insert.run(region, instanceType, usageOperation, fromUtcMs, microUsdPerHour)
        changed++
      }
      if (changed > 0) db.exec("UPDATE price_changes SET count = count + 1")
      return changed
    },

    /** The same for storage, by the month. */
    keepStorage(region: string, found: readonly StoragePrice[], fromUtcMs: UtcMs): number {
      const listed = storageList(db)
      const insert =
        db.query(`INSERT INTO storage_prices(region, what, from_utc_ms, micro_usd_per_month) VALUES (?, ?, ?, ?)
         ON CONFLICT (region, what, from_utc_ms) DO UPDATE SET micro_usd_per_month = excluded.micro_usd_per_month`)
      let changed = 0
      for (const { what, microUsdPerMonth } of found) {
        if (listed(region, what) === microUsdPerMonth) continue
        insert.run(region, what, fromUtcMs, microUsdPerMonth)
        changed++
      }
      return changed
    },

    /** What storage costs by the list as it was last read. */
    storage: (): StorageList => storageList(db),

    /** Whether any list price is, so that prices depend on the date. */
    areKept: (): boolean => db.query("SELECT 1 FROM prices LIMIT 1").get() !== null,

    /** From when on the first and the last kept spot price hold; null where none is kept. */
    spotSpan(zone: string, instanceType: string, usageOperation: string): Range | null {
      const row = db
        .query<{ first: UtcMs | null; last: UtcMs | null }, [string, string, string]>(
          `SELECT min(from_utc_ms) AS first, max(from_utc_ms) AS last FROM spot_prices
           WHERE zone = ? AND instance_type = ? AND usage_operation = ?`,
        )
        .get(zone, instanceType, usageOperation)
      return row?.first == null || row.last === null ? null : { fromUtcMs: row.first, toUtcMs: row.last }
    },

    /** Until when all spot prices that were needed are read; 0 where nobody noted it. */
    spotReadUntil: (): UtcMs =>
      db.query<{ at: UtcMs | null }, []>("SELECT spot_read_until_utc_ms AS at FROM price_changes").get()
        ?.at ?? utcMsOf(0),

    noteSpotRead(untilUtcMs: UtcMs): void {
      db.query("UPDATE price_changes SET spot_read_until_utc_ms = ?").run(untilUtcMs)
    },

    /**
     * Keeps points of the spot price history; inside the caller's transaction. Returns how many were new. The sums of those
     * whose spot runs they are about are the caller's to forget (`usageSums.forget`).
     */
    keepSpot(found: readonly SpotPrice[]): number {
      const insert =
        db.query(`INSERT INTO spot_prices(zone, instance_type, usage_operation, from_utc_ms, micro_usd_per_hour)
         VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
      let added = 0
      for (const { zone, instanceType, usageOperation, fromUtcMs, microUsdPerHour } of found) {
        added += insert.run(zone, instanceType, usageOperation, fromUtcMs, microUsdPerHour).changes
      }
      return added
    },
  }
}

function storageList(db: Db): StorageList {
  const last = db.query<{ price: MicroUsd }, [string, string]>(
    "SELECT micro_usd_per_month AS price FROM storage_prices WHERE region = ? AND what = ? ORDER BY from_utc_ms DESC LIMIT 1",
  )
  return (region, what) => last.get(region, what)?.price ?? null
}

function selectKept(table: string, place: string): string {
  return `SELECT from_utc_ms AS "fromUtcMs", micro_usd_per_hour AS "microUsdPerHour" FROM ${table}
    WHERE ${place} = ? AND instance_type = ? AND usage_operation = ? ORDER BY from_utc_ms`
}

function remembered<T>(
  ask: (...key: [string, string, string]) => T,
): (...key: [string, string, string]) => T {
  const answers = new Map<string, T>()
  return (...key) => {
    const name = key.join(" ")
    const known = answers.get(name)
    if (known !== undefined) return known
    const answer = ask(...key)
    answers.set(name, answer)
    return answer
  }
}
