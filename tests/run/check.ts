/** `npm run check`: what every commit has to pass, side by side; each part's output comes when it has ended. */
import { type RunSettings, root } from "./settings.ts"
import { unitTests } from "./unit_files.ts"

export async function runCheck({ environment }: RunSettings): Promise<number> {
  const parts = {
    "formatted and linted": [process.execPath, "node_modules/.bin/biome", "check", "."],
    types: [process.execPath, "node_modules/.bin/tsc", "-p", "."],
    "unit tests": [...unitTests(), "--only-failures"],
  }
  const passed = await Promise.all(
    Object.entries(parts).map(async ([name, command]) => {
      const started = performance.now()
      const child = Bun.spawn(command, { cwd: root, env: environment, stdin: "ignore", stderr: "pipe" })
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`${code === 0 ? "ok" : "FAILED"}  ${name} (${seconds} s)`)
      if (code !== 0) console.log(`${stdout}${stderr}`.trimEnd())
      return code === 0
    }),
  )
  return passed.every(Boolean) ? 0 : 1
}
