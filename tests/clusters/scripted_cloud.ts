/**
 * A cloud whose time is virtual and whose machines do as they are told: for what takes minutes, and for counting calls.
 * What behaves like AWS is tested against the emulator; here only time passes.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ClusterEc2 } from "../../lib/aws/clusters/cluster_interfaces.ts"
import { AwsError } from "../../lib/aws/protocol/errors.ts"
import { type Instance, tagOf } from "../../lib/base/instance.ts"
import type { InstancesRequest } from "../../lib/base/launch_protocol.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { toSettings } from "../../lib/decisions/clusters/settings.ts"
import type { ClusterDeps, ClusterSession } from "../../lib/operations/clusters/deps.ts"
import { consoleText } from "./lab.ts"

export interface Script {
  /** From the launch to running, and to a finished boot with all services. */
  runningMs: number
  bootMs: number
  /** DescribeInstances does not show what was launched before that; of the last node, before `lastVisibleMs`. */
  visibleMs: number
  lastVisibleMs: number
  /** ec2-run is killed once it has launched workers: nobody hears of them. */
  workersUnheard: boolean
  /** The first so many calls are throttled. */
  throttled: number
  console: boolean
  /** What the last node's status file ends with instead. */
  lastStatus: string | null
  /** The first so many deletions of a group find it in use. */
  groupInUse: number
  /** ec2-active starts nothing. */
  startRefused: boolean
}

