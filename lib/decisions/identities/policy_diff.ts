import { createTwoFilesPatch } from "diff"
import { canonicalPolicy } from "./policy_document.ts"

/** What changes between two policy documents, as a unified diff of their indented JSON; "" where they say the same. */
export function policyDiff(found: string | null, wanted: string): string {
  const [before, after] = [
    found === null ? "" : `${canonicalPolicy(found)}\n`,
    `${canonicalPolicy(wanted)}\n`,
  ]
  if (before === after) return ""
  const [from, to] = ["at AWS", "wanted"]
  // Without the line of = signs that the library puts first.
  return createTwoFilesPatch(from, to, before, after).split("\n").slice(1).join("\n").trimEnd()
}
