/**
 * Machines for clusters to run on: network namespaces on a bridge, with Debian's sshd and host keys of their own, a metadata
 * service, and the user data run at the start, as the emulated EC2 was asked to launch them. They have the very addresses
 * that the emulator gave out. Needs root, iproute2 and openssh-server.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2"
import type { Emulator } from "../support/emulator.ts"

export interface LabMachine {
  id: string
  index: number
  /** How often it was started again. */
  starts: number
  directory: string
  privateIp: string
  /** Another one after each start. */
  publicIp: string
  /** Runs a command inside; throws where it fails. */
  inside(...argv: string[]): string
  bootLog(): string
}

export interface Lab {
  machines: Map<string, LabMachine>
  /** The key pair whose public half every machine's metadata has. */
  privateKey: string
  publicKey: string
  /** What the console of the next machines is to show instead of their own keys; for a machine in between. */
  consoleKeys: string | null
  /** Makes machines for what the emulator launches, until the lab is closed. */
  follow(): void
  close(): Promise<void>
}

/** Why there can be no lab here, or null. */
export function whyNoLab(): string | null {
  if (process.getuid?.() !== 0) return "needs root for network namespaces"
  for (const program of ["ip", "unshare", "setpriv", "sshd", "ssh", "scp", "ssh-keygen", "sudo", "python3"]) {
    if (!Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }))
      return `${program} is not installed`
  }
  const tried = Bun.spawnSync(["unshare", "--net", "--mount", "--pid", "--fork", "true"])
  return tried.success ? null : "namespaces cannot be made here"
}

/** Has the count of skipped tests say why; returns the reason. */
export function saidLoudly(what: string, reason: string | null): string | null {
  if (reason !== null) {
    console.error(`skipped: ${what}: ${reason}`)
    if (process.env.TEST_SKIPS) appendFileSync(process.env.TEST_SKIPS, `${what}: ${reason}\n`)
  }
  return reason
}

/** Labs of this process so far. */
let made = 0

