/** Pieces of a page: text made harmless, tables, and charts as SVG that a screen reader can name. */

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** Logins and names are other people's. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** The first column names the row; the others are figures. */
export function table(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = header.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")
  const body = rows
    .map(([first = "", ...others]) => {
      const cells = others.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")
      return `<tr><th scope="row">${escapeHtml(first)}</th>${cells}</tr>`
    })
    .join("\n")
  return `<table><caption>${escapeHtml(caption)}</caption><thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table>`
}

export interface Bar {
  name: string
  lowest: number
  highest: number
}

/** What marks are drawn in; the page stretches it to the width that there is, and no text with it. */
const width = 600
const height = 200

/** Upright bars, what is uncertain lighter at their top; or none, where nothing is known. `named`: each has its name below it. */
export function barChart(
  id: string,
  title: string,
  bars: readonly Bar[],
  format: (value: number) => string,
  { named = false } = {},
): string {
  const most = Math.max(...bars.map(({ highest }) => highest), 0)
  if (most === 0) return `<p>Nothing to show.</p>`
  const scale = (value: number) => (height * value) / most
  const step = width / bars.length
  const rects = bars.map(({ name, lowest, highest }, index) => {
    const x = ((index + 0.1) * step).toFixed(1)
    const w = Math.max(step * 0.8, 0.5).toFixed(1)
    const y = (value: number) => (height - scale(value)).toFixed(1)
    const range = lowest === highest ? format(highest) : `${format(lowest)} to ${format(highest)}`
    const unsure =
      highest > lowest
        ? `<rect class="u" x="${x}" y="${y(highest)}" width="${w}" height="${scale(highest - lowest).toFixed(1)}"/>`
        : ""
    return `<g><title>${escapeHtml(name)}: ${range}</title>${unsure}<rect x="${x}" y="${y(lowest)}" width="${w}" height="${scale(lowest).toFixed(1)}"/></g>`
  })
  return figure(id, title, rects.join("\n"), bars, { most, format, named })
}

/** A line over equal steps. */
export function lineChart(
  id: string,
  title: string,
  points: readonly Bar[],
  format: (value: number) => string,
): string {
  const most = Math.max(...points.map(({ highest }) => highest), 0)
  if (most === 0) return `<p>Nothing to show.</p>`
  const step = width / Math.max(1, points.length - 1)
  const path = points.map(
    ({ highest }, index) => `${(index * step).toFixed(1)},${(height - (height * highest) / most).toFixed(1)}`,
  )
  return figure(id, title, `<polyline points="${path.join(" ")}"/>`, points, { most, format, named: false })
}

function figure(
  id: string,
  title: string,
  marks: string,
  bars: readonly Bar[],
  { most, format, named }: { most: number; format: (value: number) => string; named: boolean },
): string {
  const peak = bars.find(({ highest }) => highest === most)
  const description = `From ${bars[0]?.name} to ${bars.at(-1)?.name}; the most is ${format(most)}, ${peak?.name}. The figures are in the table below.`
  const below = named || bars.length < 3 ? bars : [bars[0], bars.at(-1)]
  const names = below.map((bar) => `<span>${escapeHtml(bar?.name ?? "")}</span>`).join("")
  return `<div class="chart" tabindex="0" role="region" aria-label="${escapeHtml(title)}">
<div class="most" aria-hidden="true">${escapeHtml(format(most))}</div>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>
${marks}
</svg>
<div class="names${named ? " each" : ""}" aria-hidden="true">${names}</div></div>`
}

export const pageStyle = `
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--mark:#1f5fa8;--soft:#a9c6e8;--line:#8a8a93}
@media (prefers-color-scheme:dark){:root{--ink:#eee;--paper:#16161a;--mark:#7db4f0;--soft:#34557d;--line:#77777f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:60rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}
svg{display:block;width:100%;height:12rem;border:solid var(--line);border-width:0 0 1px 1px}
rect{fill:var(--mark)}rect.u{fill:var(--soft)}
polyline{fill:none;stroke:var(--mark);stroke-width:2;vector-effect:non-scaling-stroke}
.most,.names{font-size:.8rem}.names{display:flex;justify-content:space-between}
.each span{flex:1 1 0;writing-mode:vertical-rl;transform:rotate(180deg);max-height:10rem;display:flex;align-items:center;white-space:nowrap;overflow:hidden}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}
h1,caption,tbody th{overflow-wrap:anywhere}
@media (min-width:26rem){tbody th{min-width:6rem}}
th:first-child{text-align:left;font-weight:400}thead th{font-weight:600}
a,summary{color:var(--mark)}summary{padding:.5rem 0;cursor:pointer}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
`
