import { afterEach, describe, expect, test } from "bun:test"
import { planCluster } from "../../lib/decisions/clusters/cluster_plan.ts"
import { type ClusterLaunch, launchCluster } from "../../lib/operations/clusters/cluster_launch.ts"
import { createFormattedSnapshot, waitForSnapshot } from "../../lib/operations/clusters/formatted_snapshot.ts"
import { deleteGroups } from "../../lib/operations/clusters/groups.ts"
import { readMembers } from "../../lib/operations/clusters/members.ts"
import { listClusters } from "../../lib/operations/clusters/status.ts"
import { startCluster, stopCluster } from "../../lib/operations/clusters/stop_start.ts"
import { terminateCluster, terminateNodes } from "../../lib/operations/clusters/terminate.ts"
import { waitingFrom, waitUntilRunning } from "../../lib/operations/clusters/wait.ts"
import { type Script, type ScriptedCloud, scriptedCloud } from "./scripted_cloud.ts"

let cloud: ScriptedCloud
afterEach(() => cloud.close())

function orderOf(workers: number): ClusterLaunch {
  return {
    groups: planCluster([String(workers)]).groups,
    mode: "launch",
    onFailure: null,
    timeoutMs: 1_200_000,
  }
}

/** Launches N workers; returns how long it took in the cloud's time. */
async function launch(
  workers: number,
  script: Partial<Script> = {},
  onFailure: "terminate" | null = null,
): Promise<number> {
  cloud = scriptedCloud(script)
  const started = cloud.now()
  await launchCluster(cloud.session, { ...orderOf(workers), onFailure })
  return cloud.now() - started
}

