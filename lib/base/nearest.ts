/** Which name somebody meant who typed one that does not exist. */
import { distance } from "fastest-levenshtein"

/** The nearest known name; null where none differs in at most half of its characters: a guess that is further off misleads. */
export function nearestName(typed: string, known: Iterable<string>): string | null {
  let nearest: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const name of known) {
    const apart = distance(typed, name)
    if (apart >= least || apart * 2 > Math.max(typed.length, name.length)) continue
    nearest = name
    least = apart
  }
  return nearest
}

/** `, did you mean NAME?` with what stands before the name, such as `--`; empty where no known name is near. */
export function didYouMean(typed: string, known: Iterable<string>, before = ""): string {
  const nearest = nearestName(typed, known)
  return nearest === null ? "" : `, did you mean ${before}${nearest}?`
}
