import { type Clock, later, utcMsOf } from "../base/time.ts"

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => utcMsOf(Date.now()),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop)
        resolve()
      }, ms)
      signal?.addEventListener("abort", stop, { once: true })
    }),
}

/** A clock that several hosts can share: the machine's, put right by what a database's clock said last. */
export interface SharedClock extends Clock {
  /** Hears the database's time. From then on `now` goes by it. */
  follow(utcMs: number): void
  /** How far the machine's clock is ahead of the database's; 0 before it was heard. */
  aheadMs(): number
}

export function sharedClock(machine: Clock = systemClock): SharedClock {
  let aheadMs = 0
  return {
    now: () => later(machine.now(), -aheadMs),
    sleep: machine.sleep,
    follow(utcMs) {
      aheadMs = machine.now() - utcMs
    },
    aheadMs: () => aheadMs,
  }
}
