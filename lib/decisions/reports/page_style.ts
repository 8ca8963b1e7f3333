/** How the page looks, and the one script in it, without which it reads as well. */

export const pageStyle = `
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--quiet:#55555f;--mark:#1f5fa8;--soft:#a9c6e8;--near:#a04a00;--near-soft:#e8c39a;--over:#b3261e;--over-soft:#eeb4b0;--track:#e7e9ee;--line:#c9ccd4}
@media (prefers-color-scheme:dark){:root{--ink:#ececf0;--paper:#16161a;--quiet:#b0b0ba;--mark:#7db4f0;--soft:#34557d;--near:#f0a456;--near-soft:#6b4a24;--over:#ff8a80;--over-soft:#71322d;--track:#2c2d34;--line:#45464f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:64rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2.25rem 0 .5rem}
h1,caption,tbody th,.n,dd{overflow-wrap:anywhere}
.note{color:var(--quiet);margin:.25rem 0;max-width:44rem}
.alert{border-left:4px solid var(--over);padding:.25rem .75rem;margin:.75rem 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;margin:1rem 0}
.figures>div{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}
dt{color:var(--quiet)}dd{margin:0}dd.big{font-size:1.75rem;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.b{position:relative;display:block;height:.9rem;background:var(--track);border-radius:.2rem;overflow:hidden}
dd .b{margin:.35rem 0}
.b i{position:absolute;left:0;top:0;bottom:0;background:var(--mark)}.b i.u{background:var(--soft)}
.near .b i,.b.near i{background:repeating-linear-gradient(45deg,var(--near) 0 6px,var(--near-soft) 6px 8px)}
.over .b i,.b.over i{background:repeating-linear-gradient(45deg,var(--over) 0 3px,var(--over-soft) 3px 5px)}
.near .b i.u,.b.near i.u{background:var(--near-soft)}.over .b i.u,.b.over i.u{background:var(--over-soft)}
.bars{list-style:none;margin:.5rem 0;padding:0}
.bars li{display:grid;grid-template-columns:8rem 1fr 22rem;gap:.25rem .75rem;align-items:center;padding:.15rem 0}
.s{font-variant-numeric:tabular-nums}.near .s,td.near{color:var(--near);font-weight:600}.over .s,td.over{color:var(--over);font-weight:600}
@media (max-width:52rem){.bars li{grid-template-columns:1fr}.bars .s{padding-bottom:.35rem}}
.chart{display:grid;grid-template-columns:4rem 1fr;margin:.75rem 0}
svg{display:block;width:100%;height:12rem;grid-column:2}
svg path{stroke:var(--line);vector-effect:non-scaling-stroke}rect{fill:var(--mark)}rect.u{fill:var(--soft)}
.y,.x{position:relative;font-size:.8rem;color:var(--quiet);font-variant-numeric:tabular-nums}
.y span{position:absolute;right:.5rem;transform:translateY(50%)}
.x{grid-column:2;height:1.5rem}.x span{position:absolute;transform:translateX(-50%);white-space:nowrap;padding-top:.25rem}
.x .l{transform:translateX(-15%)}.x .r{transform:translateX(-85%)}
@media (max-width:30rem){.x span:nth-child(even){display:none}}
.scroll{overflow:auto;max-height:80vh;border:1px solid var(--line);border-radius:.25rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.5rem}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}
tbody th{min-width:6rem}th:first-child{text-align:left;font-weight:400}thead th{font-weight:600}
thead th{position:sticky;top:0;background:var(--paper);border-bottom:2px solid var(--line)}
th button{all:unset;cursor:pointer;font-weight:600}th button::after{content:" ↕";color:var(--quiet)}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
table.wide td,table.wide th{white-space:nowrap}
code{font-size:.95em}a,summary{color:var(--mark)}summary{padding:.5rem 0;cursor:pointer}
:focus-visible,th button:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:0;background:var(--paper)}
@media print{body{max-width:none;padding:0;color:#000;background:#fff}.skip,th button::after{display:none}.scroll{overflow:visible;max-height:none;border:0}thead th{position:static}.figures,.chart,tr,.bars li{break-inside:avoid}details::details-content{content-visibility:visible;height:auto}i,rect,.b{print-color-adjust:exact}}
`

/** Makes the heads of tables buttons that sort. It reads only what stands in the page, and asks for nothing. */
export const sortScript = `
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0]
  const heads = [...table.tHead.rows[0].cells]
  heads.forEach((head, column) => {
    const button = document.createElement("button")
    button.textContent = head.textContent
    head.replaceChildren(button)
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending"
      for (const other of heads) other.removeAttribute("aria-sort")
      head.setAttribute("aria-sort", down ? "descending" : "ascending")
      const valueOf = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent
      const compare = (one, other) => {
        const [a, b] = [valueOf(one), valueOf(other)]
        const isNumber = a !== "" && b !== "" && !Number.isNaN(Number(a)) && !Number.isNaN(Number(b))
        return isNumber ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0
      }
      const rows = [...body.rows].sort((one, other) => (down ? compare(other, one) : compare(one, other)))
      body.append(...rows)
    })
  })
}
`
