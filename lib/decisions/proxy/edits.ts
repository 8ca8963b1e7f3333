/** Collecting edits in order, and applying them. */
import { type Decoded, decodeReferences, encodeForAttribute } from "./character_references.ts"
import type { Edit } from "./edit.ts"

/** Decides on `text[from, to)` and reports edits with positions in `text`. */
export type EditFinder = (text: string, from: number, to: number, edits: Edit[]) => void

export function applyEdits(text: string, edits: readonly Edit[], from: number, to: number): string {
  const pieces: string[] = []
  let at = from
  for (const edit of edits) {
    pieces.push(text.slice(at, edit.from), edit.text)
    at = edit.to
  }
  pieces.push(text.slice(at, to))
  return pieces.join("")
}

/**
 * `applyEdits` to the first `to` of `bytes`, of which each is a character of `text`. To copy between each two edits takes ten
 * times as long.
 */
export function editedBytes(bytes: Buffer, text: string, edits: readonly Edit[], to: number): Buffer {
  return edits.length === 0 ? bytes.subarray(0, to) : Buffer.from(applyEdits(text, edits, 0, to), "latin1")
}

/** Runs a finder over an attribute's value as it reads with its character references decoded; edits name source bytes. */
export function editsInAttribute(
  text: string,
  from: number,
  to: number,
  edits: Edit[],
  find: EditFinder,
): void {
  const source = text.slice(from, to)
  const decoded: Decoded | null = decodeReferences(source)
  const found: Edit[] = []
  if (!decoded) find(source, 0, source.length, found)
  else find(decoded.text, 0, decoded.text.length, found)
  for (const edit of found) {
    const at = (position: number) => from + (decoded?.positions[position] ?? position)
    edits.push({ from: at(edit.from), to: at(edit.to), text: encodeForAttribute(edit.text) })
  }
}

/** The same for a value that is one URL: the usual case, and the one that counts. */
export function editInAttribute(
  text: string,
  from: number,
  to: number,
  edits: Edit[],
  editOf: (url: string) => Edit | null,
): void {
  const source = text.slice(from, to)
  if (source.includes("&")) {
    editsInAttribute(text, from, to, edits, (value, _from, _to, found) => {
      const edit = editOf(value)
      if (edit) found.push(edit)
    })
    return
  }
  const edit = editOf(source)
  if (edit) edits.push({ from: from + edit.from, to: from + edit.to, text: encodeForAttribute(edit.text) })
}
