/** Randomness that can be repeated: mulberry32. */

export interface Random {
  /** From 0 to before 1. */
  next(): number
  chance(probability: number): boolean
  of<T>(choices: readonly T[]): T
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    chance: (probability) => next() < probability,
    of: (choices) => choices[Math.floor(next() * choices.length)] as (typeof choices)[number],
    weighted(choices) {
      let at = next() * choices.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, choice] of choices) {
        at -= weight
        if (at < 0) return choice
      }
      return choices[0]?.[1] as never
    },
  }
}

/** Whole seconds, in milliseconds. */
export function seconds(random: Random, least: number, most: number): number {
  return Math.floor(least + random.next() * (most - least)) * 1000
}
