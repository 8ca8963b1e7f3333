/** Which login somebody meant who typed one that nobody has. */
import { distance } from "fastest-levenshtein"

/** The nearest known login; null where none differs in fewer than half of its characters. */
export function nearestLogin(typed: string, known: Iterable<string>): string | null {
  let nearest: string | null = null
  let least = Math.ceil(typed.length / 2)
  for (const login of known) {
    const apart = distance(typed, login)
    if (apart >= least) continue
    nearest = login
    least = apart
  }
  return nearest
}
