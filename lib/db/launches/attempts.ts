/** Each RunInstances of a reservation, written before it is sent: what was asked for, where, and how EC2 refused it. */
import type { Market } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface LaunchAttempt {
  reservationId: string
  /** 0 for the first. */
  number: number
  clientToken: string
  instanceType: string
  /** Null: EC2 chooses. */
  zone: string | null
  market: Market
  /** Of one instance; Spot: the maximum price sent. */
  microUsdPerHour: MicroUsd
  sentAtUtcMs: UtcMs
  /** EC2's code; null: not refused, as far as is known. */
  refusal: string | null
}

export function launchAttempts(db: Db) {
  return {
    /** Inside the transaction that marks the reservation as sent. */
    add(attempt: Omit<LaunchAttempt, "refusal">): void {
      db.query(
        `INSERT INTO launch_attempts(reservation_id, attempt, client_token, instance_type, zone, market,
           micro_usd_per_hour, sent_at_utc_ms)
         VALUES ($reservationId, $number, $clientToken, $instanceType, $zone, $market, $microUsdPerHour, $sentAtUtcMs)`,
      ).run({ ...attempt })
    },
    refused(reservationId: string, number: number, code: string): void {
      db.query("UPDATE launch_attempts SET refusal = ? WHERE reservation_id = ? AND attempt = ?").run(
        code,
        reservationId,
        number,
      )
    },
    /** In the order in which they were sent. */
    of(reservationId: string): LaunchAttempt[] {
      return db
        .query<LaunchAttempt, [string]>(
          `SELECT reservation_id AS "reservationId", attempt AS number, client_token AS "clientToken",
             instance_type AS "instanceType", zone, market, micro_usd_per_hour AS "microUsdPerHour",
             sent_at_utc_ms AS "sentAtUtcMs", refusal
           FROM launch_attempts WHERE reservation_id = ? ORDER BY attempt`,
        )
        .all(reservationId)
    },
  }
}
