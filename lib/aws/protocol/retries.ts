/**
 * When a request to AWS is made again, and how long that may go on in all.
 *
 * Everything we send may be sent twice (listings; launches by their client token; deletions, where gone is done) but for calls
 * that create something under a fresh secret: of those only what AWS refused as too much, or never saw, is repeated.
 */
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types"
import type { Clock } from "../../base/time.ts"
import { GarbledReply } from "./garbled_reply.ts"

export interface Patience {
  /** At what is throttled, which a course at its deadline is. */
  throttled: Attempts
  /** At what failed otherwise: no connection, a reset, 5xx, half a reply. */
  failed: Attempts
  /** No attempt begins later than this after the first. */
  totalMs: number
  /** How long one attempt may take, its reply included. */
  attemptMs: number
}

interface Attempts {
  /** In all, the first included. */
  most: number
  /** Before the second; doubled before each that follows. */
  delayMs: number
}

export const defaultPatience: Patience = {
  throttled: { most: 8, delayMs: 400 },
  failed: { most: 4, delayMs: 100 },
  totalMs: 30_000,
  attemptMs: 30_000,
}

const longestDelayMs = 5_000
const neverSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"])

/** EC2 has no room and did nothing. It says so with HTTP 500; asking for the same at once finds no more. */
const noRoom = /^Insufficient(Instance|Host)?Capacity$/

interface Token extends RetryToken {
  startedAt: number
  /** An attempt before may have been carried out: its reply was lost, or was no answer. */
  hasLostReply: boolean
}

const afterLostReply = new WeakSet<object>()

/** Whether an attempt before the one that threw `error` may have been carried out. */
export function followsLostReply(error: unknown): boolean {
  return typeof error === "object" && error !== null && afterLostReply.has(error)
}

export class BoundedRetries implements RetryStrategyV2 {
  constructor(
    private readonly clock: Clock,
    private readonly patience: Patience,
    private readonly repeatable: boolean,
  ) {}

  async acquireInitialRetryToken(): Promise<Token> {
    return token({ count: 0, delay: 0, startedAt: this.clock.now(), hasLostReply: false })
  }

  async refreshRetryTokenForRetry(previous: RetryToken, info: RetryErrorInfo): Promise<Token> {
    const count = previous.getRetryCount() + 1
    const { startedAt, hasLostReply } = previous as Token
    if (hasLostReply && info.error) afterLostReply.add(info.error)
    const attempts = this.attemptsAt(info)
    if (!attempts || count >= attempts.most) throw info.error ?? new Error("no further attempt")
    const now = this.clock.now()
    const delay = Math.max(jittered(attempts.delayMs, count), (info.retryAfterHint?.getTime() ?? 0) - now)
    if (now + delay - startedAt > this.patience.totalMs) throw info.error ?? new Error("no time left")
    return token({ count, delay, startedAt, hasLostReply: hasLostReply || mayHaveBeenDone(info) })
  }

  recordSuccess(): void {}

  /** Null for what will not get better. */
  private attemptsAt({ error, errorType }: RetryErrorInfo): Attempts | null {
    const { name, code, $metadata } = (error ?? {}) as {
      name?: string
      code?: string
      $metadata?: { httpStatusCode?: number }
    }
    // IAM's quota (a third access key), which the SDK takes for throttling by its name.
    if (name === "LimitExceededException" && $metadata?.httpStatusCode !== 429) return null
    if (errorType === "THROTTLING") return this.patience.throttled
    if (noRoom.test(name ?? "")) return null
    const mayPass = errorType !== "CLIENT_ERROR" || error instanceof GarbledReply
    return mayPass && (this.repeatable || neverSent.has(code ?? "")) ? this.patience.failed : null
  }
}

/** Exponential, with jitter so that fifty students do not come back at once. */
function jittered(firstMs: number, count: number): number {
  return Math.min(longestDelayMs, firstMs * 2 ** (count - 1)) * (0.5 + Math.random() / 2)
}

/** All but what was throttled, or never reached AWS. */
function mayHaveBeenDone({ error, errorType }: RetryErrorInfo): boolean {
  const { code } = (error ?? {}) as { code?: string }
  return errorType !== "THROTTLING" && !neverSent.has(code ?? "")
}

function token({
  count,
  delay,
  ...rest
}: { count: number; delay: number } & Pick<Token, "startedAt" | "hasLostReply">): Token {
  return { getRetryCount: () => count, getRetryDelay: () => delay, ...rest }
}
