/** One change to a text. */

/** Replace the bytes from `from` up to `to` by `text`. */
export interface Edit {
  from: number
  to: number
  text: string
}
