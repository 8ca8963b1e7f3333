/** What is wrong with the command's words is said at its start, in one line. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { workspace } from "../support/tools.ts"
import { startProxyCommand } from "./command.ts"

const folder = mkdtempSync(join(tmpdir(), "proxy-options-"))
const file = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(folder, name), text, { mode })
  return join(folder, name)
}
afterAll(() => rmSync(folder, { recursive: true }))

describe("microproxy refuses at its start", () => {
  test.each<[string[], number, string]>([
    [["ftp://10.0.0.5/"], 2, 'DEFAULT_URL: is "ftp://10.0.0.5/"'],
    [["--ca-file", join(folder, "missing")], 1, "ENOENT"],
    [["--ca-file", file("no.pem", "no certificate")], 2, "holds no certificate in PEM form"],
    [["--token-file", folder], 1, "is a directory"],
    [["--ca-file", folder], 1, "is a directory"],
    [
      ["--token-file", file("open", "sixteen-characters", 0o644)],
      3,
      "can be read by others, wanted mode 0600",
    ],
    [["--allow", "::1"], 2, '--allow: "::1" is malformed'],
  ])("%p", async (args, exitCode, words) => {
    const { stdout, stderr, code } = await workspace().run("microproxy", ["0", ...args])
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringContaining(words)])
    expect(stdout).toBe("")
    expect(code).toBe(exitCode)
  })
})

describe("microproxy ends where nobody would learn its address:", () => {
  test("standard output is full", async () => {
    for (const json of [[], ["--json"]]) {
      const { stderr, code } = await workspace().run("microproxy", ["0", ...json], { full: true })
      expect(stderr).toBe("microproxy: stdout: cannot be written (ENOSPC), nobody would learn the address\n")
      expect(code).toBe(1)
    }
  })

  test("the reader of standard output went away", async () => {
    const child = workspace().start("microproxy", ["0"])
    await child.stdout.cancel()
    expect(await new Response(child.stderr).text()).toContain("stdout: cannot be written (EPIPE)")
    expect(await child.exited).toBe(1)
  })
})

test("the secret may lie behind a link: what is read counts", async () => {
  const link = join(folder, "link")
  symlinkSync(file("secret", "sixteen-characters\n"), link)
  const proxy = await startProxyCommand(["--token-file", link])
  expect(proxy.token).toBe("sixteen-characters")
  await proxy.stop()
})

test("an IPv6 range needs no brackets", async () => {
  for (const range of ["fd00::/16", "[fd00::]/16", "fd00::/16:8088"]) {
    const args = ["--allow", range, "--check", "http://[fd00::5]:8088/"]
    expect(await workspace().run("microproxy", args)).toMatchObject({ code: 0 })
  }
  const other = ["--allow", "fd00::/16:8088", "--check", "http://[fd00::5]:8089/"]
  expect(await workspace().run("microproxy", other)).toMatchObject({ code: 3 })
})
