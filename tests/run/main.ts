/** `npm test`, `npm run check` and the other tasks of package.json, started by start.mjs. */
import { rmSync } from "node:fs"
import { runCheck } from "./check.ts"
import { installEmulator, requireCompiler } from "./install_emulator.ts"
import { endProcessesWith } from "./left_running.ts"
import { inNetworkOfItsOwn, isMachineTest } from "./parts.ts"
import { bunTest, CannotRun, prepareRun, type RunSettings, root, runMark, say } from "./settings.ts"
import { testFiles, testWholeSuite } from "./suite.ts"
import { unitTests } from "./unit_files.ts"

interface Task {
  /** Tests start the compiled executables. */
  compiled?: true
  /** Returns the exit code. */
  run(settings: RunSettings, words: string[]): Promise<number>
}

const tasks: Record<string, Task> = {
  check: { run: runCheck },
  unit: { run: (settings, words) => inherit(settings, [...unitTests(), ...words]) },
  one: { run: testOne },
  test: {
    compiled: true,
    async run(settings, words) {
      requireCompiler()
      await installEmulator()
      return words.length > 0 ? testFiles(settings, words) : testWholeSuite(settings)
    },
  },
  emulator: {
    async run(_, words) {
      await installEmulator()
      return (await import("./emulator.ts")).runEmulator(words)
    },
  },
  demo: { compiled: true, run: (settings) => buildAndRun(settings, ["tests/demo/main.ts"]) },
  bench: {
    compiled: true,
    run: (settings, words) => buildAndRun(settings, ["tests/bench/main.ts", ...words]),
  },
}

/** `npm run test:one`: these files from the sources, without compiling tools first. Options are bun's. */
async function testOne(settings: RunSettings, words: string[]): Promise<number> {
  if (words.every((word) => word.startsWith("-"))) throw new CannotRun("test:one: name a test file or folder")
  await installEmulator()
  const command = [...bunTest, ...words]
  return inherit(settings, words.some(isMachineTest) ? await inNetworkOfItsOwn(command) : command)
}

async function buildAndRun(settings: RunSettings, program: string[]): Promise<number> {
  requireCompiler()
  await installEmulator()
  say("building dist")
  const built = await inherit(settings, [process.execPath, "tests/support/build.ts"])
  return built === 0 ? inherit(settings, [process.execPath, ...program]) : built
}

function inherit({ environment }: RunSettings, command: string[]): Promise<number> {
  const stdio = ["inherit", "inherit", "inherit"] as const
  return Bun.spawn(command, { cwd: root, env: environment, stdio: [...stdio] }).exited
}

const [name = "", ...words] = process.argv.slice(2)
const task = tasks[name]
if (task === undefined) {
  console.error(`tests/run/main.ts: ${name} is none of ${Object.keys(tasks).join(", ")}`)
  process.exit(1)
}
const settings = prepareRun({ compiled: task.compiled ?? false })
const cleanUp = () => {
  for (const { command } of endProcessesWith(runMark)) say(`ending what was left running: ${command}`)
  rmSync(settings.scratch, { recursive: true, force: true })
}
for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
  process.on(signal, () => {
    cleanUp()
    process.exit(128 + number)
  })
}
try {
  process.exitCode = await task.run(settings, words)
} catch (error) {
  if (!(error instanceof CannotRun)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  cleanUp()
}
