/** Characters as the tokenizers of HTML and CSS tell them apart, by their codes. */

export const isLetter = (code: number) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
export const isSpace = (code: number) =>
  code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d || code === 0x0c
export const isSpaceOrSlash = (code: number) => isSpace(code) || code === 0x2f
export const endsTagName = (code: number) => isSpaceOrSlash(code) || code === 0x3e
export const endsAttributeName = (code: number) => endsTagName(code) || code === 0x3d
/** What style sheets call names of, but for escapes. */
export const isNameCode = (code: number) =>
  isLetter(code) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f || code >= 0x80
