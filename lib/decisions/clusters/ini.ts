/**
 * The INI dialect of Python 2's ConfigParser, in which every student's clusters.cfg is written: `[section]`, `key = value` or
 * `key: value`, continuation lines by indentation, `%(key)s` interpolation, `[DEFAULT]`. The packages that read INI drop the
 * continuation lines or the interpolation, so this is our own.
 */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

/** A file's sections, keys in lower case, values as written: several lines are joined by newlines, nothing is interpolated. */
export interface IniFile {
  name: string
  sections: Map<string, Map<string, string>>
}

const maxDepth = 10

/** Throws UsageError with the line's number. */
export function parseIni(name: string, text: string): IniFile {
  const sections: IniFile["sections"] = new Map()
  let section: Map<string, string> | undefined
  let key: string | undefined
  // Editors of Windows put a mark before the first line.
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const fail = (reason: string) => new UsageError(`${name}:${index + 1}`, reason)
    // A comment may begin with REM, too, in the first column.
    if (/^\s*([#;].*)?$/.test(raw) || /^rem(\s|$)/i.test(raw)) continue
    if (/^\s/.test(raw) && section && key !== undefined) {
      section.set(key, `${section.get(key)}\n${withoutComment(raw.trim())}`)
      continue
    }
    const line = raw.trim()
    const header = /^\[([^\]]+)\]\s*([#;].*)?$/.exec(line)
    if (header?.[1] !== undefined) {
      section = sections.get(header[1]) ?? new Map()
      sections.set(header[1], section)
      key = undefined
      continue
    }
    const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line)
    if (!pair) throw fail(`is ${quoted(line)}, wanted [SECTION] or KEY = VALUE`)
    if (!section) throw fail("stands before the first [SECTION]")
    key = (pair[1] ?? "").toLowerCase()
    section.set(key, withoutComment(pair[2] ?? ""))
  }
  return { name, sections }
}

/** A section's values over those of [DEFAULT], interpolated; null where there is no such section. */
export function iniSection(file: IniFile, name: string): Map<string, string> | null {
  const own = file.sections.get(name)
  if (!own) return null
  const values = new Map([...(file.sections.get("DEFAULT") ?? []), ...own])
  return new Map(
    [...values].map(([key, value]) => [key, interpolate(value, values, `${file.name}: [${name}] ${key}`, 0)]),
  )
}

/** The keys that other values of the section are made of by interpolation. */
export function keysReferredTo(file: IniFile, name: string): Set<string> {
  const values = [...(file.sections.get("DEFAULT") ?? []), ...(file.sections.get(name) ?? [])]
  const keys = values.flatMap(([, value]) => [...value.matchAll(/%\(([^)]*)\)s/g)].map(([, key = ""]) => key))
  return new Set(keys.map((key) => key.toLowerCase()))
}

/** The lines of a value; one line is a list of one. */
export function iniList(value: string): string[] {
  return value
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
}

function interpolate(value: string, values: Map<string, string>, where: string, depth: number): string {
  if (depth > maxDepth) throw new UsageError(where, "refers to itself")
  // As ConfigParser, which looks at no % where nothing is referred to: addresses with %20, ssh's %h.
  const isPlain = !value.includes("%(")
  return value.replace(/%(%|\(([^)]*)\)s|.?)/gs, (match, form: string, key: string | undefined) => {
    if (form === "%") return "%"
    if (key === undefined && isPlain) return match
    if (key === undefined)
      throw new UsageError(where, `${quoted(match)} is not %(key)s (beside one, write a lone % as %%)`)
    const found = values.get(key.toLowerCase())
    if (found === undefined) throw new UsageError(where, `refers to ${quoted(key)}, which is not set`)
    return interpolate(found, values, where, depth + 1)
  })
}

/** As ConfigParser: `;` after a blank begins a comment, `#` within a line does not; `""` is nothing. */
function withoutComment(value: string): string {
  const text = value.replace(/(^|\s+);.*$/, "").trimEnd()
  return text === '""' ? "" : text
}