describe("waiting", () => {
  test("a hundred nodes that boot in 30 s are ready at most 2 s later", async () => {
    expect((await launch(99)) - 30_000).toBeLessThanOrEqual(2_000)
  })

  test("calls grow with polls, not with nodes", async () => {
    await launch(9)
    const few = { ...cloud.calls }
    cloud.close()
    await launch(299)
    expect(cloud.calls).toEqual(few)
  })

  test("a worker whose boot failed is named with its phase, at once", async () => {
    await expect(launch(40, { lastStatus: "T spark failed no mirror has it\n" })).rejects.toThrow(
      /boot: i-0+1-\w+ \(dn,nm,sw\) failed in phase spark: no mirror has it \(hadoop-ec2 logs words i-0+1-\w+\)/,
    )
    expect(cloud.now() - 1_700_000_000_000).toBeLessThan(15_000)
  })

  test("a wait that times out names who has not booted, and where they are", async () => {
    await expect(launch(2, { lastStatus: "T disks begin\n", bootMs: 30_000 })).rejects.toThrow(
      /timed out after 20 min waiting for boot, hdfs, yarn, spark of words \(i-0+1-\w+ disks\)/,
    )
  })

  test("throttling and ids that are not visible yet are tolerated", async () => {
    await launch(3, { visibleMs: 8_000 })
    cloud.close()
    cloud = scriptedCloud({ throttled: 4 })
    await waitUntilRunning(cloud.deps, [], waitingFrom(cloud.deps, 60_000))
    expect(cloud.calls.DescribeInstances).toBe(5)
  })

  test("without console output the first use is trusted after a while, and said to be unverified", async () => {
    await launch(1, { console: false })
    expect(cloud.notes.join("\n")).toContain("its host key is trusted as first seen, unverified")
    expect(cloud.calls.ssh).toBeGreaterThan(1)
  })

  test("what AWS does not show yet is terminated all the same, once it is known", async () => {
    const lost = launch(3, { visibleMs: 200_000 }, "terminate")
    await expect(lost).rejects.toThrow(/have vanished; 4 instances of words launched and terminated again/)
    expect(cloud.running()).toEqual([])
    cloud.close()
    const never = launch(3, { visibleMs: Number.POSITIVE_INFINITY }, "terminate")
    await expect(never).rejects.toThrow(/have vanished/)
    expect(cloud.notes.join("\n")).toMatch(/AWS does not know i-\S+ i-\S+ i-\S+ i-/)
  })

  test.each([true, false])(
    "what AWS lists late is not launched again (answer lost: %p)",
    async (workersUnheard) => {
      cloud = scriptedCloud({ workersUnheard, lastVisibleMs: 90_000 })
      const ended = launchCluster(cloud.session, { ...orderOf(3), timeoutMs: 1_000 })
      await expect(ended).rejects.toThrow(/[34] instances of words still run/)
      cloud.script.workersUnheard = false
      const { ids } = await launchCluster(cloud.session, { ...orderOf(3), mode: "resume" })
      expect(ids).toEqual([])
      expect(cloud.running()).toHaveLength(4)
    },
  )

  test("what AWS never lists is launched again after a while", async () => {
    cloud = scriptedCloud({ lastVisibleMs: Number.POSITIVE_INFINITY })
    await expect(launchCluster(cloud.session, { ...orderOf(3), timeoutMs: 1_000 })).rejects.toThrow(
      /still run/,
    )
    cloud.script.lastVisibleMs = 200_000
    await expect(launchCluster(cloud.session, { ...orderOf(3), mode: "resume" })).rejects.toThrow(/vanished/)
    expect(cloud.running()).toHaveLength(5)
  })

  test("what is not listed yet is ended with its cluster", async () => {
    cloud = scriptedCloud({ visibleMs: 90_000 })
    await expect(launchCluster(cloud.session, { ...orderOf(3), timeoutMs: 1_000 })).rejects.toThrow(
      /still run/,
    )
    const { terminated } = await terminateCluster(cloud.session, { groups: false })
    expect(terminated).toHaveLength(4)
    expect(cloud.running()).toEqual([])
  })

  test("a launch whose cluster is ended by another command launches nothing more", async () => {
    cloud = scriptedCloud()
    const { programs } = cloud.deps
    let ending: Promise<unknown> | undefined
    cloud.deps.programs = {
      ...programs,
      async run(argv, options) {
        const answer = await programs.run(argv, options)
        if (argv[0] === "ec2-run") ending ??= terminateCluster(cloud.session, { groups: false })
        return answer
      },
    }
    const launched = launchCluster(cloud.session, { ...orderOf(3), onFailure: "keep" })
    await expect(launched).rejects.toThrow(/^launch: another command ended words meanwhile/)
    await ending
    expect(cloud.calls["ec2-run"]).toBe(1)
    expect(cloud.running()).toEqual([])
  })

  describe("a stopped cluster", () => {
    const start = (timeoutMs = 1_200_000) => startCluster(cloud.session, { dryRun: false, timeoutMs })

    test("is listed with its cost, not launched beside, and started as a whole", async () => {
      await launch(3)
      expect((await stopCluster(cloud.session, { dryRun: false })).code).toBe(0)
      expect(cloud.running()).toEqual([])
      expect(await listClusters(cloud.deps)).toMatchObject([
        { name: "words", masters: 1, workers: 3, stopped: 4 },
      ])
      for (const mode of ["launch", "resume", "add"] as const) {
        const beside = launchCluster(cloud.session, { ...orderOf(1), mode })
        await expect(beside).rejects.toThrow(
          /has 4 instances already, 4 of them stopped \(hadoop-ec2 start words/,
        )
      }
      expect((await start()).ended).toEqual([])
      expect(cloud.running()).toHaveLength(4)
    })

    test("that ec2-active does not start stays stopped, and its code is passed on", async () => {
      await launch(1)
      await stopCluster(cloud.session, { dryRun: false })
      cloud.script.startRefused = true
      expect((await start()).reply).toEqual({ code: 3, lines: [] })
      expect(cloud.notes).toContain("no room")
      expect(cloud.running()).toEqual([])
    })

    test("names what ended meanwhile, and replaces nothing", async () => {
      await launch(2)
      const ids = cloud.running()
      await stopCluster(cloud.session, { dryRun: false })
      await terminateNodes(cloud.deps, [ids[2] ?? ""])
      expect((await start()).ended.map(({ id }) => id)).toEqual([ids[2] ?? ""])
      expect(cloud.notes.join("\n")).toContain(`${ids[2]} (dn,nm,sw) has ended meanwhile and is not replaced`)
      expect(readMembers(cloud.session).map(({ id }) => id)).not.toContain(ids[2])
      expect(cloud.calls["ec2-run"]).toBe(2)
    })

    test("without a master is not started: workers alone would only cost", async () => {
      await launch(2)
      const [master = ""] = cloud.running()
      await stopCluster(cloud.session, { dryRun: false })
      await terminateNodes(cloud.deps, [master])
      await expect(start()).rejects.toThrow("start: the masters of words have ended")
      expect(cloud.running()).toEqual([])
    })
  })

  test("a node for formatting is gone again where ec2-run was killed once it had launched it", async () => {
    cloud = scriptedCloud({ workersUnheard: true })
    const made = createFormattedSnapshot(cloud.session, 1)
    await expect(made).rejects.toThrow(/ended with 137/)
    expect(cloud.calls.TerminateInstances).toBe(1)
    expect(cloud.running()).toEqual([])
  })

  test("a snapshot that is not listed yet is waited for, one that fails or never ends is not", async () => {
    cloud = scriptedCloud()
    const wait = (states: string[], timeoutMs: number | null = null) => {
      const ec2 = async () => ({ snapshotState: async () => states.shift() ?? "pending" }) as never
      return waitForSnapshot({ ...cloud.deps, ec2, timeoutMs }, "snap-1")
    }
    await wait(["", "pending", "completed"])
    await expect(wait(["pending", "error"])).rejects.toThrow(/AWS could not make snap-1/)
    await expect(wait([], 90_000)).rejects.toThrow(/timed out after 1 min waiting for AWS to complete snap-1/)
    await expect(wait([])).rejects.toThrow(/timed out .* to complete snap-1/)
  })

  test("a security group in use is tried again, and named when it stays so", async () => {
    await launch(1, { groupInUse: 3 })
    expect(await deleteGroups(cloud.session)).toContain("cs61c-ab-words")
    cloud.close()
    await launch(1, { groupInUse: 1_000 })
    await expect(deleteGroups(cloud.session)).rejects.toThrow(
      /delete security groups: cs61c-ab-words-\w+ \(sg-\d\) is still in use by something outside of the cluster/,
    )
    cloud.script.groupInUse = 1
    cloud.deps.timeoutMs = 0
    await expect(deleteGroups(cloud.session)).rejects.toThrow(/in use/)
    expect((await cloud.deps.ec2().then((ec2) => ec2.securityGroupsWithRules({}))).length).toBe(1)
  })
})