export interface ScriptedCloud {
  deps: ClusterDeps
  /** The cluster "words", with the usual settings. */
  session: ClusterSession
  script: Script
  /** Calls by name. */
  calls: Record<string, number>
  notes: string[]
  /** What costs. */
  running(): string[]
  now(): number
  close(): void
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
const separator = "--hadoop-ec2--"

export function scriptedCloud(changes: Partial<Script> = {}): ScriptedCloud {
  const script: Script = {
    runningMs: 10_000,
    bootMs: 30_000,
    visibleMs: 0,
    lastVisibleMs: 0,
    workersUnheard: false,
    throttled: 0,
    console: true,
    lastStatus: null,
    groupInUse: 0,
    startRefused: false,
    ...changes,
  }
  const directory = mkdtempSync(join(tmpdir(), "scripted-"))
  const calls: Record<string, number> = {}
  const notes: string[] = []
  const launched: { id: string; atMs: number; tags: Record<string, string> }[] = []
  const ended = new Set<string>()
  const stopped = new Set<string>()
  const groups = new Map<string, { name: string; tags: Record<string, string> }>()
  let time = 1_700_000_000_000
  const called = (name: string) => {
    calls[name] = (calls[name] ?? 0) + 1
    time += 50
  }
  const since = ({ atMs }: { atMs: number }) => time - atMs
  const lastVisibleMs = () => Math.max(script.visibleMs, script.lastVisibleMs)
  const allBooted = () => launched.every((node) => since(node) >= script.bootMs)

  const ec2 = {
    region: "us-east-1",
    async instances({
      ids,
      tags = {},
      states,
    }: {
      ids?: string[]
      tags?: Record<string, string>
      states?: string[]
    } = {}) {
      called("DescribeInstances")
      if (script.throttled-- > 0)
        throw new AwsError("describe", "slow down", "RequestLimitExceeded", false, "")
      return launched
        .filter((node) => since(node) >= (node === launched.at(-1) ? lastVisibleMs() : script.visibleMs))
        .filter(({ id }) => ids === undefined || ids.includes(id))
        .filter((node) => Object.entries(tags).every(([key, value]) => node.tags[key] === value))
        .map((node) => ({
          ...instance(node.id, launched.indexOf(node), since(node) >= script.runningMs, node.atMs, node.tags),
          ...(stopped.has(node.id) ? { state: "stopped" as const } : {}),
          ...(ended.has(node.id) ? { state: "terminated" as const } : {}),
        }))
        .filter(({ state }) => states === undefined || states.includes(state))
    },
    async terminateAll(ids: readonly string[]) {
      called("TerminateInstances")
      const isKnown = (id: string) =>
        launched.some((node) => node.id === id && since(node) >= script.visibleMs)
      for (const id of ids.filter(isKnown)) ended.add(id)
      return ids.filter((id) => !isKnown(id))
    },
    async subnets() {
      called("DescribeSubnets")
      return [
        {
          id: "subnet-1",
          vpcId: "vpc-1",
          zone: "us-east-1a",
          defaultForZone: true,
          mapPublicIp: true,
          tags: {},
        },
      ]
    },
    async securityGroupsWithRules() {
      called("DescribeSecurityGroups")
      return [...groups].map(([id, group]) => ({
        id,
        ...group,
        vpcId: "vpc-1",
        description: "",
        ingress: [],
      }))
    },
    async createSecurityGroup({ name, tags }: { name: string; tags: Record<string, string> }) {
      called("CreateSecurityGroup")
      const id = `sg-${groups.size}`
      groups.set(id, { name, tags })
      return { requestId: "", id }
    },
    async allowIngress() {
      called("AuthorizeSecurityGroupIngress")
    },
    async revokeIngress() {},
    async deleteSecurityGroup(id: string) {
      called("DeleteSecurityGroup")
      if (script.groupInUse-- > 0) throw new AwsError("delete", "in use", "DependencyViolation", false, "")
      groups.delete(id)
    },
    async freshConsole() {
      called("GetConsoleOutput")
      return script.console ? consoleText(hostKey) : ""
    },
    async instanceTypes(names: string[]) {
      called("DescribeInstanceTypes")
      return names.map((name) => ({ name, memoryMib: 8192, architectures: ["x86_64"] }))
    },
    async volumes() {
      called("DescribeVolumes")
      return []
    },
  } as unknown as ClusterEc2

  const deps: ClusterDeps = {
    login: "cs61c-ab",
    home: directory,
    configDir: directory,
    region: "us-east-1",
    launchTags: {},
    launchRegion: "us-east-1",
    defaults: { image: "", instanceType: "t3.large" },
    ec2: async () => ec2,
    launcher: "ec2-run",
    active: "ec2-active",
    clientAddress: async () => "203.0.113.7",
    fetchText: async () => "",
    clock: {
      now: () => utcMsOf(time),
      async sleep(ms, signal) {
        if (signal?.aborted) throw signal.reason
        time += ms
      },
    },
    timeoutMs: null,
    interrupt: new AbortController().signal,
    random: () => 0.5,
    prices: { overrides: {}, spotFactor: 0.7, kept: () => [], spot: () => [] },
    terminal: {
      line() {},
      note: (text) => void notes.push(text),
      warn: (text) => void notes.push(text),
      nodes() {},
      asks: false,
      ask: async () => null,
    },
    uninterrupted: () => deps,
    programs: {
      async run([program = "", ...words], { stdin = "" } = {}) {
        called(program)
        if (program === "ec2-run") {
          const request = JSON.parse(stdin)
          const stdout = launch(request)
          const isUnheard = script.workersUnheard && !request.cluster.roles.includes("nn")
          return isUnheard ? { code: 137, stderr: "", stdout: "" } : { code: 0, stderr: "", stdout }
        }
        if (program === "ec2-active") return changeState(words)
        if (program !== "ssh") return { code: 0, stdout: "", stderr: "" }
        if (words.some((word) => word.includes("StrictHostKeyChecking=accept-new"))) writeFirstUse(words)
        return { code: 0, stderr: "", stdout: answers() }
      },
      runAttached: async () => 0,
      startDetached: () => {
        throw new Error("nothing is started here")
      },
      openStream: () => {
        throw new Error("nothing is started here")
      },
    },
  }

  function launch({ count, cluster }: InstancesRequest): string {
    const fresh = Array.from({ length: count }, () => ({
      id: `i-${String(launched.length).padStart(17, "0")}-${crypto.randomUUID().slice(0, 4)}`,
      atMs: time,
      tags: {
        [tagOf.owner]: "cs61c-ab",
        [tagOf.cluster]: cluster?.name ?? "",
        [tagOf.clusterRoles]: cluster?.roles.join(",") ?? "",
      },
    }))
    launched.push(...fresh)
    return JSON.stringify({
      ids: fresh.map(({ id }) => id),
      instances: fresh.map(({ id }) => ({ id, private_ip: "10.0.0.1", private_dns: "", zone: "us-east-1a" })),
      hourly_cost: 0.01 * count,
      lease_end: "2026-11-22T23:00:00Z",
    })
  }

  function changeState(words: readonly string[]) {
    const ids = words.filter((word) => word.startsWith("i-"))
    if (words.includes("--start") && script.startRefused) return { code: 3, stdout: "", stderr: "no room\n" }
    for (const id of ids) {
      if (words.includes("--stop")) stopped.add(id)
      else stopped.delete(id)
    }
    return { code: 0, stderr: "", stdout: ids.map((id) => `${words[0]} ${id}\n`).join("") }
  }

  function answers(): string {
    const workers = launched.length - 1
    const status = allBooted() ? "T ready done \n" : "T daemons begin \n"
    const members = allBooted() ? workers : 0
    const phases = launched.map((_, index) => {
      const isLast = index === launched.length - 1
      return `${addressOf(index)} ${(isLast && script.lastStatus) || status}`
    })
    return [
      status,
      phases.join(""),
      JSON.stringify({ beans: [{ NumLiveDataNodes: members }] }),
      JSON.stringify({ clusterMetrics: { activeNodes: members } }),
      JSON.stringify({ status: "ALIVE", aliveworkers: members }),
    ].join(`\n${separator}\n`)
  }

  function writeFirstUse(words: readonly string[]): void {
    const value = (name: string) =>
      words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? ""
    require("node:fs").appendFileSync(
      value("UserKnownHostsFile").replaceAll('"', ""),
      `${value("HostKeyAlias")} ${hostKey}\n`,
    )
  }

  return {
    deps,
    session: { deps, name: "words", settings: toSettings({}, "cs61c-ab") },
    running: () => launched.filter(({ id }) => !ended.has(id) && !stopped.has(id)).map(({ id }) => id),
    script,
    calls,
    notes,
    now: () => time,
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const addressOf = (index: number) => `10.0.${index >> 8}.${index & 255}`

function instance(
  id: string,
  index: number,
  isRunning: boolean,
  atMs: number,
  tags: Record<string, string>,
): Instance {
  return {
    id,
    type: "t3.micro",
    state: isRunning ? "running" : "pending",
    market: "on-demand",
    region: "us-east-1",
    zone: "us-east-1a",
    imageId: "ami-1",
    keyName: "cs61c-ab-default",
    launchedAtUtcMs: utcMsOf(atMs),
    firstAttachedUtcMs: utcMsOf(atMs),
    stateTransitionReason: "",
    stateReasonCode: "",
    usageOperation: "RunInstances",
    platform: "",
    spotRequestId: "",
    clientToken: "",
    privateIp: addressOf(index),
    privateDns: "",
    publicIp: `203.0.113.${index & 255}`,
    publicDns: "",
    subnetId: "subnet-1",
    vpcId: "vpc-1",
    securityGroups: [],
    interfaceIds: [],
    volumes: [],
    hibernationConfigured: false,
    tags,
  }
}
