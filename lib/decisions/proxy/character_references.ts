/** Character references in attributes, decoded so that every decoded character knows the bytes it came from. */

/** Those whose characters can stand in a URL up to its path; any other cannot be part of what we edit. */
const named: Record<string, string> = {
  amp: "&",
  AMP: "&",
  colon: ":",
  sol: "/",
  bsol: "\\",
  period: ".",
  quest: "?",
  num: "#",
  commat: "@",
  percnt: "%",
  lowbar: "_",
  lsqb: "[",
  lbrack: "[",
  rsqb: "]",
  rbrack: "]",
  Tab: "\t",
  NewLine: "\n",
  quot: '"',
  QUOT: '"',
  apos: "'",
  lt: "<",
  LT: "<",
  gt: ">",
  GT: ">",
  equals: "=",
  comma: ",",
  semi: ";",
  lpar: "(",
  rpar: ")",
  excl: "!",
  dollar: "$",
  plus: "+",
  ast: "*",
  midast: "*",
  grave: "`",
  lcub: "{",
  lbrace: "{",
  rcub: "}",
  rbrace: "}",
  verbar: "|",
  vert: "|",
  Hat: "^",
  nbsp: "\u00a0",
}

/** These are read without their semicolon, too, unless a letter, digit or equals sign follows. */
const withoutSemicolon = new Set(["amp", "AMP", "quot", "QUOT", "lt", "LT", "gt", "GT", "nbsp"])

export interface Decoded {
  text: string
  /** Where the character at an index of `text` begins in the source; at `text.length` the source's end. */
  positions: number[]
}

/** Decodes an attribute's value; null where there is nothing to decode. What is no reference, or not ASCII, stays. */
export function decodeReferences(source: string): Decoded | null {
  if (!source.includes("&")) return null
  const positions: number[] = []
  let text = ""
  const reference = /&(?:#(?:x([\da-f]+)|(\d+));?|([A-Za-z]+)(;?)(?=([A-Za-z\d=]?)))/gi
  let at = 0
  const copy = (to: number) => {
    for (; at < to; at++) {
      positions.push(at)
      text += source[at]
    }
  }
  for (let found = reference.exec(source); found; found = reference.exec(source)) {
    const char = charOf(found)
    if (char === null) continue
    copy(found.index)
    positions.push(at)
    text += char
    at = found.index + found[0].length
  }
  copy(source.length)
  positions.push(source.length)
  return { text, positions }
}

/** A replacement as it must stand in an attribute: nothing in it ends the attribute or begins a reference. */
export function encodeForAttribute(text: string): string {
  if (!/[&"'<>]/.test(text)) return text
  return text.replace(/[&"'<>]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function charOf([, hex, decimal, name, semicolon, next]: RegExpExecArray): string | null {
  if (name !== undefined) {
    const char = named[name]
    if (char === undefined || semicolon === ";") return char ?? null
    return withoutSemicolon.has(name) && next === "" ? char : null
  }
  const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal)
  // Beyond Latin-1 a decoded character would be no byte; a placeholder that no host or scheme contains keeps its place.
  if (code === 0 || code > 0x7f) return "\u00ff"
  return String.fromCharCode(code)
}
