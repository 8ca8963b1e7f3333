/** Whatever stood in ~/.aws, after --init the real botocore and the AWS CLI read the course's key from it, or ask for its session. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { asStudent, awsClients } from "../support/aws_clients.ts"
import { startEmulator } from "../support/emulator.ts"
import { finished, type Workspace, workspace } from "../support/tools.ts"

const clients = awsClients()
const emulator = await startEmulator()
const student = "cs61c-aa"
let course: Workspace

beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint })
  await course.run("init_dbs")
  await course.run("setup")
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const others = "[default]\naws_access_key_id = AKIAMINE\naws_secret_access_key = mine\n"

/** ~/.aws/credentials and ~/.aws/config before. */
const homes: [what: string, credentials: string, config: string][] = [
  ["nothing", "", ""],
  [
    "an old session's token",
    "[cs61c]\naws_access_key_id = ASIAEXAMPLEOLD\naws_secret_access_key = old\naws_session_token = EXPIRED\n",
    "",
  ],
  [
    "a role with a source",
    others,
    "[profile cs61c]\nrole_arn = arn:aws:iam::111122223333:role/LabRole\nsource_profile = default\n",
  ],
  [
    "a role in the file of keys",
    `${others}[cs61c]\nrole_arn = arn:aws:iam::111122223333:role/LabRole\ncredential_source = Environment\n`,
    "",
  ],
  [
    "a process",
    `${others}[cs61c]\ncredential_process = /bin/false\n`,
    "[profile cs61c]\ncredential_process = /bin/false\n",
  ],
  [
    "a single sign-on",
    others,
    "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n" +
      "[profile cs61c]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = Student\noutput = json\n",
  ],
  [
    "a web identity",
    others,
    "[profile cs61c]\nrole_arn = arn:aws:iam::1:role/R\nweb_identity_token_file = /tmp/none\n",
  ],
  [
    "blanks in the header",
    `${others}[ cs61c ]\naws_access_key_id = AKIAOLD\n`,
    "[ profile   cs61c ]\nregion = eu-west-1\n",
  ],
  [
    "the section twice",
    `[cs61c]\naws_access_key_id = AKIAONE\n${others}[cs61c]\naws_access_key_id = AKIATWO\n`,
    "[profile cs61c]\nregion = eu-west-1\n[profile cs61c]\nmax_attempts = 2\n",
  ],
  [
    "a key twice",
    "[cs61c]\naws_access_key_id = AKIAONE\naws_access_key_id = AKIATWO\n",
    "[profile 'cs61c']\nregion = x\n",
  ],
]

const script = `
import botocore.session, json, sys
session = botocore.session.Session(profile=sys.argv[1] if len(sys.argv) > 1 else None)
found = session.get_credentials().get_frozen_credentials()
print(json.dumps([found.access_key, found.token, session.get_config_variable("region")]))
`

function put(credentials: string, config: string): void {
  const place = join(course.home(student), ".aws")
  mkdirSync(place, { recursive: true })
  if (credentials !== "") writeFileSync(join(place, "credentials"), credentials)
  if (config !== "") writeFileSync(join(place, "config"), config)
}

const run = (command: string[], env: Record<string, string>) =>
  finished(Bun.spawn(command, { env, stdout: "pipe", stderr: "pipe" }))

const ask = async (env: Record<string, string>, ...profile: string[]) => {
  const { stdout, stderr } = await run([join(clients ?? "", "python"), "-c", script, ...profile], env)
  expect(stderr).toBe("")
  return JSON.parse(stdout)
}

describe.skipIf(clients === null)("with access keys", () => {
  test.each(homes)("where there was %s", async (_, credentials, config) => {
    put(credentials, config)
    const made = await course.run("ec2_util", ["--init", "--json"], { as: student })
    const { access_key } = JSON.parse(made.stdout)
    const env = { PATH: "/usr/bin:/bin", HOME: course.home(student), AWS_EC2_METADATA_DISABLED: "true" }
    expect(await ask(env, "cs61c")).toEqual([access_key, null, "us-east-1"])
    emulator.proxy.calls.length = 0
    const who = await run(
      [join(clients ?? "", "aws"), "sts", "get-caller-identity", "--profile", "cs61c"],
      env,
    )
    expect([who.stderr, JSON.parse(who.stdout).Arn]).toEqual([
      "",
      expect.stringMatching(/:user\/cs61c\/cs61c-aa$/),
    ])
    if (credentials.includes("AKIAMINE")) expect((await ask(env, "default"))[0]).toBe("AKIAMINE")
  })

  test("ec2-environment.sh wins over what the shell had", async () => {
    const made = await course.run("ec2_util", ["--init", "--json"], { as: student })
    const { access_key } = JSON.parse(made.stdout)
    const env = {
      ...{ PATH: "/usr/bin:/bin", HOME: course.home(student), AWS_EC2_METADATA_DISABLED: "true" },
      ...{
        AWS_SESSION_TOKEN: "EXPIRED",
        AWS_PROFILE: "gone",
        AWS_ACCESS_KEY_ID: "ASIAOLD",
        AWS_DEFAULT_REGION: "us-east-1",
      },
    }
    const python = join(clients ?? "", "python")
    const { stdout, stderr } = await run(
      ["/bin/sh", "-euc", `. $HOME/ec2-environment.sh; exec ${python} -c '${script}'`],
      env,
    )
    expect(stderr).toBe("")
    expect(JSON.parse(stdout).slice(0, 2)).toEqual([access_key, null])
  })
})

describe.skipIf(clients === null)("with sessions", () => {
  test.each(homes)("where there was %s", async (_, credentials, config) => {
    course.configure({ identity: { credentials: "sessions" } })
    await course.run("setup")
    put(credentials, config)
    await course.run("ec2_util", ["--init"], { as: student })
    const [key, token, region] = await ask(asStudent(course, student), "cs61c")
    expect([key.slice(0, 4), token?.length > 10, region]).toEqual(["ASIA", true, "us-east-1"])
    const profile = readFileSync(join(course.home(student), ".aws", "config"), "utf8")
    expect(profile.match(/profile cs61c/g)).toHaveLength(1)
  })
})