export async function startLab(
  emulator: Emulator,
  images: { spark?: string; hadoop?: string; wheels?: string; user?: string },
): Promise<Lab> {
  removeStaleLabs()
  const directory = mkdtempSync(join(tmpdir(), `lab-${process.pid}-`))
  // Of its own: with the last process of an earlier lab's machine its cable goes too, but not at once.
  const serial = `${process.pid}n${made++}`
  const name = `lab${serial}`
  const host = `10.${100 + (process.pid % 100)}.255.1`
  const powered = new Map<string, { child: Bun.Subprocess<"pipe">; metadata: string }>()
  const disks = new Map<string, string>()
  let stopping = false
  let following: Promise<void> = Promise.resolve()
  run("ip", "link", "add", name, "type", "bridge")
  run("ip", "addr", "add", `${host}/32`, "dev", name)
  run("ip", "link", "set", name, "up")
  // Names are EC2's DNS to its machines; written in place, since each machine has it mounted.
  const hosts = join(directory, "hosts")
  writeFileSync(hosts, "127.0.0.1 localhost\n")
  const privateKey = join(directory, "id_ed25519")
  run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", privateKey)
  const lab: Lab = {
    machines: new Map(),
    privateKey,
    publicKey: readFileSync(`${privateKey}.pub`, "utf8").trim(),
    consoleKeys: null,
    follow() {
      following = (async () => {
        while (!stopping) {
          const instances = await launched(emulator)
          await machinesFor(instances)
          for (const [id, { child }] of powered) {
            if (instances.some((instance) => instance.id === id)) continue
            child.kill("SIGKILL")
            await child.exited
            powered.delete(id)
          }
          for (const { id, tags } of instances) writeMetadata(id, tags)
          await plugVolumesIn(emulator)
          await Bun.sleep(100)
        }
      })()
    },
    async close() {
      stopping = true
      await following.catch(() => {})
      const children = [...powered.values()].map(({ child }) => child)
      for (const child of children) child.kill("SIGKILL")
      await Promise.all(children.map((child) => child.exited))
      for (const { directory } of lab.machines.values()) Bun.spawnSync(["umount", join(directory, "rw")])
      for (const disk of disks.values()) Bun.spawnSync(["losetup", "-d", disk])
      Bun.spawnSync(["ip", "link", "del", name])
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return lab

  async function machinesFor(instances: Awaited<ReturnType<typeof launched>>) {
    for (const { id, privateIp, publicIp, tags } of instances) {
      const known = lab.machines.get(id)
      if (known) {
        if (!powered.has(id)) await startAgain(known, publicIp, tags)
        continue
      }
      const index = lab.machines.size
      const own = join(directory, id)
      mkdirSync(join(own, "image"), { recursive: true })
      // Its disk, which outlives it when it is stopped.
      mkdirSync(join(own, "rw"))
      run("mount", "-t", "tmpfs", "tmpfs", join(own, "rw"))
      const inside = (...argv: string[]) => {
        const inner = childOf(powered.get(id)?.child.pid ?? 0)
        return run("nsenter", "-t", String(inner), "-m", "-n", "-p", "-u", "env", "-i", path, ...argv)
      }
      const machine = {
        id,
        index,
        starts: 0,
        directory: own,
        privateIp,
        publicIp,
        inside,
        bootLog: () => inside("cat", "/var/log/cloud-init-output.log"),
      }
      lab.machines.set(id, machine)
      for (const [image, path] of Object.entries(images)) {
        if (path) run("ln", "-s", path, join(own, "image", image))
      }
      run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(own, "host_key"))
      const hostKey = readFileSync(join(own, "host_key.pub"), "utf8").trim()
      emulator.proxy.world.consoleOutputs.set(id, consoleText(lab.consoleKeys ?? hostKey))
      writeFileSync(join(own, "authorized_keys"), `${lab.publicKey}\n`)
      const sshd = [
        `HostKey ${own}/host_key`,
        "PidFile none",
        "UsePAM no",
        "PermitRootLogin yes",
        "StrictModes no",
        "Subsystem sftp internal-sftp",
        "MaxStartups 100",
      ]
      writeFileSync(join(own, "sshd_config"), `${sshd.join("\n")}\n`)
      for (const [number, part] of (await userDataParts(emulator, id)).entries()) {
        writeFileSync(join(own, `part-00${number}`), part, { mode: 0o755 })
      }
      appendFileSync(hosts, `${privateIp} node-${index}\n`)
      await powerOn(machine, tags)
    }
  }

  async function startAgain(machine: LabMachine, publicIp: string, tags: Record<string, string>) {
    machine.publicIp = publicIp
    machine.starts++
    await powerOn(machine, tags)
  }

  async function powerOn(machine: LabMachine, tags: Record<string, string>) {
    const { id, directory, index, starts } = machine
    const unshare = "unshare --net --mount --uts --pid --fork --kill-child --mount-proc --propagation private"
    const node = ["bash", join(import.meta.dir, "lab", "node.sh"), directory, `node-${index}`]
    // A killed test takes its machines along, and with their last process go namespaces and cables.
    const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...unshare.split(" "), ...node], {
      stdin: "pipe",
      stdout: Bun.file(join(directory, "out.log")),
      stderr: Bun.file(join(directory, "err.log")),
    })
    powered.set(id, { child, metadata: "" })
    writeMetadata(id, tags)
    const cable = `l${serial}.${index}${starts === 0 ? "" : `r${starts}`}`
    await plugIn(await pidInside(child.pid), cable, [machine.privateIp, machine.publicIp])
    child.stdin.write("go\n")
    child.stdin.flush()
  }

  /** What the machine's metadata service answers with; its tags are those of the moment. */
  function writeMetadata(id: string, tags: Record<string, string>) {
    const [machine, power] = [lab.machines.get(id), powered.get(id)]
    if (!machine || !power) return
    const tagPaths = Object.entries(tags).map(([key, value]) => [`tags/instance/${key}`, value])
    const metadata = JSON.stringify({
      "local-ipv4": machine.privateIp,
      "public-keys/0/openssh-key": lab.publicKey,
      ...Object.fromEntries(tagPaths),
    })
    if (metadata === power.metadata) return
    power.metadata = metadata
    const path = join(machine.directory, "imds.json")
    writeFileSync(`${path}.new`, metadata)
    renameSync(`${path}.new`, path)
  }

  /** Attached volumes are loop devices over files, which outlive the machines. They come as /dev/xvdX, as on Xen. */
  async function plugVolumesIn(emulator: Emulator) {
    const { Volumes = [] } = await emulator.ec2.send(new DescribeVolumesCommand({}))
    for (const { VolumeId = "", Attachments = [] } of Volumes) {
      const [attachment] = Attachments
      const machine = lab.machines.get(attachment?.InstanceId ?? "")
      const device = /^\/dev\/sd([f-p])$/.exec(attachment?.Device ?? "")?.[1]
      if (!machine || !device) continue
      const file = join(directory, `${VolumeId}.img`)
      if (!existsSync(file)) run("truncate", "-s", "128M", file)
      const disk = disks.get(VolumeId) ?? run("losetup", "--find", "--show", file).trim()
      disks.set(VolumeId, disk)
      const number = disk.replace("/dev/loop", "")
      try {
        machine.inside("sh", "-c", `test -b /dev/xvd${device} || mknod /dev/xvd${device} b 7 ${number}`)
      } catch {
        // Not up yet, or gone.
      }
    }
  }

  async function plugIn(pid: number, cable: string, [privateIp = "", publicIp = ""]: string[]) {
    run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", String(pid))
    run("ip", "link", "set", cable, "master", name, "up")
    for (const words of [
      ["link", "set", "lo", "up"],
      ["addr", "add", "169.254.169.254/32", "dev", "lo"],
      ["addr", "add", `${privateIp}/32`, "dev", "eth0"],
      ["addr", "add", `${publicIp}/32`, "dev", "eth0"],
      ["link", "set", "eth0", "up"],
      ["route", "add", "default", "dev", "eth0", "src", privateIp],
    ]) {
      run("nsenter", "-t", String(pid), "-n", "ip", ...words)
    }
    for (const address of [privateIp, publicIp])
      run("ip", "route", "replace", `${address}/32`, "dev", name, "src", host)
  }
}

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** The first process inside: the only child of `unshare`, once there is one. */
async function pidInside(pid: number): Promise<number> {
  for (;;) {
    const child = childOf(pid)
    if (child !== null) return child
    await Bun.sleep(5)
  }
}

