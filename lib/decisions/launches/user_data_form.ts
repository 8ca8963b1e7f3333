/** Whether cloud-init would run what was typed as user data. */
import { quoted } from "../../base/text.ts"

/** https://docs.cloud-init.io/en/latest/explanation/format.html */
const headers = [
  "#!",
  "#cloud-config",
  "#cloud-boothook",
  "#include",
  "#part-handler",
  "#upstart-job",
  "## template: jinja",
  "Content-Type:",
  "MIME-Version:",
]

/**
 * Why a single line of user data is most likely a mistake, with the option that works; null where it is none. People type a
 * file's name, as other tools take it (`setup.sh`, `file://setup.sh`, `@setup.sh`), and the script never runs.
 */
export function objectionToUserDataLine(text: string): string | null {
  const line = text.trim()
  if (line === "" || line.includes("\n")) return null
  if (headers.some((header) => line.toLowerCase().startsWith(header.toLowerCase()))) return null
  const name = line.replace(/^(file:\/\/|@)/, "")
  const remedy = /\s/.test(name)
    ? "begin the script with a line such as #!/bin/sh"
    : `for the content of a file type --stdin-user-data < ${name}`
  return `is ${quoted(line)}, one line that cloud-init does not run; ${remedy} (--force launches with it as it is)`
}
