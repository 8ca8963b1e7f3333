import { describe, expect, test } from "bun:test"
import { bootState, pollDelayMs, serviceState } from "../../../lib/decisions/clusters/readiness.ts"
import {
  hostKeysIn,
  hostKeysOfConsole,
  knownHostsLine,
  sameHostKeys,
  withHostKeys,
} from "../../../lib/decisions/ssh/host_keys.ts"

const ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
const other = "AAAAC3NzaC1lZDI1NTE5AAAAIPMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
const block = (key: string, prefix = "") =>
  `-----BEGIN SSH HOST KEY KEYS-----\r\n${prefix}ssh-ed25519 ${key} root@ip-10-0-0-1\r\n-----END SSH HOST KEY KEYS-----\r\n`

describe("host keys", () => {
  test("are read from what cloud-init prints, whatever the console puts before the lines", () => {
    for (const prefix of ["", "ec2: ", "[   12.345678] cloud-init[1234]: "]) {
      expect(hostKeysOfConsole(`noise\n${block(ed25519, prefix)}`)).toEqual([
        { type: "ssh-ed25519", key: ed25519 },
      ])
    }
  })

  test("only the first block counts: later ones could be printed by anybody", () => {
    expect(hostKeysOfConsole(block(ed25519) + block(other))).toEqual([{ type: "ssh-ed25519", key: ed25519 }])
  })

  test("a block that is not finished, or a line cut off, is none", () => {
    expect(hostKeysOfConsole(block(ed25519).split("-----END")[0] ?? "")).toEqual([])
    expect(hostKeysOfConsole(block(ed25519.slice(20)))).toEqual([])
    expect(hostKeysOfConsole("")).toEqual([])
  })

  test("a host's lines are replaced and the others' stay", () => {
    const key = { type: "ssh-ed25519", key: ed25519 }
    const file = withHostKeys(withHostKeys("", "i-1", [key]), "i-2", [key])
    const changed = withHostKeys(file, "i-1", [{ type: "ssh-ed25519", key: other }])
    expect(changed.trim().split("\n").sort()).toEqual([
      knownHostsLine("i-1", { type: "ssh-ed25519", key: other }),
      knownHostsLine("i-2", key),
    ])
    expect(sameHostKeys(hostKeysIn(changed, "i-1"), [key])).toBe(false)
    expect(sameHostKeys(hostKeysIn(changed, "i-2"), [key])).toBe(true)
  })
})

describe("readiness", () => {
  test.each([
    ["hdfs", '{"beans":[{"NumLiveDataNodes":3}]}', true, 3],
    ["hdfs", '{"beans":[]}', false, 0],
    ["yarn", '{"clusterMetrics":{"activeNodes":2,"lostNodes":1}}', true, 2],
    ["spark", '{"status":"ALIVE","aliveworkers":4}', true, 4],
    ["spark", '{"status":"STANDBY","aliveworkers":4}', false, 0],
    ["yarn", "<html>", false, 0],
    ["yarn", "null", false, 0],
  ] as const)("%s says %s", (service, answer, up, members) => {
    expect(serviceState(service, answer)).toEqual({ up, members })
  })

  test("the boot's state is its status file's last line", () => {
    expect(bootState("")).toMatchObject({ state: "waiting" })
    expect(bootState("T java begin \nT java done \n")).toMatchObject({ phase: "java", state: "running" })
    expect(bootState("T ready begin \nT ready done \n")).toMatchObject({ state: "done" })
    expect(bootState("T hadoop failed no mirror has it\n")).toEqual({
      phase: "hadoop",
      state: "failed",
      detail: "no mirror has it",
    })
  })

  test("polls become rarer with the time waited, and never cost more than a thirtieth of it", () => {
    expect(pollDelayMs(0, 0.5)).toBe(500)
    expect(pollDelayMs(30_000, 1)).toBeLessThanOrEqual(1_000)
    expect(pollDelayMs(3_600_000, 0.5)).toBe(10_000)
  })
})
