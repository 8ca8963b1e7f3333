/** The completions, typed into real shells on a terminal. */
import { beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { writeShare } from "../../packaging/reading/share.ts"
import { scratchDirectory } from "../support/scratch.ts"
import { skipWithout } from "../support/skips.ts"
import { runOnTerminal } from "../support/terminal.ts"

const scratch = scratchDirectory("completions")
const share = join(scratch, "share")
const home = join(scratch, "home")
const bin = join(scratch, "bin")

beforeAll(async () => {
  await writeShare(share, "/etc/ec2-wrappers/config.toml")
  mkdirSync(join(home, ".hadoop-cloud", "sorted"), { recursive: true })
  mkdirSync(bin)
  writeFileSync(join(home, ".hadoop-cloud", "clusters.cfg"), "[words]\nregion=us-east-1\n")
  writeFileSync(join(home, "usage.html"), "")
  for (const command of ["ec2-run", "ec2-active", "ec2-usage", "hadoop-ec2"]) {
    writeFileSync(join(bin, command), "#!/bin/sh\n")
    chmodSync(join(bin, command), 0o755)
  }
})

const env = () => ({
  HOME: home,
  PATH: `${bin}:/usr/bin:/bin:/usr/local/bin`,
  LANG: "C.UTF-8",
  TERM: "dumb",
  PS1: "$ ",
  XDG_DATA_DIRS: "/nonexistent",
})

interface Shell {
  program: string
  start: () => string[]
  /** What is typed first, to make the shell load the completion. */
  set: (command: string) => string
}

const shells: Shell[] = [
  {
    program: "bash",
    start: () => ["bash", "--norc", "--noprofile", "-i"],
    set: (command) =>
      `bind 'set show-all-if-ambiguous on'; bind 'set page-completions off'; . ${share}/bash-completion/completions/${command}; cd ~; echo loa''ded\n`,
  },
  {
    program: "zsh",
    start: () => ["zsh", "-f", "-i"],
    set: () =>
      `PS1='$ '; unsetopt zle_bracketed_paste 2>/dev/null; setopt no_always_last_prompt list_ambiguous; fpath=(${share}/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D; cd ~; echo loa''ded\n`,
  },
]

/** Types `line` and a tab twice; returns what the shell shows then. */
async function completed(shell: Shell, command: string, line: string, wanted: RegExp): Promise<string> {
  const terminal = runOnTerminal(shell.start(), { cwd: home, env: env() })
  terminal.type(shell.set(command))
  await terminal.says(/loaded/)
  const before = terminal.screen().length
  terminal.type(`${line}\t\t`)
  await terminal.says(wanted)
  const shown = terminal.screen().slice(before)
  terminal.type("\u0015exit\n") // Ctrl-U: away with the line
  await terminal.exited
  return shown
}

const cases: [command: string, line: string, wanted: RegExp][] = [
  ["ec2-run", "ec2-run --inst", /--instance-(type|profile)/],
  ["ec2-active", "ec2-active --term", /--terminate/],
  ["ec2-usage", "ec2-usage --by ", /day\b[\s\S]*week|assignment[\s\S]*day/],
  ["hadoop-ec2", "hadoop-ec2 launch-c", /launch-cluster/],
  ["hadoop-ec2", "hadoop-ec2 exec wor", /words/],
  ["hadoop-ec2", "hadoop-ec2 status sor", /sorted/],
  ["ec2-usage", "ec2-usage --html usa", /usage\.html/],
]

describe.each(shells)("$program", (shell) => {
  test.skipIf(skipWithout(shell.program)).each(cases)("%s: %p", async (command, line, wanted) => {
    expect(await completed(shell, command, line, wanted)).toMatch(wanted)
  })
})

describe("fish", () => {
  test.skipIf(skipWithout("fish")).each(cases)("%s: %p", (command, line, wanted) => {
    const file = join(share, "fish/vendor_completions.d", `${command}.fish`)
    const { stdout } = Bun.spawnSync(["fish", "--no-config", "-c", `source ${file}; complete -C '${line}'`], {
      cwd: home,
      env: env(),
    })
    expect(String(stdout)).toMatch(wanted)
  })
})
