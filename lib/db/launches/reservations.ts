/** What has been promised to a launch or a start that may or may not have happened yet. */

import type { Market } from "../../base/instance.ts"
import { type MicroUsd, noMicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import { type Db, greatest } from "../db.ts"
import { lockNameOf } from "./reservation_lock.ts"

export type ReservationKind = "launch" | "start"
export type ReservationState = "pending" | "settled" | "released"

export interface Reservation {
  /** Also the launch's ClientToken and the instances' reservation tag. */
  id: string
  login: string
  kind: ReservationKind
  state: ReservationState
  region: string
  instanceType: string
  market: Market
  keyName: string
  /** The launch's, as it was asked for: its id, or the name that led to it then; "" where neither is known. */
  image: string
  count: number
  /** What EC2 sells it as: some is charged by started hours. */
  usageOperation: string
  /** Of one instance; spot: the maximum price sent. */
  microUsdPerHour: MicroUsd
  /** Of the volumes of one instance. */
  storageMicroUsdPerHour: MicroUsd
  /** Of the public address of one instance. */
  addressMicroUsdPerHour: MicroUsd
  /** Of all instances together until the latest moment that enforcement leaves them. */
  worstMicroUsd: MicroUsd
  leaseEndsAtUtcMs: UtcMs
  /** The instance that is started again; null for a launch. */
  instanceId: string | null
  /** Who is at it: see lib/host/processes/process_identity.ts. */
  process: string
  createdAtUtcMs: UtcMs
  /** From then on AWS may have been asked; null: it certainly was not. */
  sentAtUtcMs: UtcMs | null
  /** Of `count`, those that no lease stands for yet: some of a launch may be listed before the rest. */
  awaited: number
  /** Their part of `worstMicroUsd`. */
  awaitedWorstMicroUsd: MicroUsd
}

/** As it is made: by whom and for what, and nothing has come of it. */
export type NewReservation = Omit<Reservation, "state" | "sentAtUtcMs" | "awaited" | "awaitedWorstMicroUsd">

const leased = "(SELECT count(*) FROM leases l WHERE l.reservation_id = reservations.reservation_id)"
/** The whole is so many times the part of one, or storage, of which nothing is leased. */
const awaitedWorst = `worst_micro_usd - worst_micro_usd / ${greatest("instance_count", "1")} * ${leased}`

const columns = `reservation_id AS id, login, kind, state, region, instance_type AS "instanceType", market,
  key_name AS "keyName", image, instance_count AS count, usage_operation AS "usageOperation", micro_usd_per_hour AS "microUsdPerHour",
  storage_micro_usd_per_hour AS "storageMicroUsdPerHour", address_micro_usd_per_hour AS "addressMicroUsdPerHour",
  worst_micro_usd AS "worstMicroUsd", lease_ends_at_utc_ms AS "leaseEndsAtUtcMs", instance_id AS "instanceId",
  process, created_at_utc_ms AS "createdAtUtcMs", sent_at_utc_ms AS "sentAtUtcMs",
  instance_count - ${leased} AS awaited, ${awaitedWorst} AS "awaitedWorstMicroUsd"`

export type Reservations = ReturnType<typeof reservations>

export function reservations(db: Db) {
  return {
    /** Inside a transaction. On a server its run holds it from the COMMIT on. */
    add(reservation: NewReservation): void {
      db.locks?.takeAtCommit(lockNameOf(reservation))
      db.query(`
        INSERT INTO reservations(reservation_id, login, kind, state, region, instance_type, market, key_name,
          instance_count, micro_usd_per_hour, storage_micro_usd_per_hour, address_micro_usd_per_hour,
          worst_micro_usd, lease_ends_at_utc_ms, instance_id, process, created_at_utc_ms,
          usage_operation, image)
        VALUES ($id, $login, $kind, 'pending', $region, $instanceType, $market, $keyName, $count, $microUsdPerHour,
          $storageMicroUsdPerHour, $addressMicroUsdPerHour, $worstMicroUsd, $leaseEndsAtUtcMs, $instanceId,
          $process, $createdAtUtcMs, $usageOperation, $image)`).run({ ...reservation })
    },
    /** False where it is not pending any more: another host took the run for gone and gave it back. */
    sent(id: string, nowUtcMs: UtcMs): boolean {
      return (
        db
          .query("UPDATE reservations SET sent_at_utc_ms = ? WHERE reservation_id = ? AND state = 'pending'")
          .run(nowUtcMs, id).changes > 0
      )
    },
    outcomeOf(id: string): string {
      return (
        db
          .query<{ outcome: string | null }, [string]>(
            "SELECT outcome FROM reservations WHERE reservation_id = ?",
          )
          .get(id)?.outcome ?? ""
      )
    },
    byId(id: string): Reservation | null {
      return db
        .query<Reservation, [string]>(`SELECT ${columns} FROM reservations WHERE reservation_id = ?`)
        .get(id)
    },
    /** Oldest first; of one login, or of all. */
    pending(login: string | null): Reservation[] {
      return login === null
        ? db
            .query<Reservation, []>(
              `SELECT ${columns} FROM reservations WHERE state = 'pending' ORDER BY created_at_utc_ms`,
            )
            .all()
        : db
            .query<Reservation, [string]>(
              `SELECT ${columns} FROM reservations WHERE state = 'pending' AND login = ? ORDER BY created_at_utc_ms`,
            )
            .all(login)
    },
    /** What pending reservations of everybody but `login` may cost. */
    worstOfOthers(login: string): MicroUsd {
      return (
        db
          .query<{ sum: MicroUsd | null }, [string]>(
            `SELECT sum(${awaitedWorst}) AS sum FROM reservations WHERE state = 'pending' AND login <> ?`,
          )
          .get(login)?.sum ?? noMicroUsd
      )
    },
    /** Ends a reservation that is not settled yet; false where somebody else has settled it. A released one may be settled: AWS has it after all. */
    finish(
      id: string,
      state: Exclude<ReservationState, "pending">,
      outcome: string,
      nowUtcMs: UtcMs,
    ): boolean {
      return (
        db
          .query(
            `UPDATE reservations SET state = ?1, outcome = ?2, settled_at_utc_ms = ?3
             WHERE reservation_id = ?4 AND (state = 'pending' OR (state = 'released' AND ?1 = 'settled'))`,
          )
          .run(state, outcome, nowUtcMs, id).changes > 0
      )
    },
  }
}
