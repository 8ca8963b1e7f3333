/**
 * Spending per day as upright bars between axes with ticks. The SVG has the marks alone and is stretched to the width that there is; the
 * texts stand beside it as HTML, and keep their size on a phone.
 */
import { escapeHtml } from "./page_text.ts"
import { evenPlaces, roundTicks } from "./ticks.ts"

export interface Bar {
  name: string
  /** As it stands below the axis. */
  short: string
  lowest: number
  highest: number
}

const width = 600
const height = 200
const mostNames = 6

/** `format`: a value for people. With nothing to show, an empty text. */
export function dayChart(title: string, bars: readonly Bar[], format: (value: number) => string): string {
  const most = Math.max(...bars.map(({ highest }) => highest), 0)
  if (most === 0) return ""
  const ticks = roundTicks(most)
  const top = ticks.at(-1) ?? most
  const y = (value: number) => height - (height * value) / top
  const step = width / bars.length
  const marks = bars.map(({ name, lowest, highest }, index) => {
    const x = ((index + 0.1) * step).toFixed(1)
    const w = Math.max(step * 0.8, 0.5).toFixed(1)
    const rect = (from: number, to: number, unsure: boolean) =>
      to > from
        ? `<rect${unsure ? ' class="u"' : ""} x="${x}" y="${y(to).toFixed(1)}" width="${w}" height="${(y(from) - y(to)).toFixed(1)}"/>`
        : ""
    const range = lowest === highest ? format(highest) : `${format(lowest)} to ${format(highest)}`
    return `<g><title>${escapeHtml(name)}: ${range}</title>${rect(lowest, highest, true)}${rect(0, lowest, false)}</g>`
  })
  const peak = bars.find(({ highest }) => highest === most)
  const description = `From ${bars[0]?.name} to ${bars.at(-1)?.name}; the most is ${format(most)}, on ${peak?.name}.`
  const lines = ticks.map((tick) => `<path d="M0 ${y(tick).toFixed(1)}H${width}"/>`).join("")
  const labels = ticks.map(
    (tick) => `<span style="bottom:${((100 * tick) / top).toFixed(1)}%">${escapeHtml(format(tick))}</span>`,
  )
  const names = evenPlaces(bars.length, mostNames).map((index) => {
    const left = (100 * (index + 0.5)) / bars.length
    const side = left > 85 ? ' class="r"' : left < 15 ? ' class="l"' : ""
    return `<span${side} style="left:${left.toFixed(1)}%">${escapeHtml(bars[index]?.short ?? "")}</span>`
  })
  return `<div class="chart">
<div class="y" aria-hidden="true">${labels.join("")}</div>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(`${title}. ${description}`)}">
<g class="grid">${lines}</g>
${marks.join("\n")}
</svg>
<div class="x" aria-hidden="true">${names.join("")}</div>
</div>`
}
