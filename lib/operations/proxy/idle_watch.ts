/** Idle time of exchanges. */

/** Ends exchanges that stay silent too long. All share one timer: at 5,000 requests a second, one timer each would show. */
export class IdleWatch {
  readonly #watched = new Set<Watched>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(
    readonly idleMs: number,
    readonly now: () => number,
  ) {
    this.#timer = setInterval(() => this.#sweep(), Math.min(1000, idleMs / 2))
  }

  watch(expire: () => void): Watched {
    const watched: Watched = {
      deadline: this.now() + this.idleMs,
      expire,
      touch: () => {
        if (watched.deadline !== Number.POSITIVE_INFINITY) watched.deadline = this.now() + this.idleMs
      },
      done: () => this.#watched.delete(watched),
    }
    this.#watched.add(watched)
    return watched
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = this.now()
    for (const watched of this.#watched) {
      if (watched.deadline > now) continue
      this.#watched.delete(watched)
      watched.expire()
    }
  }
}

/** One exchange under watch. */
export interface Watched {
  /** In milliseconds as `now()` counts; Infinity for streams that may stay silent. */
  deadline: number
  expire(): void
  touch(): void
  done(): void
}
