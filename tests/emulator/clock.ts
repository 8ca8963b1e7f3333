/** The emulated AWS's time: the machine's, until a test stops it; then it moves only as told, and what falls due happens in order. */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"

export class VirtualClock {
  #offsetMs = 0
  #stoppedAt: number | null = null
  #timers: { atUtcMs: UtcMs; order: number; act: () => void | Promise<void> }[] = []
  #order = 0

  /** UTC milliseconds. */
  now(): number {
    return this.#stoppedAt ?? Date.now() + this.#offsetMs
  }

  /** Stops the clock, at an instant if one is given. */
  stop(atUtcMs = this.now()): void {
    this.#stoppedAt = atUtcMs
  }

  /** Moves it forward; every timer on the way acts at its own time. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(utcMsOf(this.now() + ms))
  }

  async advanceTo(utcMs: UtcMs): Promise<void> {
    const stopped = this.#stoppedAt !== null
    for (;;) {
      const next = this.#due(utcMs)
      if (!next) break
      this.#stoppedAt = Math.max(next.atUtcMs, this.#stoppedAt ?? next.atUtcMs)
      await next.act()
    }
    this.#stoppedAt = utcMs
    if (!stopped) {
      this.#offsetMs = utcMs - Date.now()
      this.#stoppedAt = null
    }
  }

  at(utcMs: UtcMs, act: () => void | Promise<void>): void {
    this.#order += 1
    this.#timers.push({ atUtcMs: utcMs, order: this.#order, act })
  }

  /** What has fallen due acts. The proxy calls this before every request. */
  async settle(): Promise<void> {
    if (this.#timers.some(({ atUtcMs }) => atUtcMs <= this.now())) await this.advanceTo(utcMsOf(this.now()))
  }

  reset(): void {
    this.#timers = []
    this.#offsetMs = 0
    this.#stoppedAt = null
  }

  #due(untilUtcMs: UtcMs) {
    const [next] = this.#timers
      .filter(({ atUtcMs }) => atUtcMs <= untilUtcMs)
      .sort((a, b) => a.atUtcMs - b.atUtcMs || a.order - b.order)
    if (next) this.#timers.splice(this.#timers.indexOf(next), 1)
    return next
  }
}
