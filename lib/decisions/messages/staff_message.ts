import type { UtcMs } from "../../base/time.ts"

/** What `[notify] about` may list. */
export const messageTopics = ["freezes", "strangers", "failures", "budgets", "requests", "digest"] as const
export type MessageTopic = (typeof messageTopics)[number]

export interface StaffMessage {
  id: number
  topic: MessageTopic
  text: string
  createdAtUtcMs: UtcMs
}
