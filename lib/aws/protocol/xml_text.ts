/** From the bytes of a text in XML to its characters. */
import { GarbledReply } from "./garbled_reply.ts"

const ampersand = 0x26
const closingBracket = 0x5d

/** Text with its entities resolved; plain ASCII, which nearly all of it is, without a decoder. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte < 0x20 || byte >= 0x7f || byte === ampersand || byte === closingBracket) {
      const text = decode(bytes.subarray(start, end))
      if (text.includes("]]>")) throw new GarbledReply("it has ]]> in a text")
      return text.replace(/&([^;&]*;?)/g, entity)
    }
  }
  return bytes.toString("latin1", start, end)
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
// Characters that XML 1.0 does not allow, and line ends, which it makes one.
const notCharacters = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

export function decode(bytes: Uint8Array): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new GarbledReply("it is not UTF-8")
  }
  if (notCharacters.test(text)) throw new GarbledReply("it has characters that XML does not allow")
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text
}

const entities: Record<string, string> = { "amp;": "&", "lt;": "<", "gt;": ">", "quot;": '"', "apos;": "'" }

function entity(_whole: string, name: string): string {
  const known = Object.hasOwn(entities, name) ? entities[name] : undefined
  if (known !== undefined) return known
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(name) ?? []
  const code = hex ? Number.parseInt(hex, 16) : decimal ? Number(decimal) : -1
  if (code < 0 || code > 0x10ffff || notCharacters.test(String.fromCodePoint(code))) {
    throw new GarbledReply(`it has the unknown entity &${name.slice(0, 20)}`)
  }
  return String.fromCodePoint(code)
}
