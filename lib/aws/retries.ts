/**
 * When a request to AWS is made again, and how long that may go on in all.
 *
 * Everything we send may be sent twice (listings; launches by their client token; deletions, where gone is done) but for calls
 * that create something under a fresh secret: of those only what AWS refused as too much, or never saw, is repeated.
 */
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types"
import type { Clock } from "../base/time.ts"
import { GarbledReply } from "./garbled-reply.ts"

export interface Patience {
  /** Attempts in all at what is throttled, which a course at its deadline is. */
  throttledAttempts: number
  /** Attempts in all at what failed otherwise: no connection, a reset, 5xx, half a reply. */
  otherAttempts: number
  /** No attempt begins later than this after the first. */
  totalMs: number
  /** How long one attempt may take. */
  attemptMs: number
}

export const defaultPatience: Patience = {
  throttledAttempts: 8,
  otherAttempts: 4,
  totalMs: 30_000,
  attemptMs: 30_000,
}

const firstDelayMs = { throttled: 400, other: 100 }
const longestDelayMs = 5_000
const neverSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"])

interface Token extends RetryToken {
  startedAt: number
}

export class BoundedRetries implements RetryStrategyV2 {
  constructor(
    private readonly clock: Clock,
    private readonly patience: Patience,
    private readonly repeatable: boolean,
  ) {}

  async acquireInitialRetryToken(): Promise<Token> {
    return token(0, 0, this.clock.now())
  }

  async refreshRetryTokenForRetry(previous: RetryToken, info: RetryErrorInfo): Promise<Token> {
    const count = previous.getRetryCount() + 1
    if (count >= this.attemptsFor(info)) throw info.error ?? new Error("no further attempt")
    const now = this.clock.now()
    const delay = Math.max(delayMs(count, info), (info.retryAfterHint?.getTime() ?? 0) - now)
    const { startedAt } = previous as Token
    if (now + delay - startedAt > this.patience.totalMs) throw info.error ?? new Error("no time left")
    return token(count, delay, startedAt)
  }

  recordSuccess(): void {}

  private attemptsFor({ error, errorType }: RetryErrorInfo): number {
    const { throttledAttempts, otherAttempts } = this.patience
    const { name, code, $metadata } = (error ?? {}) as {
      name?: string
      code?: string
      $metadata?: { httpStatusCode?: number }
    }
    // IAM's quota (a third access key), which the SDK takes for throttling by its name.
    if (name === "LimitExceededException" && $metadata?.httpStatusCode !== 429) return 1
    if (errorType === "THROTTLING") return throttledAttempts
    const failed = errorType !== "CLIENT_ERROR" || error instanceof GarbledReply
    return failed && (this.repeatable || neverSent.has(code ?? "")) ? otherAttempts : 1
  }
}

/** Exponential, with jitter so that fifty students do not come back at once. */
function delayMs(count: number, { errorType }: RetryErrorInfo): number {
  const first = errorType === "THROTTLING" ? firstDelayMs.throttled : firstDelayMs.other
  return Math.min(longestDelayMs, first * 2 ** (count - 1)) * (0.5 + Math.random() / 2)
}

function token(count: number, delay: number, startedAt: number): Token {
  return { getRetryCount: () => count, getRetryDelay: () => delay, startedAt }
}
