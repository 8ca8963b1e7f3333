/** Setting keys in one section of an INI file that belongs to somebody else: all else stays as it is. */

interface MergedSection {
  name: string
  /** What the section is to say; null takes a key out. */
  values: Record<string, string | null>
  /** Keys that go, too: they would win over ours, or make readers fail. */
  unwanted?: RegExp
}

interface Block {
  /** Null before the first header. */
  header: string | null
  lines: string[]
}

/**
 * `text` with these values in its section, which is added at the end where it is missing. Of several sections of the name, however they
 * are spelled, one clean one is left, in the first one's place, and of a key that stands twice its last line: strict readers, such as
 * botocore's, refuse the whole file otherwise. Comments, other sections and other keys stay, in their order, and the kind of line ends.
 */
export function mergeIniSection(text: string, { name, values, unwanted }: MergedSection): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n"
  const lines = text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/)
  const set = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null)
  const blocks = blocksOf(lines)
  const isOurs = ({ header }: Block) => header !== null && nameIn(header) === name
  const own = blocks.filter(isOurs)
  const [first] = own
  if (!first) {
    if (set.length === 0) return text
    const gap = lines.length > 0 && lines.at(-1)?.trim() !== "" ? [""] : []
    return [...lines, ...gap, `[${name}]`, ...set.map(lineOf), ""].join(newline)
  }
  const goes = (key: string) => values[key] === null || (unwanted?.test(key) ?? false)
  const clean: Block = {
    header: cleanHeader(first.header ?? "", name),
    lines: withValues(withoutKeys(joined(own), goes), set),
  }
  const kept = blocks.flatMap((block) => (block === first ? [clean] : isOurs(block) ? [] : [block]))
  return [...kept.flatMap(({ header, lines }) => (header === null ? lines : [header, ...lines])), ""].join(
    newline,
  )
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [{ header: null, lines: [] }]
  for (const line of lines) {
    if (nameIn(line) === null) blocks.at(-1)?.lines.push(line)
    else blocks.push({ header: line, lines: [] })
  }
  return blocks
}

/** The lines of all sections of the name: what stands between two of them belongs to no other. */
function joined(own: readonly Block[]): string[] {
  const [first, ...others] = own
  const more = others.flatMap(({ lines }) => lines.filter((line) => line.trim() !== ""))
  const lines = first?.lines ?? []
  const end = lines.findLastIndex((line) => line.trim() !== "") + 1
  return [...lines.slice(0, end), ...more, ...lines.slice(end)]
}

/** Without the entries whose key goes, and without all but the last of one key; the indented lines of an entry go with it. */
function withoutKeys(lines: readonly string[], goes: (key: string) => boolean): string[] {
  const last = new Map<string, number>()
  for (const [index, line] of lines.entries()) last.set(keyOf(line) ?? "", index)
  let isDropped = false
  return lines.filter((line, index) => {
    const key = keyOf(line)
    if (key !== null) isDropped = goes(key) || last.get(key) !== index
    else if (!/^\s+\S/.test(line)) isDropped = false
    return !isDropped
  })
}

function withValues(lines: readonly string[], set: readonly [string, string][]): string[] {
  const names = new Set(set.map(([key]) => key.toLowerCase()))
  const entries = [...lines]
  for (const pair of set) {
    const found = entries.findIndex((line) => keyOf(line) === pair[0].toLowerCase())
    if (found < 0) entries.splice(entries.findLastIndex((line) => line.trim() !== "") + 1, 0, lineOf(pair))
    else entries[found] = lineOf(pair)
  }
  // What was indented below a value of ours would be read as a part of the new one.
  let isBelowOurs = false
  return entries.filter((line) => {
    const key = keyOf(line)
    if (key !== null) isBelowOurs = names.has(key)
    else if (isBelowOurs && /^\s+\S/.test(line)) return false
    return true
  })
}

/** Longer lines are no headers and no entries of ours: the file is whatever a student makes it. */
const longestLine = 8192

/** The name in a header as people mean it: without blanks around it or doubled, and without a profile's quotation marks. */
function nameIn(line: string): string | null {
  if (line.length > longestLine) return null
  const text = line.trimStart()
  const end = text.indexOf("]")
  if (!text.startsWith("[") || end <= 0) return null
  return text
    .slice(1, end)
    .trim()
    .replace(/\s+/g, " ")
    .replace(/^profile (["'])(.*)\1$/, "profile $2")
}

/** A comment behind it stays, unless a reader could take it for a part of the name. */
function cleanHeader(header: string, name: string): string {
  const rest = header.slice(header.indexOf("]") + 1)
  return `[${name}]${/^\s*([#;][^\]]*)?$/.test(rest) ? rest.trimEnd() : ""}`
}

/** Of an entry of the section itself: an indented line belongs to the entry above it. */
function keyOf(line: string): string | null {
  if (line.length > longestLine || /^[\s#;[]/.test(line)) return null
  const end = line.search(/[=:]/)
  return end > 0 ? line.slice(0, end).trimEnd().toLowerCase() : null
}

function lineOf([key, value]: [string, string]): string {
  return `${key} = ${value}`
}
