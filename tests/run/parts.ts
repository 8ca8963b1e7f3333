/** The parts of the whole suite, which run side by side, and how one runs. */
import { createWriteStream, readdirSync } from "node:fs"
import { join } from "node:path"
import { postgresBinaries } from "../support/postgres.ts"
import { readTestOutput, type TestOutput } from "./bun_output.ts"
import { bunTest, cache, type RunSettings, root, say } from "./settings.ts"

export interface Part {
  name: string
  /** Files and folders, as bun's patterns. */
  paths: string[]
  /** Its tests set up machines with addresses of their own. */
  machines: boolean
  /** Besides the run's own. */
  environment?: Record<string, string>
}

/** Stores and operations whose tests run on both engines. */
const onBothEngines = [
  ...["enforcement/", "legacy/", "usage/"].map((name) => `tests/db/${name}`),
  ...["crowd", "kills", "partial_listing", "restart"].map(
    (name) => `tests/operations/launches/${name}.test.ts`,
  ),
  "tests/operations/enforcement/",
  "tests/operations/identities/converge.test.ts",
  "tests/operations/storage/",
  "tests/operations/usage/cron.test.ts",
]

/** Tests that set up machines, browsers and servers. */
const machineFolders = ["tests/boundary/", "tests/clusters/", "tests/proxy/", "tests/ui/"]
/** Tests of whole tools. They and the machines wait more than they work, so they run beside the others. */
const toolFolders = ["tests/scripts/"]

export function isMachineTest(path: string): boolean {
  const plain = `${path.replace(/^\.\//, "")}/`
  return machineFolders.some((folder) => plain.startsWith(folder))
}

/** The whole suite. The first part's output is shown as it comes. */
export function allParts(): Part[] {
  const rest = readdirSync(join(root, "tests"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(".test.ts"))
    .map((entry) => `tests/${entry.name}${entry.isDirectory() ? "/" : ""}`)
    .filter((path) => !machineFolders.includes(path) && !toolFolders.includes(path))
  return [
    { name: "others", paths: rest.sort(), machines: false },
    { name: "tools", paths: toolFolders, machines: false },
    { name: "machines", paths: machineFolders, machines: true },
    ...(postgresBinaries === null
      ? []
      : [
          {
            name: "postgres",
            paths: onBothEngines,
            machines: false,
            environment: { TEST_DATABASE: "postgres" },
          },
        ]),
  ]
}

/** What a part printed, read; the text itself goes to `.cache/test-NAME.log`. */
export interface PartResult extends TestOutput {
  text: string
}

/** `live` also copies the output to stdout as it comes. A part that ends badly without a failed test counts as one failure. */
export async function runPart(part: Part, settings: RunSettings, live: boolean): Promise<PartResult> {
  const command = [...bunTest, ...part.paths]
  const child = Bun.spawn(
    // One pipe for both, so that a failure's text stands before its name.
    ["sh", "-c", 'exec "$@" 2>&1', "sh", ...(part.machines ? await inNetworkOfItsOwn(command) : command)],
    {
      cwd: root,
      env: { ...settings.environment, ...part.environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  )
  const log = createWriteStream(join(cache, `test-${part.name}.log`))
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of chunksUntilExit(child)) {
    log.write(chunk)
    if (live) process.stdout.write(chunk)
    text += decoder.decode(chunk, { stream: true })
  }
  log.end()
  const output = readTestOutput(text)
  const endedBadly = (await child.exited) !== 0 || !output.ended
  return { ...output, failed: endedBadly ? Math.max(1, output.failed) : output.failed, text }
}

/** What is still in the pipe when a process ends is read within this time. */
const drainMs = 500

/** A process's output until it ends. What it leaves running may hold its pipe open for ever, and is not waited for. */
export async function* chunksUntilExit(child: Bun.Subprocess<"ignore", "pipe", "inherit">) {
  const reader = child.stdout.getReader()
  const hasEnded = child.exited.then(() => Bun.sleep(drainMs)).then(() => null)
  for (;;) {
    const next = await Promise.race([reader.read(), hasEnded])
    if (next === null || next.done) break
    yield next.value
  }
  await reader.cancel()
}

/**
 * The command in a network namespace: clusters' machines have EC2's addresses, and real daemons fixed ports, which the host may
 * use itself. What they run is fetched before. Without root it is the command itself, and those machines are skipped.
 */
export async function inNetworkOfItsOwn(command: string[]): Promise<string[]> {
  const possible = Bun.which("ip") !== null && Bun.which("unshare") !== null
  if (!possible || !Bun.spawnSync(["unshare", "--net", "true"]).success) return command
  try {
    await (await import("../ui/jars.ts")).fetchJars()
    await (await import("../clusters/hadoop.ts")).hadoopHome()
  } catch (error) {
    say(`not everything could be fetched, tests skip what they lack: ${error}`)
  }
  return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...command]
}
