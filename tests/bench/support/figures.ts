/** A benchmark's result: figures beside their targets, as ratios wherever something else can be run in the same go. */

export interface Bench {
  /** What is measured, in one line. */
  what: string
  run(): Promise<Figure[]>
}

export interface Figure {
  what: string
  /** What was measured, for people: `4.1 ms`. */
  measured: string
  /** What it is compared with: `hello world 3.9 ms`; "" for a figure that stands alone. */
  reference: string
  /** The ratio, or the figure itself where there is none to form; at most `target` is wanted, or at least, by `wanted`. */
  value: number
  target: number
  wanted?: "at most" | "at least"
  unit?: string
}

/** A ratio of two times measured in one go. */
export function ratio(what: string, ours: number, [name, theirs]: [string, number], target: number): Figure {
  return {
    what,
    measured: milliseconds(ours),
    reference: `${name} ${milliseconds(theirs)}`,
    value: ours / theirs,
    target,
  }
}

/** A time with an absolute target. */
export function time(what: string, ms: number, targetMs: number): Figure {
  return { what, measured: milliseconds(ms), reference: "", value: ms, target: targetMs, unit: " ms" }
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`
}

/** Prints a table; returns how many targets were missed. */
export function printFigures(figures: Figure[]): number {
  const rows = figures.map((figure) => {
    const met = figure.wanted === "at least" ? figure.value >= figure.target : figure.value <= figure.target
    const unit = figure.unit ?? " ×"
    const shown = (value: number) => `${Number(value.toPrecision(3))}${unit}`
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
