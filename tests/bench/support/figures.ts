/**
 * A benchmark's result: ratios of things that are run in the same go, each with its target. None is a time or a rate by itself: that
 * would say as much of the machine as of us.
 */

export interface Bench {
  /** What is measured, in one line. */
  what: string
  run(): Promise<Figure[]>
}

export interface Figure {
  what: string
  /** What was measured, for people: `4.1 ms`. */
  measured: string
  /** What it is compared with: `hello world 3.9 ms`. */
  reference: string
  /** The ratio; at most `target` is wanted, or at least, by `wanted`. */
  value: number
  target: number
  wanted?: "at most" | "at least"
}

/** A ratio of two times measured in one go, or of two amounts that `shown` puts into words. */
export function ratio(
  what: string,
  ours: number,
  [name, theirs]: [string, number],
  target: number,
  shown: (value: number) => string = milliseconds,
): Figure {
  return {
    what,
    measured: shown(ours),
    reference: `${name} ${shown(theirs)}`,
    value: ours / theirs,
    target,
  }
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 3 : ms < 100 ? 1 : 0)} ms`
}

export function mebibytes(mib: number): string {
  return `${mib.toFixed(0)} MiB`
}

/** Prints a table; returns how many targets were missed. */
export function printFigures(figures: Figure[]): number {
  const rows = figures.map((figure) => {
    const met = figure.wanted === "at least" ? figure.value >= figure.target : figure.value <= figure.target
    const shown = (value: number) => `${Number(value.toPrecision(3))} ×`
    const bound = `${figure.wanted === "at least" ? "≥" : "≤"} ${shown(figure.target)}`
    return [
      figure.what,
      figure.measured,
      figure.reference,
      shown(figure.value),
      bound,
      met ? "met" : "MISSED",
    ]
  })
  const table = [["", "measured", "beside", "value", "target", "verdict"], ...rows]
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  )
  for (const row of table)
    console.log(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}`,
    )
  return rows.filter((row) => row.at(-1) === "MISSED").length
}
