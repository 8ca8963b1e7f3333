/** What is read and completed, laid out below `share` as it is installed: manual pages, completions, documentation. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { commands, manualPageOf, tools } from "../../lib/base/commands.ts"
import type { Declaration } from "../../lib/terminal/declaration.ts"
import packageJson from "../../package.json" with { type: "json" }
import { releaseSeconds } from "../release_date.ts"
import { bashCompletion, fishCompletion, zshCompletion } from "./completions.ts"
import { configManualPage } from "./config_pages.ts"
import { manualPage } from "./manual_page.ts"

const root = join(import.meta.dir, "..", "..")

/** Writes everything below `share` anew. `configPath`: where the installation's config is, for the manual page. */
export async function writeShare(share: string, configPath: string): Promise<void> {
  rmSync(share, { recursive: true, force: true })
  const date = new Date(releaseSeconds(root) * 1000).toISOString().slice(0, 10)
  const { version } = packageJson
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(share, name)), { recursive: true })
    writeFileSync(join(share, name), text)
  }
  for (const tool of tools) {
    const { tool: declaration } = (await import(join(root, "scripts", `${tool}.ts`))) as { tool: Declaration }
    const command = manualPageOf(tool)
    const section = sectionOf(tool)
    write(
      `man/man${section}/${command}.${section}`,
      manualPage(declaration, { command, section, date, version, seeAlso: seeAlso(tool) }),
    )
    if (section === 8) continue
    write(`bash-completion/completions/${command}`, bashCompletion(declaration, command))
    write(`zsh/site-functions/_${command}`, zshCompletion(declaration, command))
    write(`fish/vendor_completions.d/${command}.fish`, fishCompletion(declaration, command))
  }
  const about = aboutConfig(configPath)
  write("man/man5/ec2-wrappers.toml.5", configManualPage({ date, version, about }))
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "docs"]) {
    if (readdirSync(root).includes(name))
      cpSync(join(root, name), join(share, "doc/ec2-wrappers", name), { recursive: true })
  }
}

/** 1: what people type. 8: what cron, staff and the administrator start from libexec. */
function sectionOf(tool: string): 1 | 8 {
  return commands.some((command) => command.tool === tool) ? 1 : 8
}

function seeAlso(tool: string): string[] {
  const others = tools.filter((other) => other !== tool && sectionOf(other) === sectionOf(tool))
  return [...others.map((other) => `${manualPageOf(other)}(${sectionOf(other)})`), "ec2-wrappers.toml(5)"]
}

function aboutConfig(configPath: string): string[] {
  return [
    `The configuration is one TOML file, ${configPath}. EC2_WRAPPERS_CONFIG names another one for a tool that is run directly; behind the setuid wrapper this variable does not exist.`,
    "The file holds no secret, and everybody may read it. Only root and the account that runs the tool may be able to write the file and each directory above it.",
    "An unknown key is an error that names the nearest known key, so that a mistyped limit never passes for a missing one. Dates without a time are UTC days.",
  ]
}
