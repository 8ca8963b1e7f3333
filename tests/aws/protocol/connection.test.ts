/** What a connection takes from the config, and what it does not take from its surroundings. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openAws } from "../../../lib/aws/aws.ts"
import { AwsError } from "../../../lib/aws/protocol/errors.ts"
import { settingsFor } from "../../support/aws_settings.ts"
import { startScriptedServer } from "../../support/scripted_server.ts"

const reply = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
const root = join(import.meta.dir, "../../..")
const tls = join(root, "tests/fixtures/tls")
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "connection-"))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Lists instances in a process of its own, with these settings (as source text) and this environment. */
async function listElsewhere(settings: string, env: Record<string, string>) {
  const script = `
    import { openAws } from "${root}/lib/aws/aws.ts"
    import { settingsFor } from "${root}/tests/support/aws_settings.ts"
    const aws = openAws(() => ({ ...settingsFor("x"), ${settings} }))
    const ec2 = await aws.ec2()
    console.log(await ec2.instances().then((all) => all.length, (error) => error.message))
    const others = [
      async () => (await aws.iam()).users(),
      async () => (await aws.iam()).callerArn(),
      async () => (await aws.ssm()).parameter("x"),
      async () => (await aws.quotas()).ec2Quotas(),
      async () => (await aws.pricing()).onDemandPrices("us-east-1").next(),
      async () => (await aws.cloudTrail()).instanceEvents("i-1", 0, 1),
      async () => (await aws.scheduler("us-east-1")).removeTermination("i-1"),
    ]
    // What they make of an answer of EC2's does not matter.
    if (process.env.ASK_ALL) for (const ask of others) await ask().catch(() => {})`
  const child = Bun.spawn([process.execPath, "-e", script], {
    cwd: directory,
    env: { PATH: process.env.PATH ?? "", HOME: directory, ...env },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { out: out.trim(), err: err.trim() }
}

describe("with credentials from the file", () => {
  test("no client reads the environment or ~/.aws", async () => {
    const server = await startScriptedServer({ body: reply })
    mkdirSync(join(directory, ".aws"))
    // Whoever opens a pipe that nobody writes to waits for ever.
    for (const file of ["config", "credentials"]) Bun.spawnSync(["mkfifo", join(directory, ".aws", file)])
    const dead = "http://127.0.0.1:9/"
    const { out, err } = await listElsewhere(`endpoint: "${server.endpoint}"`, {
      AWS_ACCESS_KEY_ID: "AKIAELSEWHERE",
      AWS_SECRET_ACCESS_KEY: "x",
      AWS_SESSION_TOKEN: "x",
      AWS_PROFILE: "other",
      AWS_REGION: "eu-west-1",
      AWS_DEFAULTS_MODE: "auto",
      AWS_ENDPOINT_URL: dead,
      AWS_ENDPOINT_URL_EC2: dead,
      AWS_MAX_ATTEMPTS: "1",
      AWS_RETRY_MODE: "adaptive",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_SDK_UA_APP_ID: "spy",
      AWS_EXECUTION_ENV: "spy",
      HTTP_PROXY: dead,
      http_proxy: dead,
      ALL_PROXY: dead,
      ASK_ALL: "1",
    })
    server.stop()
    expect({ out, err }).toEqual({ out: "0", err: "" })
    const { headers } = server.received[0] ?? { headers: {} as Record<string, string> }
    expect(headers.authorization).toInclude("Credential=AKIAIOSFODNN7EXAMPLE/")
    expect(headers.authorization).toInclude("/us-east-1/ec2/aws4_request")
    expect(headers["user-agent"]).not.toInclude("spy")
    expect(headers["x-amz-security-token"]).toBeUndefined()
    const services = server.received.map((request) => request.headers.authorization?.split("/")[3])
    expect([...new Set(services)].sort()).toEqual([
      "cloudtrail",
      "ec2",
      "iam",
      "pricing",
      "scheduler",
      "servicequotas",
      "ssm",
      "sts",
    ])
  })

  test("AWS's own endpoint is asked by https, whatever the environment says", async () => {
    const proxy = await startScriptedServer({ status: 403, body: "no" })
    const { out } = await listElsewhere(`endpoint: null, proxy: "${proxy.endpoint}"`, {
      AWS_ENDPOINT_URL: "http://127.0.0.1:9/",
    })
    proxy.stop()
    expect(proxy.received[0]?.line).toBe("CONNECT ec2.us-east-1.amazonaws.com:443 HTTP/1.1")
    expect(out).toStartWith("describe instances: ")
  })

  test("the provider chain is used where the config says so", async () => {
    const server = await startScriptedServer({ body: reply })
    const { out } = await listElsewhere(`endpoint: "${server.endpoint}", credentials: "default"`, {
      AWS_ACCESS_KEY_ID: "AKIAFROMENVIRONMENT",
      AWS_SECRET_ACCESS_KEY: "x",
    })
    server.stop()
    expect(out).toBe("0")
    expect(server.received[0]?.headers.authorization).toInclude("Credential=AKIAFROMENVIRONMENT/")
  })
})

describe("a proxy from the config", () => {
  test("is where requests go", async () => {
    const proxy = await startScriptedServer({ body: reply })
    const aws = openAws(() => settingsFor("http://emulator.invalid:5000", { proxy: proxy.endpoint }))
    expect(await (await aws.ec2()).instances()).toEqual([])
    proxy.stop()
    expect(proxy.received[0]?.line).toBe("POST http://emulator.invalid:5000/ HTTP/1.1")
  })
})

describe("TLS", () => {
  const serve = () =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: {
        cert: readFileSync(join(tls, "certificate.pem"), "utf8"),
        key: readFileSync(join(tls, "key.pem"), "utf8"),
      },
      fetch: () => new Response(reply),
    })

  test("a certificate that nobody vouches for is refused, with what to do", async () => {
    const server = serve()
    const aws = openAws(() => settingsFor(`https://127.0.0.1:${server.port}`))
    const error = await (await aws.ec2()).instances().catch((thrown) => thrown)
    expect(error).toBeInstanceOf(AwsError)
    expect(error.message).toMatch(
      /is not trusted \(\w+\): behind a proxy that opens TLS, set \[aws\] ca_file/,
    )
    expect(error.mayHaveHappened).toBe(false)
    server.stop(true)
  })

  test("is refused even where the environment says not to look", async () => {
    const server = serve()
    const { out } = await listElsewhere(`endpoint: "https://127.0.0.1:${server.port}"`, {
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
    })
    expect(out).toInclude("is not trusted")
    server.stop(true)
  })

  test("is accepted where ca_file holds it", async () => {
    const server = serve()
    const caFile = join(tls, "certificate.pem")
    const aws = openAws(() => settingsFor(`https://127.0.0.1:${server.port}`, { caFile }))
    expect(await (await aws.ec2()).instances()).toEqual([])
    server.stop(true)
  })

  test("a ca_file that is not there is named", async () => {
    const aws = openAws(() => settingsFor("https://127.0.0.1:9", { caFile: join(directory, "none.pem") }))
    await expect(aws.ec2()).rejects.toThrow(/^\[aws\] ca_file: .*none\.pem/)
  })
})

test("a client is opened once for each region, and only when it is asked for", async () => {
  let opened = 0
  const aws = openAws(() => {
    opened++
    return settingsFor("http://127.0.0.1:9")
  })
  expect(opened).toBe(0)
  expect(await aws.ec2()).toBe(await aws.ec2("us-east-1"))
  expect((await aws.ec2("eu-west-1")).region).toBe("eu-west-1")
  expect(opened).toBe(1)
})