function childOf(pid: number): number | null {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
  return text === "" ? null : Number(text.split(" ")[0])
}

/** What labs of killed tests left on the host: a bridge each, and their directories. */
function removeStaleLabs(): void {
  const isStale = (pid: string | undefined) => pid !== undefined && !existsSync(`/proc/${pid}`)
  for (const line of run("ip", "-brief", "link", "show", "type", "bridge").split("\n")) {
    const [, bridge = "", pid] = /^(lab(\d+)n\d+)\s/.exec(line) ?? []
    if (isStale(pid)) run("ip", "link", "del", bridge)
  }
  for (const entry of readdirSync(tmpdir())) {
    const [, pid] = /^lab-(\d+)-/.exec(entry) ?? []
    if (!isStale(pid)) continue
    for (const machine of readdirSync(join(tmpdir(), entry)))
      Bun.spawnSync(["umount", join(tmpdir(), entry, machine, "rw")])
    rmSync(join(tmpdir(), entry), { recursive: true, force: true })
  }
}

async function launched(emulator: Emulator) {
  const { Reservations = [] } = await emulator.ec2.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances)
    .filter(({ State }) => State?.Name === "running" || State?.Name === "pending")
    .map((instance) => ({
      id: instance.InstanceId ?? "",
      privateIp: instance.PrivateIpAddress ?? "",
      publicIp: instance.PublicIpAddress ?? "",
      tags: Object.fromEntries((instance.Tags ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""])),
    }))
    .filter(({ privateIp, publicIp }) => privateIp !== "" && publicIp !== "")
}

/** The scripts in an instance's user data, as cloud-init takes them out: plain, gzipped, or parts of a MIME archive. */
async function userDataParts(emulator: Emulator, id: string): Promise<string[]> {
  const reply = await emulator.ec2.send(
    new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" }),
  )
  const bytes = Uint8Array.fromBase64(reply.UserData?.Value ?? "")
  const text = new TextDecoder().decode(bytes[0] === 0x1f ? Bun.gunzipSync(bytes) : bytes)
  const [, boundary] = /^Content-Type: multipart\/mixed; boundary="([^"]+)"/.exec(text) ?? []
  if (boundary === undefined) return text === "" ? [] : [text]
  const parts = text.split(`--${boundary}`).slice(1, -1)
  return parts.map((part) => {
    const [head = "", ...rest] = part.split("\n\n")
    const body = rest.join("\n\n")
    const plain = /base64/.test(head) ? atob(body.replace(/\s/g, "")) : body
    return plain.replace(/^#cloud-boothook\n/, "")
  })
}

/** As cloud-init prints it, with what Nitro puts around it. */
export function consoleText(publicKey: string): string {
  return [
    "[    0.000000] Linux version 6.1.0",
    "-----BEGIN SSH HOST KEY FINGERPRINTS-----",
    "256 SHA256:whatever root@node (ED25519)",
    "-----END SSH HOST KEY FINGERPRINTS-----",
    "-----BEGIN SSH HOST KEY KEYS-----",
    publicKey,
    "-----END SSH HOST KEY KEYS-----",
    "",
  ].join("\r\n")
}

function run(...argv: string[]): string {
  const done = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" })
  if (!done.success) throw new Error(`${argv.join(" ")}: ${done.stderr}`)
  return done.stdout.toString()
}
