/** One command to a notebook: ec2-ssh --jupyter --launch, with a real JupyterLab on a machine of its own, through the microproxy. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Lab, type LabMachine, saidLoudly, startLab, whyNoLab } from "../clusters/lab.ts"
import { jupyterWheels } from "../clusters/wheels.ts"
import { compiledTool, root } from "../support/build.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type RunningTool, type Workspace, workspace } from "../support/tools.ts"

setDefaultTimeout(400_000)
const wheels = whyNoLab() === null ? await jupyterWheels() : null
const reason = saidLoudly(
  "JupyterLab on an instance",
  whyNoLab() ?? (wheels === null ? "JupyterLab's packages cannot be had" : null),
)
const login = "cs61c-ab"

describe.skipIf(reason !== null)("ec2-ssh --jupyter --launch", () => {
  let emulator: Emulator
  let course: Workspace
  let lab: Lab
  let serving: RunningTool
  let link: URL
  const machine = () => [...lab.machines.values()][0] as LabMachine
  const token = () => link.searchParams.getAll("token")[0] ?? ""
  const ask = (path: string, headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${link.port}${path}`, {
      redirect: "manual",
      headers: { Host: link.host, ...headers },
    })

  beforeAll(async () => {
    emulator = await startEmulator()
    const launch = {
      ...{ image: emulator.fixtures.image, instance_type: "t3.micro", user: "ec2-user" },
      ssh_from: ["anywhere"],
    }
    course = workspace({ endpoint: emulator.endpoint, config: { launch } })
    for (const [tool, ...args] of [["init_dbs"], ["setup"], ["ec2_util", "--init"]] as const) {
      const { stderr, code } = await course.run(tool, [...args], tool === "ec2_util" ? { as: login } : {})
      if (code !== 0) throw new Error(stderr)
    }
    lab = await startLab(emulator, { wheels: wheels ?? "", user: "/dev/null" })
    const key = join(course.home(login), `${login}-default.pem`)
    lab.publicKey = String(Bun.spawnSync(["ssh-keygen", "-y", "-f", key]).stdout).trim()
    lab.follow()
    // What the setuid wrapper does on a real host.
    const command =
      process.env.TEST_TOOLS === "compiled"
        ? `'${compiledTool("ec2_runner")}'`
        : `'${process.execPath}' '${join(root, "scripts", "ec2_runner.ts")}'`
    const run = `#!/bin/sh\nREAL_USERNAME=${login} EC2_WRAPPERS_CONFIG='${course.configPath}' exec ${command} "$@"\n`
    writeFileSync(join(course.directory, "ec2-run"), run, { mode: 0o755 })
  })
  afterAll(async () => {
    serving?.kill("SIGKILL")
    await lab?.close()
    course?.remove()
    await emulator?.stop()
  })

  test("launches, waits, and prints one link", async () => {
    serving = course.start("ec2_ssh", ["--jupyter", "--launch"], {
      as: login,
      env: { EC2_RUN: join(course.directory, "ec2-run") },
    })
    let text = ""
    const reader = serving.stdout.getReader()
    while (!text.includes("\n")) {
      const { value, done } = await reader.read()
      if (done)
        throw new Error(
          `no link: ${await new Response(serving.stderr).text()} ${machine().bootLog().slice(-3000)}`,
        )
      text += new TextDecoder().decode(value)
    }
    link = new URL(text.trim())
    expect(link.hostname).toEndWith(".localhost")
    expect(token()).toBe(machine().inside("cat", "/var/lib/ec2-wrappers/jupyter_token"))
  })

  test("listens on the machine's loopback only, as the login user", () => {
    const listening = machine().inside("bash", "-c", "cat /proc/net/tcp /proc/net/tcp6")
    const at8888 = listening.split("\n").filter((line) => / [0-9A-F]+:22B8 [0-9A-F]+:0000 0A /.test(line))
    expect(at8888).toHaveLength(1)
    expect(at8888[0]).toContain(" 0100007F:22B8 ")
    expect(machine().inside("stat", "-c", "%U %a", "/var/lib/ec2-wrappers/jupyter_token")).toBe(
      "ec2-user 600\n",
    )
  })

  test("lets in who has the link, and no other user of this host", async () => {
    const path = link.pathname.replace(/\/lab$/, "/api/status")
    expect((await ask(path, { Authorization: `token ${token()}` })).status).not.toBe(200)
    const entered = await ask(link.pathname + link.search, {})
    const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? ""
    expect(cookie).toStartWith("microproxy=")
    expect((await ask(path, { Authorization: `token ${token()}`, Cookie: cookie })).status).toBe(200)
    const wrong = await ask(path.replace("status", "contents"), {
      Authorization: "token wrong",
      Cookie: cookie,
    })
    expect(wrong.status).toBe(403)
  })

  test("has the token in no argument, environment, user data or tag", async () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) expect(read(`/proc/${pid}/${file}`)).not.toContain(token())
    }
    expect(JSON.stringify(emulator.proxy.calls)).not.toContain(token())
    const ended = serving.exited
    serving.kill("SIGINT")
    expect(await ended).toBe(0)
  })
})

function read(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}
