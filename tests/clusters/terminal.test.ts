/** A student at a real terminal: questions, live lines, Ctrl-C at every moment. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DescribeInstancesCommand, type Instance, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { ctrlC } from "../support/terminal.ts"
import { type Classroom, login, openClassroom } from "./support.ts"

let room: Classroom
beforeAll(async () => {
  room = await openClassroom()
})
afterAll(() => room.close())
beforeEach(async () => {
  const ids = (await live()).map(({ InstanceId }) => InstanceId ?? "")
  if (ids.length > 0) await room.emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }))
  room.course.configure({})
  room.emulator.proxy.world.knobs.pendingMs = 0
})

async function live(): Promise<Instance[]> {
  const { Reservations = [] } = await room.emulator.ec2.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) =>
    ["pending", "running"].includes(State?.Name ?? ""),
  )
}

/** No instance without its owner's and cluster's tag, whatever was interrupted. */
async function allTagged(cluster: string): Promise<number> {
  const nodes = await live()
  for (const { Tags = [] } of nodes) {
    expect(Tags).toContainEqual({ Key: tagOf.owner, Value: login })
    expect(Tags).toContainEqual({ Key: tagOf.cluster, Value: cluster })
  }
  return nodes.length
}

describe("the confirmation", () => {
  test("shows what is at stake, and anything but yes leaves it alone", async () => {
    await room.hadoop("launch-cluster", "asked", "1", "sm", "--timeout", "1s")
    for (const answer of ["no", "y", "", "YES PLEASE"]) {
      const tool = room.onTerminal("terminate-cluster", "asked")
      await tool.says(/Terminate 1 instance\? \[yes\/no\] /)
      tool.type(`${answer}\n`)
      expect(await tool.exited).toBe(0)
      expect(tool.screen()).toContain(
        "Cluster asked of cs61c-ab: 1 instance, 0.0 instance hours so far, $0.0832 per hour",
      )
      expect(tool.screen()).toContain("Nothing was done.")
    }
    expect(await live()).toHaveLength(1)
    const tool = room.onTerminal("terminate-cluster", "asked")
    await tool.says(/Terminate 1 instance\?/)
    tool.type("yes\n")
    expect(await tool.exited).toBe(0)
    expect(tool.screen()).toMatch(/i-\w+ terminated/)
    expect(await live()).toHaveLength(0)
  })

  test("is ended by Ctrl-C with nothing done, and is not asked with --no-input or without a terminal", async () => {
    await room.hadoop("launch-cluster", "asked", "1", "sm", "--timeout", "1s")
    const tool = room.onTerminal("terminate-cluster", "asked")
    await tool.says(/\[yes\/no\]/)
    tool.type(ctrlC)
    expect(await tool.exited).toBe(1)
    expect(tool.screen()).toContain("hadoop_ec2: interrupted: by SIGINT")
    const mute = room.onTerminal("terminate-cluster", "asked", "--no-input")
    expect(await mute.exited).toBe(2)
    expect(mute.screen()).toContain("nobody can be asked here (--yes answers)")
    expect((await room.hadoop("terminate-cluster", "asked")).code).toBe(2)
    expect(await live()).toHaveLength(1)
  })
})

describe("a launch on a terminal", () => {
  const launch = (cluster: string, ...options: string[]) =>
    room.onTerminal("launch-cluster", cluster, "1", "sm", "2", "sw", ...options)

  test("has one line for each node, which is written over", async () => {
    room.emulator.proxy.world.knobs.pendingMs = 1_500
    const tool = launch("lines", "--timeout", "4s", "--on-failure", "keep")
    await tool.says(/pending [\d.]+ sw/)
    await tool.says(/\u001b\[3A(\r\u001b\[K[^\n]*running[^\n]*\n){3}/)
    expect(await tool.exited).toBe(4)
  })

  test.each([
    ["y", 3, 0],
    ["yes", 3, 0],
    ["no", 4, 1],
    ["", 4, 1],
    [ctrlC, 4, 1],
  ])("that is refused half-way asks what to do: %j ends it with %d", async (answer, code, left) => {
    room.course.configure({ limits: { max_instances: 2 } })
    const tool = launch("half")
    await tool.says(/limit 2\r\n1 instance already run\. Terminate them\? \[yes\/no\] /)
    tool.type(answer === ctrlC ? ctrlC : `${answer}\n`)
    expect(await tool.exited).toBe(code)
    expect(await allTagged("half")).toBe(left)
    if (left > 0) expect(tool.screen()).toMatch(/1 instance of half still run: i-\w+ /)
    else expect(tool.screen()).toContain("1 instance of half launched and terminated again")
  })

  /** ec2-run, but that it says when it has the request, and takes a second longer: time for a Ctrl-C. */
  function slowLauncher(): () => void {
    const path = join(room.course.directory, "ec2-run")
    renameSync(path, `${path}.real`)
    writeFileSync(
      path,
      `#!/bin/sh\necho asked >&2; echo . >>'${path}.asked'; '${path}.real' "$@"; code=$?; sleep 1; exit $code\n`,
    )
    chmodSync(path, 0o755)
    return () => renameSync(`${path}.real`, path)
  }

  test("Ctrl-C while ec2-run launches: what it launched is known, tagged and asked about", async () => {
    const restore = slowLauncher()
    try {
      const tool = launch("early")
      await tool.says(/Launching 1 node with sm/)
      const asked = join(room.course.directory, "ec2-run.asked")
      while (!existsSync(asked)) await Bun.sleep(20)
      tool.type(ctrlC)
      await tool.says(/Terminate them\? \[yes\/no\] /)
      tool.type("no\n")
      expect(await tool.exited).toBe(4)
      expect(tool.screen()).toContain("interrupted: by SIGINT; 1 instance of early still run: i-")
      expect(await allTagged("early")).toBe(1)
      const journal = readFileSync(join(room.home, ".hadoop-cloud/early/launch.json"), "utf8")
      expect(JSON.parse(journal)).toHaveLength(1)
    } finally {
      restore()
    }
    const resumed = await room.hadoop(
      ...["launch-cluster", "early", "1", "sm", "2", "sw", "--resume", "--timeout", "1s"],
    )
    expect(resumed.stderr).toContain("Launching 2 nodes with sw")
    expect(await allTagged("early")).toBe(3)
  })

  test.each([
    ["nodes are pending", 60_000, /pending [\d.]+ sw/],
    ["the master boots", 0, /running [\d.]+ sw/],
  ])("Ctrl-C while %s: yes terminates all of it", async (_moment, pendingMs, seen) => {
    room.emulator.proxy.world.knobs.pendingMs = pendingMs
    const tool = launch("late")
    await tool.says(seen)
    tool.type(ctrlC)
    await tool.says(/3 instances already run\. Terminate them\?/)
    tool.type("yes\n")
    expect(await tool.exited).toBe(1)
    expect(tool.screen()).toContain("3 instances of late launched and terminated again")
    expect(await live()).toHaveLength(0)
  })

  test("Ctrl-C before anything is launched leaves nothing", async () => {
    for (const afterMs of [0, 30, 60, 120, 240]) {
      const tool = launch("none", "--on-failure", "terminate")
      await Bun.sleep(afterMs)
      tool.type(ctrlC)
      expect(await tool.exited).not.toBe(0)
      expect(await live()).toHaveLength(0)
    }
  })
})
