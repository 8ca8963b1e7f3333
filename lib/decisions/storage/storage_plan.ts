/**
 * Storage has no lease: it lives as long as its owner's budget pays for it. Thirty days are reserved ahead when it is made, so that
 * a month at least goes by before it comes to this: warnings, and shortly before the money is gone, its end.
 */

import type { MicroUsd } from "../../base/money.ts"
import { usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { duration, isoUtc, later, latestOf, msPerDay, msPerHour, type UtcMs } from "../../base/time.ts"

/** What one login keeps. */
export interface KeptStorage {
  login: string
  items: { id: string; description: string; region: string }[]
  /** Of all together. */
  microUsdPerHour: MicroUsd
  /** Of the budget, beside what is spent and reserved for instances; negative where that is more. */
  leftMicroUsd: MicroUsd
  /** Since when its owner knows of the end; null: not yet. */
  warnedAtUtcMs: UtcMs | null
  /** Nothing goes before: a grant of more budget has just ended. Null: none has. */
  keptUntilUtcMs?: UtcMs | null
}

export type StorageStep =
  | { kind: "warn of storage"; storage: KeptStorage; endsAtUtcMs: UtcMs; days: number }
  | { kind: "delete"; login: string; item: KeptStorage["items"][number]; because: string }

/** So much is kept back: cron may not come for a while, and nothing goes within a day of the first warning. */
const marginMs = 2 * msPerDay
const noticeMs = msPerDay
const warnDays = [2, 7]

export function planStorage(kept: readonly KeptStorage[], nowUtcMs: UtcMs): StorageStep[] {
  return kept.flatMap((storage): StorageStep[] => {
    const { login, items, microUsdPerHour, leftMicroUsd, warnedAtUtcMs } = storage
    if (microUsdPerHour <= 0) return []
    const paidMs = Math.floor((Math.max(leftMicroUsd, 0) * msPerHour) / microUsdPerHour)
    // A budget that staff have lowered must not take away unannounced what somebody keeps.
    const endsAtUtcMs = latestOf(
      later(nowUtcMs, paidMs - marginMs),
      later(warnedAtUtcMs ?? nowUtcMs, noticeMs),
      storage.keptUntilUtcMs ?? nowUtcMs,
    )
    if (endsAtUtcMs <= nowUtcMs) {
      const because = `the budget has ${usd(leftMicroUsd)} left, which pays ${usd(microUsdPerHour)}/h for ${duration(paidMs)}, and ${duration(marginMs)} are kept back`
      return items.map((item) => ({ kind: "delete", login, item, because }))
    }
    const days = warnDays.find((days) => endsAtUtcMs - days * msPerDay <= nowUtcMs)
    return days === undefined ? [] : [{ kind: "warn of storage", storage, endsAtUtcMs, days }]
  })
}

/** `delete vol-0abc of cs61c-aa (gp3 10 GiB): the budget has …`. */
export function storageLine(step: StorageStep): string {
  if (step.kind === "warn of storage") {
    return `warn ${step.storage.login}: the budget pays for storage until ${isoUtc(step.endsAtUtcMs)}`
  }
  return `delete ${step.item.id} of ${step.login} (${step.item.description}): ${step.because}`
}

/** What the owner reads. */
export function storageWarning({ items, microUsdPerHour }: KeptStorage, endsAtUtcMs: UtcMs): string {
  return `Your budget pays for your ${plural(items.length, "volume or snapshot", "volumes and snapshots")} (${usd(microUsdPerHour)}/h) until ${isoUtc(endsAtUtcMs)}; then they are deleted. Delete what you do not need: ec2-active --storage`
}
