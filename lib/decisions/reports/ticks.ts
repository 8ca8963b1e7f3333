/** Where an axis has its ticks. */

/** Round values from 0 to the first one that is not below `most`: 1, 2, 2.5 or 5 times a power of ten apart, four to six of them. */
export function roundTicks(most: number): number[] {
  if (!(most > 0)) return [0]
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power
  const count = Math.ceil(most / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

/** At most `most` of `count` places, evenly apart, the first one among them. */
export function evenPlaces(count: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(count / most))
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step)
}
