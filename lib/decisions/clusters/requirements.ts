/** What `--pip FILE` may hold: plain requirements, one a line. https://packaging.python.org/en/latest/specifications/dependency-specifiers/ */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

const name = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
const extras = `\\[\\s*${name}(?:\\s*,\\s*${name})*\\s*\\]`
const clause = "(?:===|==|~=|!=|<=|>=|<|>)\\s*[A-Za-z0-9.*+!_-]+"
const versions = `${clause}(?:\\s*,\\s*${clause})*`
const url = "@\\s*https://[^\\s'\"]+"
const marker = ";[\\w\\s.'\"<>=!~()-]+"
const requirement = new RegExp(`^${name}\\s*(?:${extras})?\\s*(?:${versions}|${url})?\\s*(?:${marker})?$`)

/**
 * The requirements in the text of a file, without comments and empty lines. Throws UsageError with the line's number for whatever
 * else pip would read there: an option, another file, a path, a line that goes on.
 */
export function parseRequirements(file: string, text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .flatMap((raw, index) => {
      const line = raw.replace(/(^|\s+)#.*$/, "").trim()
      if (line === "") return []
      if (requirement.test(line)) return [line]
      const what = line.startsWith("-") ? "an option" : "not a requirement such as numpy==2.1"
      throw new UsageError("pip", `${file}:${index + 1}: ${quoted(line)} is ${what}`)
    })
}
