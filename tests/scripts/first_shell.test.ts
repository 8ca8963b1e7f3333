/** From nothing to a shell: ec2-util --init, ec2-run, ec2-ssh, on a fresh home, with a real sshd on a machine of its own. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CreateTagsCommand, DescribeInstancesCommand } from "@aws-sdk/client-ec2"
import { consoleText, type Lab, saidLoudly, startLab, whyNoLab } from "../clusters/lab.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { type Workspace, workspace } from "../support/tools.ts"

setDefaultTimeout(60_000)
const reason = saidLoudly("a first shell", whyNoLab())
const login = "cs61c-ab"

describe.skipIf(reason !== null)("a student with nothing", () => {
  let emulator: Emulator
  let course: Workspace
  let lab: Lab
  let id = ""
  const as = (tool: string, ...args: string[]) => course.run(tool, args, { as: login })
  const machine = () => {
    const found = lab.machines.get(id)
    if (!found) throw new Error("there is no machine")
    return found
  }

  beforeAll(async () => {
    emulator = await startEmulator()
    const launch = {
      image: emulator.fixtures.image,
      instance_type: "t3.micro",
      user: "root",
      ssh_from: ["anywhere"],
    }
    course = workspace({ endpoint: emulator.endpoint, config: { launch } })
    for (const tool of ["init_dbs", "setup"]) {
      const { stderr, code } = await course.run(tool)
      if (code !== 0) throw new Error(stderr)
    }
    lab = await startLab(emulator, {})
  })
  afterAll(async () => {
    await lab?.close()
    course?.remove()
    await emulator?.stop()
  })

  test("has one after three commands", async () => {
    const begun = performance.now()
    expect((await as("ec2_util", "--init")).code).toBe(0)
    const key = join(course.home(login), `${login}-default.pem`)
    // What EC2 hands to the machine's metadata.
    lab.publicKey = String(Bun.spawnSync(["ssh-keygen", "-y", "-f", key]).stdout).trim()
    lab.follow()
    const launched = await as("ec2_runner")
    expect(launched.code).toBe(0)
    id = JSON.parse(launched.stdout)[0]
    const { stdout, code } = await as("ec2_ssh", "hostname; exit 7")
    expect(stdout).toBe("node-0\n")
    expect(code).toBe(7)
    console.error(`a first shell: ${((performance.now() - begun) / 1000).toFixed(1)} s for three commands`)
  })

  test("has pinned the key that the console showed, under the id", () => {
    const pinned = readFileSync(join(course.home(login), ".ec2-wrappers/known_hosts", id), "utf8")
    const [type = "", key = ""] = readFileSync(join(machine().directory, "host_key.pub"), "utf8").split(" ")
    expect(pinned).toBe(`${id} ${type} ${key}\n`)
  })

  test("copies there and back", async () => {
    writeFileSync(join(course.home(login), "notes.txt"), "hello\n")
    const there = await as("ec2_ssh", "--copy", id, "notes.txt", ":/root/sent.txt")
    expect([there.code, there.stderr]).toEqual([0, ""])
    expect(machine().inside("cat", "/root/sent.txt")).toBe("hello\n")
    expect((await as("ec2_ssh", "--copy", ":/root/sent.txt", "back.txt")).code).toBe(0)
    expect(readFileSync(join(course.home(login), "back.txt"), "utf8")).toBe("hello\n")
  })

  test("connects by --stdio, as an editor's ssh does", async () => {
    const child = course.start("ec2_ssh", ["--stdio", id], { as: login })
    const reader = child.stdout.getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toStartWith("SSH-2.0-")
    child.kill()
    await child.exited
  })

  test("gives editors a Host block that ssh understands, and that holds no line of anybody's tag", async () => {
    const tags = [{ Key: "Name", Value: "x\n  ProxyCommand touch /tmp/reached" }]
    await emulator.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tags }))
    const { stdout, stderr, code } = await as("ec2_active", "--ssh-config")
    expect([stderr, code]).toEqual(["", 0])
    expect(stdout).toStartWith(`Host ${id}\n  User root\n`)
    expect(stdout).not.toContain("touch")
    const config = join(course.directory, "ssh_config")
    writeFileSync(config, stdout)
    const read = String(Bun.spawnSync(["ssh", "-G", "-F", config, id]).stdout)
    expect(read).toMatch(/^stricthostkeychecking true$/m)
    expect(read).toContain(`hostkeyalias ${id}\n`)
    expect(read).toContain(`--stdio ${id}\n`)
  })

  test("is given no other machine behind its address", async () => {
    const known = join(course.home(login), ".ec2-wrappers/known_hosts", id)
    const pinned = readFileSync(known, "utf8")
    const other = join(course.directory, "other_key")
    Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other])
    writeFileSync(known, `${id} ${readFileSync(`${other}.pub`, "utf8").split(" ").slice(0, 2).join(" ")}\n`)
    const { stdout, stderr, code } = await as("ec2_ssh", id, "hostname")
    expect([stdout, code]).toEqual(["", 255])
    expect(stderr).toContain("REMOTE HOST IDENTIFICATION HAS CHANGED")
    writeFileSync(known, pinned)
  })

  test("is refused where the console shows no key", async () => {
    const shown = emulator.proxy.world.consoleOutputs.get(id) ?? ""
    const known = join(course.home(login), ".ec2-wrappers/known_hosts", id)
    const pinned = readFileSync(known, "utf8")
    writeFileSync(known, "")
    for (const output of [
      "",
      consoleText("not a key").replaceAll("KEYS-----", "-----"),
      consoleText("ssh-ed25519 AAAA"),
    ]) {
      emulator.proxy.world.consoleOutputs.set(id, output)
      const { stdout, stderr, code } = await as("ec2_ssh", "--timeout", "1s", id, "hostname")
      expect([stdout, code]).toEqual(["", 1])
      expect(stderr).toContain("has not shown its host key on its console")
    }
    emulator.proxy.world.consoleOutputs.set(id, shown)
    writeFileSync(known, pinned)
  })

  test("a Name tag with a line break and an option reaches nothing", async () => {
    const tags = [{ Key: "Name", Value: "x\n  ProxyCommand touch /tmp/reached" }]
    await emulator.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tags }))
    const { stdout, code } = await as("ec2_ssh", id, "hostname")
    expect([stdout, code]).toEqual(["node-0\n", 0])
    expect(existsSync("/tmp/reached")).toBe(false)
  })

  test("another student's instance is refused, by its id and by its tag", async () => {
    const { Reservations } = await emulator.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
    expect(Reservations).toHaveLength(1)
    const tag = (Value: string) =>
      emulator.ec2.send(
        new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "ec2-wrappers:owner", Value }] }),
      )
    await tag("cs61c-aa")
    const named = await as("ec2_ssh", id, "hostname")
    expect([named.stdout, named.code]).toEqual(["", 3])
    expect(named.stderr).toContain(`${id}: is not an instance of ${login}`)
    const only = await as("ec2_ssh", "hostname")
    expect(only.stderr).toContain("you have no instance; launch one with ec2-run")
    await tag(login)
  })
})
