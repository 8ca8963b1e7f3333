/** What sessions cost: a recorded one through the wrapper, a crowd at once, and a client that asks for one at its start. */
import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isoUtc } from "../../lib/base/time.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { compileC, dataDir, makeDist, makeHost, prefix, root, whyNoNamespaces } from "../boundary/host.ts"
import { asStudent, awsClients } from "../support/aws_clients.ts"
import { usersDbAt } from "../support/databases.ts"
import { credentials, type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"
import { type Bench, type Figure, ratio } from "./support/figures.ts"
import { helloWorld } from "./support/hello.ts"
import { medians } from "./support/timing.ts"

const wrapperRuns = 41
const [logins, callsEach] = [50, 4]
const loginAt = (i: number) => `cs61c-${String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26))}`

export const bench: Bench = {
  what: "ec2-util --credentials, and the real AWS CLI with it",
  async run(): Promise<Figure[]> {
    const emulator = await startEmulator()
    const course = workspace({
      endpoint: emulator.endpoint,
      config: { identity: { credentials: "sessions" } },
    })
    try {
      await course.run("init_dbs")
      await course.run("setup")
      return [
        ...(await throughTheWrapper(emulator)),
        await crowd(emulator, course),
        ...(await withTheCli(emulator, course)),
      ]
    } finally {
      course.remove()
      await emulator.stop()
    }
  },
}

/** Whole processes, by turns, of a student on the tests' own login host. */
async function throughTheWrapper(emulator: Emulator): Promise<Figure[]> {
  const reason = whyNoNamespaces()
  if (reason) {
    console.log(`  through the wrapper: not measured: ${reason}`)
    return []
  }
  const host = await makeHost(makeDist(["ec2_util", "init_dbs", "setup"]))
  try {
    const { shared } = host
    const key = {
      aws_access_key_id: credentials.accessKeyId,
      aws_secret_access_key: credentials.secretAccessKey,
    }
    writeFileSync(join(shared, "key"), JSON.stringify(key))
    copyFileSync(await helloWorld(), join(shared, "hello"))
    // time_runs gives no arguments, and reads what it measures from stdout.
    for (const [name, call] of [
      ["ask", `execl("${prefix}/bin/ec2-util", "ec2-util", "--credentials", (char *)0);`],
      ["greet", `execl("${join(shared, "hello")}", "hello", (char *)0);`],
    ] as const) {
      const source = join(shared, `${name}.c`)
      writeFileSync(
        source,
        `#include <fcntl.h>\n#include <unistd.h>\nint main(void) { dup2(open("/dev/null", O_WRONLY), 1); ${call} return 1; }\n`,
      )
      compileC(join(shared, name), [source])
    }
    compileC(join(shared, "time_runs"), [join(root, "tests/boundary/time_runs.c")])
    const act = `${shared}/act gid=5000 uid=5000 --`
    const ready = await host.run(`set -e
      sed -i 's|^region.*|region = "us-east-1"\\nendpoint = "${emulator.endpoint}"|; s|^credentials = "keys".*|credentials = "sessions"|' /etc/ec2-wrappers/config.toml
      install -o cs61c -g cs61c -m 0400 ${shared}/key ${dataDir}/root-access-key
      chmod 0755 ${shared}/hello
      ${act} ${prefix}/libexec/init_dbs; ${act} ${prefix}/libexec/setup`)
    if (ready.code !== 0) throw new Error(ready.stderr)
    for (const command of [
      [`${prefix}/bin/ec2-util`, "--init"],
      [join(shared, "ask")],
      [join(shared, "hello")],
    ]) {
      const { stderr, code } = await host.as("cs61c-aa", [], command)
      if (code !== 0) throw new Error(`${command.join(" ")}: ${code}: ${stderr}`)
    }
    const timer = [join(shared, "time_runs"), join(shared, "ask"), join(shared, "greet"), String(wrapperRuns)]
    const { stdout, stderr } = await host.as("cs61c-aa", [], timer)
    const [ask = Number.NaN, hello = Number.NaN] = stdout.split("\n").map((line) => Number(line) / 1e6)
    if (!(hello > 0)) throw new Error(`nothing was measured: ${stderr}`)
    return [ratio("a recorded session through the wrapper", ask, ["hello world", hello], 4)]
  } finally {
    host.stop()
  }
}

/** Everybody at once, as at the begin of a lab. */
async function crowd(emulator: Emulator, course: Workspace): Promise<Figure> {
  const usersDb = usersDbAt({ path: join(course.dataDir, "users.db"), clock: systemClock })
  const createdAt = isoUtc(systemClock.now())
  for (let i = 0; i < logins; i++)
    usersDb.users.add({ login: loginAt(i), createdAt, createdBy: "bench", password: null })
  usersDb.close()
  emulator.proxy.calls.length = 0
  const all = await Promise.all(
    Array.from({ length: logins * callsEach }, (_, i) =>
      course.run("ec2_util", ["--credentials"], { as: loginAt(i % logins), compiled: true }),
    ),
  )
  const failed = all.find(({ code }) => code !== 0)
  if (failed) throw new Error(failed.stderr)
  const asked = emulator.proxy.calls.filter(({ action }) => action === "AssumeRole").length
  return ratio(`AssumeRole calls for ${all.length} calls at once`, asked, ["logins", logins], 1, (count) =>
    String(count),
  )
}

/** The same command with the profile of --init and with a fixed key. */
async function withTheCli(emulator: Emulator, course: Workspace): Promise<Figure[]> {
  const clients = awsClients()
  if (clients === null) {
    console.log("  with the AWS CLI: not measured: pip cannot fetch it")
    return []
  }
  const [student = ""] = [loginAt(logins)]
  await course.run("ec2_util", ["--init"], { as: student })
  // Recorded before: what is timed blocks this process, and with it the proxy. S3 is moto's, a process of its own.
  await course.run("ec2_util", ["--credentials"], { as: student })
  process.env.TEST_TOOLS = "compiled"
  const env = asStudent(course, student)
  const keys = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  const aws = (...args: string[]) => [join(clients, "aws"), ...args, "--endpoint-url", emulator.bareEndpoint]
  const byHand = { ...env, ...keys, AWS_DEFAULT_REGION: "us-east-1" }
  Bun.spawnSync(aws("s3", "mb", "s3://cs61c"), { env: byHand })
  const list = ["s3", "ls", `s3://cs61c/${student}/`]
  writeFileSync(
    join(course.home(student), ".aws", "credentials"),
    `[fixed]\naws_access_key_id = ${keys.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${keys.AWS_SECRET_ACCESS_KEY}\nregion = us-east-1\n`,
  )
  // An empty listing of a prefix ends with 1.
  const shell = (profile: string) => [
    "sh",
    "-c",
    '"$@"; [ $? -le 1 ]',
    "sh",
    ...aws(...list),
    "--profile",
    profile,
  ]
  const times = await medians(
    { session: { command: shell("cs61c"), env }, fixed: { command: shell("fixed"), env } },
    { rounds: 15 },
  )
  return [ratio("aws s3 ls with credential_process", times.session, ["with a fixed key", times.fixed], 1.1)]
}
