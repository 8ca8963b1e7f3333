/** CHANGELOG.md in the forms that packages and releases want. */

export interface Release {
  version: string
  /** The changes, each on one line and without its mark. */
  changes: string[]
  /** The section's own text, for release notes. */
  text: string
}

/** The section of `version`; before it is released, the one of what is unreleased. Throws where there is neither. */
export function releaseOf(changelog: string, version: string): Release {
  const sections = changelog.split(/^## /m).slice(1)
  const section =
    sections.find((one) => one.startsWith(`[${version}]`)) ??
    sections.find((one) => one.startsWith("[Unreleased]"))
  if (section === undefined) throw new Error(`CHANGELOG.md has no section [${version}] and none [Unreleased]`)
  const text = section.slice(section.indexOf("\n") + 1).trim()
  const changes = [...text.matchAll(/^\* ((?:.|\n(?!\*|#|\n))+)/gm)].map(([, change = ""]) =>
    change.replace(/\s+/g, " ").trim(),
  )
  return { version, changes, text }
}

/** As in /usr/share/doc/PACKAGE/changelog.gz: deb-changelog(5). */
export function debianChangelog({ version, changes }: Release, maintainer: string, seconds: number): string {
  const date = new Date(seconds * 1000).toUTCString().replace("GMT", "+0000")
  const entries = changes.map((change) => wrapped(`  * ${change}`, "    ")).join("\n")
  return `ec2-wrappers (${version}) stable; urgency=medium\n\n${entries}\n\n -- ${maintainer}  ${date}\n`
}

/** As in an RPM's %changelog, where a per cent sign begins a macro. */
export function rpmChangelog({ version, changes }: Release, maintainer: string, seconds: number): string {
  const [day, month, number, year] = new Date(seconds * 1000)
    .toUTCString()
    .replace(",", "")
    .split(" ")
    .map((_, index, all) => all[[0, 2, 1, 3][index] ?? 0])
  const lines = changes.map((change) => wrapped(`- ${change.replaceAll("%", "%%")}`, "  "))
  return `* ${day} ${month} ${number} ${year} ${maintainer} - ${version}-1\n${lines.join("\n")}\n`
}

function wrapped(line: string, indent: string): string {
  const lines: string[] = []
  let current = ""
  for (const word of line.split(/(?<=\S) /)) {
    if (current !== "" && `${current} ${word}`.length > 78) {
      lines.push(current)
      current = `${indent}${word}`
    } else current = current === "" ? word : `${current} ${word}`
  }
  return [...lines, current].join("\n")
}
