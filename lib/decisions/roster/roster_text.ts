/** The bytes of a file that a learning system or a spreadsheet wrote, as text. */

/** Text, or why it cannot be read right. A wrong guess would make another person of somebody. */
export function textOfFile(bytes: Uint8Array): { text: string } | { unreadable: string } {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8"
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return { unreadable: `is not text in ${encoding.toUpperCase()}; save it as CSV in UTF-8` }
  }
  if (text.includes("\0")) return { unreadable: "holds zero bytes; save it as CSV in UTF-8" }
  return { text }
}
