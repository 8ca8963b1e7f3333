/** The proxy's own pages: the index of backends, and what went wrong. */
import type { ServerResponse } from "node:http"

/** Nothing on our pages needs a script, a frame or another site. */
const pageHeaders = Object.entries({
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
  "Referrer-Policy": "same-origin",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
}).flat()

export function sendPage(
  response: ServerResponse,
  status: number,
  title: string,
  body: string,
  headers: readonly string[] = [],
): void {
  const page = pageOf(title, body)
  const all = [...pageHeaders, "Content-Length", String(Buffer.byteLength(page)), ...headers]
  response.writeHead(status, all as never)
  response.end(page)
}

/** `headers` are more of them. */
export function sendRedirect(
  response: ServerResponse,
  status: number,
  location: string,
  headers: string[] = [],
): void {
  const all = ["Location", location, "Content-Length", "0", "Cache-Control", "no-store"]
  response.writeHead(status, [...all, "Referrer-Policy", "same-origin", ...headers] as never)
  response.end()
}

export function failurePage(status: number, what: string, cause: string): { title: string; body: string } {
  const titles: Record<number, string> = { 400: "Malformed", 401: "Who is there?", 403: "Not allowed" }
  const title = `${status} ${titles[status] ?? (status === 504 ? "No answer in time" : "No answer")}`
  return { title, body: `<p><b>${escaped(what)}</b></p><p>${escaped(cause)}</p>` }
}

export interface IndexEntry {
  text: string
  /** Where to click; null for ranges. */
  href: string | null
}

export function indexPage(entries: readonly IndexEntry[]): string {
  if (entries.length === 0) return "<p>No backend is allowed: name them with --allow or --cluster.</p>"
  const items = entries.map(({ text, href }) =>
    href === null
      ? `<li>${escaped(text)} (write <code>/HOST/PORT/</code>)</li>`
      : `<li><a href="${escaped(href)}">${escaped(text)}</a></li>`,
  )
  return `<p>What may be reached through this proxy, as <code>/HOST/PORT/</code>:</p><ul>${items.join("\n")}</ul>`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)} - microproxy</title>
<style>body{font:16px/1.5 sans-serif;max-width:45em;margin:3em auto;padding:0 1em}code{background:#eee}</style>
</head><body><h1>${escaped(title)}</h1>
${body}
</body></html>
`
}
