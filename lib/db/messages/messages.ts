/** `messages` and `message_deliveries`: what staff is to be told. A message is written with its event, and sent by cron. */
import type { UtcMs } from "../../base/time.ts"
import type { MessageTopic, StaffMessage } from "../../decisions/messages/staff_message.ts"
import type { Db } from "../db.ts"

export interface NewMessage {
  /** What it is about; the same thing is said once. */
  about: string
  topic: MessageTopic
  text: string
  createdAtUtcMs: UtcMs
}

export type DeliveryState = "waiting" | "sending" | "sent" | "unknown" | "failed"

export function messages(db: Db) {
  return {
    /** Returns false where it has been said. Inside the transaction of its event. */
    add({ about, topic, text, createdAtUtcMs }: NewMessage): boolean {
      return (
        db
          .query(
            "INSERT INTO messages(about, topic, text, created_at_utc_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
          )
          .run(about, topic, text, createdAtUtcMs).changes > 0
      )
    },

    has: (about: string): boolean =>
      db.query("SELECT 1 AS one FROM messages WHERE about = ?").get(about) !== null,

    /** What is new goes to these destinations, where their topics want it. Inside the caller's transaction. */
    dispatch(topics: readonly string[], destinations: readonly string[], nowUtcMs: UtcMs): void {
      const fresh = db
        .query<{ id: number; topic: string }, []>(
          "SELECT message_id AS id, topic FROM messages WHERE dispatched_at_utc_ms IS NULL ORDER BY message_id",
        )
        .all()
      for (const { id, topic } of fresh) {
        if (topics.includes(topic))
          for (const destination of destinations)
            db.query(
              "INSERT INTO message_deliveries(message_id, destination, state) VALUES (?, ?, 'waiting') ON CONFLICT DO NOTHING",
            ).run(id, destination)
        db.query("UPDATE messages SET dispatched_at_utc_ms = ? WHERE message_id = ?").run(nowUtcMs, id)
      }
    },

    /** The oldest first. */
    waiting: (destination: string, most: number): StaffMessage[] =>
      db
        .query<StaffMessage, [string, number]>(
          `SELECT m.message_id AS id, m.topic, m.text, m.created_at_utc_ms AS "createdAtUtcMs"
           FROM message_deliveries AS d JOIN messages AS m ON m.message_id = d.message_id
           WHERE d.destination = ? AND d.state = 'waiting' ORDER BY m.message_id LIMIT ?`,
        )
        .all(destination, most),

    /** Marks those of `ids` that wait as being sent, and returns these. Inside the caller's transaction. */
    claim(destination: string, ids: readonly number[], nowUtcMs: UtcMs): number[] {
      return ids.filter(
        (id) =>
          db
            .query(
              `UPDATE message_deliveries SET state = 'sending', attempts = attempts + 1, tried_at_utc_ms = ?
               WHERE destination = ? AND message_id = ? AND state = 'waiting'`,
            )
            .run(nowUtcMs, destination, id).changes > 0,
      )
    },

    /** Inside the caller's transaction. */
    settle(destination: string, ids: readonly number[], state: DeliveryState, failure: string | null): void {
      for (const id of ids)
        db.query(
          "UPDATE message_deliveries SET state = ?, failure = ? WHERE destination = ? AND message_id = ?",
        ).run(state, failure, destination, id)
    },

    /** What a run that was killed was sending may have arrived. */
    giveUpInterrupted(beforeUtcMs: UtcMs): void {
      db.query(
        `UPDATE message_deliveries SET state = 'unknown', failure = 'the run that sent it was killed'
         WHERE state = 'sending' AND tried_at_utc_ms < ?`,
      ).run(beforeUtcMs)
    },

    /** How often the oldest that waits for this destination has been tried. */
    attempts: (destination: string): number =>
      db
        .query<{ most: number | null }, [string]>(
          "SELECT max(attempts) AS most FROM message_deliveries WHERE destination = ? AND state = 'waiting'",
        )
        .get(destination)?.most ?? 0,
  }
}
