/** Setting keys in one section of an INI file that belongs to somebody else: every other byte stays as it is. */

/**
 * `text` with these keys in `[section]`, which is added at the end where it is missing; null removes a key, wherever the section
 * stands. Comments, other sections, keys that are not named, the order of lines and the kind of line ends are kept.
 */
export function mergeIniSection(
  text: string,
  section: string,
  values: Record<string, string | null>,
): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n"
  const all = text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/)
  const removed = Object.keys(values).filter((key) => values[key] === null)
  const set = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null)
  const lines = withoutKeys(all, section, removed)
  const { first, end } = rangeOf(lines, section)
  if (first < 0) {
    if (set.length === 0) return text
    const gap = lines.length > 0 && lines.at(-1)?.trim() !== "" ? [""] : []
    return [...lines, ...gap, `[${section}]`, ...set.map(entry), ""].join(newline)
  }
  const body = lines.slice(first + 1, end)
  for (const [key, value] of set) {
    const found = body.findLastIndex((line) => keyOf(line) === key.toLowerCase())
    if (found >= 0) body[found] = entry([key, value])
    else body.splice(body.findLastIndex((line) => line.trim() !== "") + 1, 0, entry([key, value]))
  }
  return [...lines.slice(0, first + 1), ...body, ...lines.slice(end), ""].join(newline)
}

/** Readers join the sections of one name: a key goes from all of them, with the indented lines that belong to it. */
function withoutKeys(lines: string[], section: string, keys: readonly string[]): string[] {
  const unwanted = new Set(keys.map((key) => key.toLowerCase()))
  if (unwanted.size === 0) return lines
  let isInside = false
  let isUnwanted = false
  return lines.filter((line) => {
    const header = headerOf(line)
    if (header !== null) isInside = header === section
    if (!/^\s+\S/.test(line)) isUnwanted = isInside && unwanted.has(keyOf(line) ?? "")
    return !isUnwanted
  })
}

/** The section's last occurrence, which is the one that readers let win; `first` is its header's line, or -1. */
function rangeOf(lines: string[], section: string): { first: number; end: number } {
  const first = lines.findLastIndex((line) => headerOf(line) === section)
  const next = lines.findIndex((line, index) => index > first && headerOf(line) !== null)
  return { first, end: next < 0 ? lines.length : next }
}

/** Longer lines are no headers and no entries of ours: the file is whatever a student makes it. */
const longestLine = 8192

function headerOf(line: string): string | null {
  if (line.length > longestLine) return null
  const text = line.trimStart()
  const end = text.indexOf("]")
  return text.startsWith("[") && end > 0 ? text.slice(1, end).trim().replace(/\s+/g, " ") : null
}

/** Of an entry of the section itself: an indented line belongs to the entry above it. */
function keyOf(line: string): string | null {
  if (line.length > longestLine || /^[\s#;[]/.test(line)) return null
  const end = line.search(/[=:]/)
  return end > 0 ? line.slice(0, end).trimEnd().toLowerCase() : null
}

function entry([key, value]: [string, string]): string {
  return `${key} = ${value}`
}
