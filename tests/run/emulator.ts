/** `npm run emulator`: the emulated AWS for people, with a course that points at it, until ^C. */
import { rmSync } from "node:fs"
import { startEmulator } from "../support/emulator.ts"
import { workspace } from "../support/tools.ts"
import { CannotRun } from "./settings.ts"

/** As long as on AWS, so that `--wait` has something to wait for. */
const lifelike = { pendingMs: 5_000, stoppingMs: 10_000, shuttingDownMs: 10_000 }

/** `--port N` chooses the port. Ends when the process does. */
export async function runEmulator(words: string[]): Promise<number> {
  const { proxy, endpoint, fixtures } = await startEmulator({ port: portOf(words) })
  Object.assign(proxy.world.knobs, lifelike)
  const launch = { image: fixtures.imageParameter, instance_type: "t3.micro" }
  const course = workspace({ endpoint, config: { launch } })
  process.on("exit", () => rmSync(course.directory, { recursive: true, force: true }))
  console.log(`AWS is emulated at ${endpoint} (tests/emulator/README.md); ^C ends it.

A course on it, in ${course.directory}: staff cs61c and cs61c-ta, students cs61c-aa to cs61c-zz.
In another shell, in this folder:

  as() { login=$1 tool=$2; shift 2
    mkdir -p ${course.directory}/home/$login
    HOME=${course.directory}/home/$login REAL_USERNAME=$login EC2_WRAPPERS_CONFIG=${course.configPath} \\
      node_modules/.bin/bun scripts/$tool.ts "$@"; }
  as cs61c init_dbs && as cs61c setup
  as cs61c-aa ec2_util --init
  as cs61c-aa ec2_runner --count 2 --wait

Let the next two launches fail, move the time, see the bill:

  curl -d '{"kind": "throttle", "action": "RunInstances", "times": 2}' ${endpoint}/_emulator/faults
  curl -d '{"minutes": 90}' ${endpoint}/_emulator/advance
  curl ${endpoint}/_emulator/bill`)
  await new Promise(() => {})
  return 0
}

function portOf(words: string[]): number {
  const [option, value = "", ...more] = words
  if (option === undefined) return 0
  if (option !== "--port" || !/^\d{1,5}$/.test(value) || Number(value) > 65535 || more.length > 0)
    throw new CannotRun(`emulator: ${words.join(" ")}: wanted nothing or --port N`)
  return Number(value)
}
