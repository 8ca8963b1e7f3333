/** Chance that can be repeated, and logins by number. */

export type Random = () => number

/** mulberry32: the same numbers for the same seed. */
export function generator(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T
}

const letters = "abcdefghijklmnopqrstuvwxyz"

/** `cs61c-aa`, `cs61c-ab` … */
export function loginOf(index: number): string {
  return `cs61c-${letters[Math.floor(index / 26)]}${letters[index % 26]}`
}
