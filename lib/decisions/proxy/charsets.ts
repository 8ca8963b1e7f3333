/**
 * Encodings in which a byte that looks like ASCII may be something else: UTF-16 and ISO-2022-JP
 * (https://encoding.spec.whatwg.org/). Their documents are scanned as a text of one character a unit, in which all that is
 * not ASCII is one character that means nothing; edits then go to the bytes.
 */
import { headerValues, type RawHeaders } from "./raw_headers.ts"

export type Charset = "utf-16le" | "utf-16be" | "iso-2022-jp"

/** Stands for whatever is not ASCII. */
const opaque = "\xff"

const labels: [pattern: RegExp, charset: Charset][] = [
  [/^(?:utf-16be|unicodefffe)$/, "utf-16be"],
  [/^(?:utf-16(?:le)?|ucs-2|iso-10646-ucs-2|csunicode|unicode(?:feff)?)$/, "utf-16le"],
  [/^(?:cs)?iso-?2022-?jp$/, "iso-2022-jp"],
]

/** The encoding that Content-Type names, where it is one of these. */
export function charsetOf(headers: RawHeaders): Charset | null {
  const type = headerValues(headers, "content-type").at(-1) ?? ""
  const label = /charset\s*=\s*["']?([\w-]+)/i.exec(type)?.[1]?.toLowerCase() ?? ""
  return labels.find(([pattern]) => pattern.test(label))?.[1] ?? null
}

/** The encoding that a byte order mark tells, which counts more than any label; null where there is none. */
export function charsetOfMark(bytes: Uint8Array): Charset | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : null
}

/** Whether the beginning of a page says in a <meta> that it is ISO-2022-JP. */
export function namesIso2022Jp(beginning: string): boolean {
  return /<meta[^>]*charset\s*=\s*["']?(?:cs)?iso-?2022-?jp/i.test(beginning)
}

/** Reads a document's bytes piece by piece. */
export interface UnitReader {
  /** Bytes of a unit. */
  readonly size: 1 | 2
  /** The next bytes as text, one character a unit; a unit that is not whole yet comes with the next piece. */
  read(bytes: Buffer): string
  /** An edit's text as bytes; null where something opaque would be written. */
  encode(text: string): Buffer | null
}

export function unitReader(charset: Charset): UnitReader {
  return charset === "iso-2022-jp" ? iso2022Jp() : utf16(charset === "utf-16le")
}

function utf16(littleEndian: boolean): UnitReader {
  let half: number | null = null
  return {
    size: 2,
    read(bytes) {
      let text = ""
      let at = 0
      const unit = (first: number, second: number) => {
        const [low, high] = littleEndian ? [first, second] : [second, first]
        text += high === 0 && low < 0x80 ? String.fromCharCode(low) : opaque
      }
      if (half !== null && bytes.length > 0) unit(half, bytes[at++] as number)
      if (bytes.length > 0) half = null
      for (; at + 1 < bytes.length; at += 2) unit(bytes[at] as number, bytes[at + 1] as number)
      if (at < bytes.length) half = bytes[at] as number
      return text
    },
    encode(text) {
      if (text.includes(opaque)) return null
      const bytes = Buffer.from(text, "utf16le")
      return littleEndian ? bytes : bytes.swap16()
    },
  }
}

/** Escape sequences change what all bytes after them mean, up to the next one. */
function iso2022Jp(): UnitReader {
  let sequence = ""
  let isAscii = true
  return {
    size: 1,
    read(bytes) {
      let text = ""
      for (const byte of bytes) {
        if (byte === 0x1b || sequence !== "") {
          sequence += String.fromCharCode(byte)
          text += opaque
          // ESC ( X, ESC $ X, ESC $ ( X.
          if (/^\x1b(?:\([\s\S]|\$[^(]|\$\([\s\S]|[^($])$/.test(sequence)) {
            isAscii = /^\x1b\([BJ]$/.test(sequence) || (isAscii && !/^\x1b[($]/.test(sequence))
            sequence = ""
          }
        } else text += isAscii && byte < 0x80 ? String.fromCharCode(byte) : opaque
      }
      return text
    },
    encode: (text) => (text.includes(opaque) ? null : Buffer.from(text, "latin1")),
  }
}
