/** What EC2 sells, numbered: type, market, region, zone and operation, which a price belongs to. */

import type { Market } from "../../base/instance.ts"
import type { Db } from "../db.ts"

export interface OfferKey {
  instanceType: string
  market: Market
  region: string
  zone: string
  usageOperation: string
}

/** The offer's columns as they come back in a join; shared by the tables that name one. */
export const offerColumns = `instance_type AS "instanceType", market, region, zone, usage_operation AS "usageOperation"`

type Key = [string, string, string, string, string]

export type Offers = ReturnType<typeof offers>

export function offers(db: Db) {
  const known = new Map<string, number>()
  const keyOf = (offer: OfferKey) =>
    `${offer.instanceType} ${offer.market} ${offer.region} ${offer.zone} ${offer.usageOperation}`
  return {
    /** Its number, given at first sight; inside the caller's transaction. Another process may have given it. */
    idOf(offer: OfferKey): number {
      const key = keyOf(offer)
      const remembered = known.get(key)
      if (remembered !== undefined) return remembered
      const { instanceType, market, region, zone, usageOperation } = offer
      const values: Key = [instanceType, market, region, zone, usageOperation]
      db.query(
        `INSERT INTO offers(instance_type, market, region, zone, usage_operation) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      ).run(...values)
      const row = db
        .query<{ id: number }, Key>(
          `SELECT offer_id AS id FROM offers
           WHERE (instance_type, market, region, zone, usage_operation) = (?, ?, ?, ?, ?)`,
        )
        .get(...values)
      if (!row) throw new Error(`offer ${key} was not kept`)
      known.set(key, row.id)
      return row.id
    },
    /** After a transaction that was rolled back: its numbers were too. */
    forget: () => known.clear(),
  }
}
